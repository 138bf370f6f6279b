"""What operations of torch do to the channels of their operands, by the operations' names."""

from collections.abc import Sequence
from dataclasses import replace

from msq_finn.training.coupling import axes, pieces
from msq_finn.training.coupling.calls import Call, Each, Result, Rule, Value
from msq_finn.training.coupling.channels import ChannelAxis, Lost


def apply(call: Call) -> Result:
    """Return what an operation leaves."""
    return RULES.get(call.name, Call.lost)(call)


def first(call: Call) -> Value:
    """Change nothing of the first operand but its type, place or size."""
    value = next(iter(call.values), Value())
    ndim = value.ndim
    if call.name in ("expand", "broadcast_to"):
        ndim = len(call.numbers(1, "size")) or None
    return replace(value, ndim=ndim, shape=None)


def nobodys(call: Call) -> Value:
    """Make channels of which none is a row that is to be placed, or no channels at all."""
    return Value()


def convolution(call: Call) -> Value:
    """Make new channels, or filter each channel by itself."""
    followed, groups = call.followed(), call.get(6, "groups", default=1)
    if followed is None or groups == 1:
        return Value()
    value, rows = followed
    if groups == rows.total:
        return replace(value, shape=None)
    return Value() if isinstance(groups, int) else call.lost()


def product(call: Call) -> Value:
    """Multiply matrices: the result's columns are the last one's, its rows the first one's."""
    left, right, *_ = (*call.values, Value(), Value())
    if call.name == "rmatmul":
        left, right = right, left
    return _contracted(call, left, right)


def attention(call: Call) -> Value:
    """Weigh the values, of which the channels stay the same."""
    value = call.get(2, "value")
    return _contracted(call, Value(), value if isinstance(value, Value) else Value())


def _contracted(call: Call, left: Value, right: Value) -> Value:
    if isinstance(left.channels, Lost) or isinstance(right.channels, Lost):
        return call.lost()
    found = []
    if isinstance(left.channels, ChannelAxis) and left.channels.axis != -1:
        found.append(left)
    if isinstance(right.channels, ChannelAxis) and right.channels.axis != -2:
        found.append(right)
    if len(found) > 1:
        return call.lost()
    return replace(found[0], shape=None) if found else Value()


def assignment(call: Call) -> Value:
    """Overwrite some entries: numbers leave the others whose they are."""
    target, _, source = call.args
    if isinstance(source, Value) and source.channels is not None:
        return call.lost()
    return target if isinstance(target, Value) else Value()


def attribute(call: Call) -> Result:
    """Read something off a tensor, or off Brevitas's quantized one."""
    of, name = call.args[:2]
    if isinstance(of, Each):
        return of.value
    inner = replace(call, name=name, args=(of,), kwargs={})
    return apply(inner) if name in ATTRIBUTES else Value()


ATTRIBUTES = ("shape", "T", "mT", "H", "mH", "value", "data", "real")
"""Attributes that are of use for following channels."""

ELEMENTWISE = """
abs absolute adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d adaptive_max_pool1d
adaptive_max_pool1d_with_indices adaptive_max_pool2d adaptive_max_pool2d_with_indices
adaptive_max_pool3d add addcdiv addcmul alpha_dropout and atan avg_pool1d avg_pool2d avg_pool3d
batch_norm bernoulli bitwise_and bitwise_not bitwise_or ceil celu clamp clamp_max clamp_min clip
copy copysign cos cosh div divide drop_path dropout dropout1d dropout2d dropout3d elu eq erf erfc
exp exp2 expm1 fake_quantize_per_tensor_affine feature_alpha_dropout feature_dropout floor
floor_divide floordiv fmax fmin fmod frac ge gelu greater group_norm gt hardshrink hardsigmoid
hardswish hardtanh heaviside iadd iand idiv ifloordiv imod imul instance_norm interpolate invert
ior ipow isub itruediv layer_norm le leaky_relu lerp less local_response_norm log log10 log1p log2
log_sigmoid log_softmax logical_and logical_not logical_or logsigmoid lp_pool1d lp_pool2d lt
masked_fill max_pool1d max_pool1d_with_indices max_pool2d max_pool2d_with_indices max_pool3d
max_pool3d_with_indices maximum minimum mish mod mul multiply nan_to_num native_batch_norm
native_dropout native_group_norm native_layer_norm ne neg negative normalize or pos positive pow
prelu radd rdiv reciprocal relu relu6 remainder rms_norm rmul round rpow rrelu rsqrt rsub rtruediv
selu sigmoid sign silu sin sinh softmax softmin softplus softshrink softsign sqrt square
stochastic_depth sub subtract tan tanh tanhshrink threshold true_divide truediv trunc upsample
upsample_bilinear upsample_nearest where xlogy
"""

FIRST = """
alias align_to as_tensor bfloat16 broadcast_to byte char clone contiguous cpu cuda data detach
double expand expand_as float half int long pin_memory real refine_names rename requires_grad
retain_grad short sum_to_size to type type_as value
"""

NOBODYS = """
all allclose any argmax argmin argsort assert bilinear bool cdist cross_entropy data_ptr device
dim dtype element_size embedding embedding_bag empty_like equal format full_like get_device grad
grad_fn gru gru_cell has_names index is_complex is_contiguous is_cuda is_floating_point is_leaf
is_meta is_nonzero is_quantized is_sparse is_tracing isfinite isinf isnan item l1_loss layout len
linear lstm lstm_cell mse_loss multi_head_attention_forward names native_multi_head_attention ndim
ndimension nelement new_empty new_full new_ones new_tensor new_zeros nll_loss nonzero numel numpy
one_hot ones_like rand_like randint_like randn_like repr rnn_relu rnn_relu_cell rnn_tanh
rnn_tanh_cell storage storage_offset str stride tolist transformer_encoder_layer_fwd zeros_like
"""

CONVOLUTIONS = "conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d"

REDUCTIONS = """
amax amin aminmax count_nonzero logsumexp max mean median min mode nanmean nansum norm prod std sum
var vector_norm
"""


def _named(rule: Rule, names: Sequence[str]) -> dict[str, Rule]:
    return dict.fromkeys(names, rule)


RULES: dict[str, Rule] = {
    **_named(pieces.elementwise, ELEMENTWISE.split()),
    **_named(first, FIRST.split()),
    **_named(nobodys, NOBODYS.split()),
    **_named(convolution, CONVOLUTIONS.split()),
    **_named(pieces.reduction, REDUCTIONS.split()),
    "permute": axes.permute,
    **_named(axes.transpose, ("transpose", "swapaxes", "swapdims")),
    **_named(axes.transpose_matrix, ("T", "t", "mT", "H", "mH", "adjoint")),
    "unsqueeze": axes.unsqueeze,
    "squeeze": axes.squeeze,
    **_named(axes.flatten, ("flatten", "ravel")),
    "unflatten": axes.unflatten,
    **_named(axes.reshape, ("reshape", "reshape_as", "view", "view_as", "unsafe_view")),
    **_named(axes.unmoved, ("roll", "flip")),
    **_named(axes.size, ("size", "shape")),
    **_named(pieces.split, ("split", "split_with_sizes", "chunk", "tensor_split")),
    "narrow": pieces.narrow,
    "unbind": pieces.unbind,
    **_named(pieces.concatenate, ("cat", "concat", "concatenate", "QuantCat")),
    "stack": pieces.stack,
    "pad": pieces.pad,
    **_named(pieces.repeat, ("repeat", "tile")),
    "getitem": pieces.item,
    "setitem": assignment,
    "getattr": attribute,
    **_named(product, ("matmul", "mm", "bmm", "imatmul", "rmatmul")),
    "scaled_dot_product_attention": attention,
}
"""By name, without underscores around it. What is not here loses the channels that it is given."""
