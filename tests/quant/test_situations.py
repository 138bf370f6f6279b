"""What training scripts do to layers, with Brevitas's own quantizer as the oracle of each test."""

import copy
import io
import itertools
import warnings

import numpy as np
import onnxruntime
import pytest
import torch
from brevitas.export import export_onnx_qcdq, export_qonnx, export_torch_qcdq
from brevitas.export.inference.manager import quant_inference_mode
from brevitas.nn import QuantConv2d, QuantLinear, QuantLSTM
from brevitas.nn.utils import merge_bn
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from qonnx.util.cleanup import cleanup_model
from torch import nn
from torch._subclasses import FakeTensorMode
from torch.nn.utils import parametrizations, prune
from torch.nn.utils.fusion import fuse_conv_bn_eval
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.checkpoint import checkpoint

from msq_finn.errors import MsqError
from msq_finn.quant import MSQWeightPerChannelFloat, SP2WeightPerChannelFloat
from msq_finn.training.assign import assign_rows, mixed_layers, row_schemes
from tests.quant.quantizers import (
    MIXED,
    QUANTIZERS,
    assert_on_grids,
    conv,
    oracle,
    rows_of,
)

every_quantizer = pytest.mark.parametrize("name", QUANTIZERS)
every_mix = pytest.mark.parametrize("name", MIXED)


def pair(name, **more):
    """A layer of a quantizer, and one of Brevitas's."""
    quantizer, options = QUANTIZERS[name]
    return conv(quantizer, options, **more), conv(*oracle(options), **more)


def raises(action):
    """The type of error that an action ends in, or None."""
    try:
        action()
    except Exception as error:
        return type(error)
    return None


# 1. Devices


def on_cuda(layer):
    """Move buffers as .to("cuda") does, which fake tensors cannot always do."""
    for name, buffer in list(layer.named_buffers()):
        owner, _, leaf = name.rpartition(".")
        layer.get_submodule(owner)._buffers[leaf] = buffer.to("cuda")


def reload(layer):
    layer.weight_quant.init_tensor_quant()  # what load_state_dict does to it


def set_anew(layer):
    layer.weight = nn.Parameter(torch.empty_like(layer.weight))


DEVICE_STEPS = {
    "device=": (),
    "moved": (on_cuda,),
    "moved and loaded": (on_cuda, reload),
    "moved, with new weights": (on_cuda, set_anew),
    "with new weights, moved": (set_anew, on_cuda),
}


@every_quantizer
@pytest.mark.parametrize("steps", DEVICE_STEPS.values(), ids=DEVICE_STEPS)
def test_nothing_is_left_on_another_device(name, steps):
    with FakeTensorMode(allow_non_fake_inputs=True):
        left = []
        for layer in pair(name, device="cuda"):
            for step in steps:
                step(layer)
            if "MSE" not in str(QUANTIZERS[name]):  # Brevitas's search asks for numbers
                value, scale, zero, _ = layer.weight_quant.tensor_quant(layer.weight)
                assert value.device.type == scale.device.type == zero.device.type == "cuda"
            left.append({n for n, b in layer.named_buffers() if b.device.type != "cuda"})
    assert left[0] <= left[1]


@every_quantizer
def test_skeletons_on_the_meta_device_are_filled(name):
    quantizer, options = QUANTIZERS[name]
    torch.manual_seed(0)
    weights = nn.Conv2d(3, 8, 3, bias=False).state_dict()
    expected = conv(quantizer, options)
    expected.load_state_dict(weights, strict=False)
    for q, o in ((quantizer, options), oracle(options)):
        with torch.device("meta"):
            layer = QuantConv2d(3, 8, 3, bias=False, weight_quant=q, **o)
        layer.load_state_dict(weights, assign=True, strict=False)
        assert layer(torch.randn(1, 3, 4, 4)).isfinite().all()
        assert not any(tensor.is_meta for tensor in layer.weight_quant.state_dict().values())
        if q is quantizer:
            assert rows_of(layer) == rows_of(expected)
            assert torch.equal(layer.quant_weight().value, expected.quant_weight().value)


@every_mix
def test_rows_of_a_skeleton_with_a_checkpoint_are_the_checkpoints(name):
    quantizer, options = QUANTIZERS[name]
    trained = conv(quantizer, options)
    trained.weight_quant.assign(trained.weight_quant.int_quant.kinds().flip(0))
    trained.quant_weight()
    with torch.device("meta"):
        layer = QuantConv2d(3, 8, 3, bias=False, weight_quant=quantizer, **options)
    layer.load_state_dict(trained.state_dict(), assign=True)
    assert rows_of(layer) == rows_of(trained)


def emptied_skeleton(quantizer, options):
    """What large networks are built by: a shape, then memory with whatever is in it."""
    with torch.device("meta"):
        layer = QuantConv2d(3, 8, 3, bias=False, weight_quant=quantizer, **options)
    return emptied(layer)


def emptied(layer):
    layer.to("meta").to_empty(device="cpu")
    for buffer in layer.weight_quant.buffers():
        buffer.fill_(-4e7)
    # A learned scale that nothing fills is whatever was there, in Brevitas too: here, a number.
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.fill_(0.5)
    return layer


@every_mix
@pytest.mark.parametrize("first", ["skeleton", "moved away"])
@pytest.mark.parametrize("then", ["initialised", "loaded", "loaded floats", "assigned"])
def test_rows_of_emptied_layers_are_those_of_what_fills_them(name, first, then):
    quantizer, options = QUANTIZERS[name]
    for q, o in (oracle(options), (quantizer, options)):
        expected = conv(q, o, seed=1)
        expected.quant_weight()
        if first == "skeleton":
            layer = emptied_skeleton(q, o)
        else:
            layer = conv(q, o)
            layer.quant_weight()
            layer = emptied(layer)
        if then == "loaded":
            layer.load_state_dict(expected.state_dict())
        elif then == "loaded floats":
            layer.load_state_dict({"weight": expected.weight}, strict=False)
        else:
            with torch.no_grad():
                layer.weight.copy_(expected.weight)
        if then == "assigned" and q is quantizer:
            layer.weight_quant.assign(expected.weight_quant.int_quant.kinds())
        assert layer(torch.randn(1, 3, 4, 4)).isfinite().all()
    assert rows_of(layer) == rows_of(expected)


@every_quantizer
@pytest.mark.parametrize("where", ["meta", "fake"])
def test_states_are_loaded_where_tensors_are_shapes_alone(name, where):
    with torch.device("meta") if where == "meta" else FakeTensorMode():
        for layer in pair(name):
            device = layer.weight.device
            state = {key: value.to(device) for key, value in layer.state_dict().items()}
            layer.load_state_dict(state, strict=False)
            layer.load_state_dict({"weight": torch.empty_like(layer.weight)}, strict=False)
    saved = nn.Conv2d(3, 8, 3, bias=False).state_dict()
    with torch.device("meta"):
        layer, _ = pair(name)
        layer.load_state_dict(saved, strict=False, assign=True)
    assert layer(torch.randn(1, 3, 4, 4)).isfinite().all()
    assert not any(tensor.is_meta for tensor in layer.state_dict().values())


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@every_quantizer
def test_a_gpu_computes_the_same(name):
    layer, _ = pair(name)
    twin = copy.deepcopy(layer).cuda()
    twin.load_state_dict(layer.state_dict())
    for tensor in (*twin.parameters(), *twin.buffers()):
        assert tensor.is_cuda
    assert rows_of(twin) == rows_of(layer)
    assert torch.equal(twin.quant_weight().value.cpu(), layer.quant_weight().value)


# 2. Constants are no state


DECAYS = (0.0, 0.9, 0.9999)


@every_quantizer
@pytest.mark.parametrize("style", ["torch", "buffers", "in place", "new"])
def test_averages_of_what_stands_still_are_it(name, style):
    for layer, decay in itertools.product(pair(name), DECAYS):
        layer.eval()
        expected = layer.quant_weight()
        model = nn.Sequential(layer)
        average = AveragedModel(
            model, multi_avg_fn=get_ema_multi_avg_fn(decay), use_buffers=style == "buffers"
        )
        state = average.module.state_dict()
        for _ in range(5):
            if style in {"torch", "buffers"}:
                average.update_parameters(model)
            for key, tensor in model.state_dict().items():
                if style == "in place":
                    state[key].mul_(decay).add_(tensor, alpha=1 - decay)
                elif style == "new":
                    state[key] = decay * state[key] + (1 - decay) * tensor
        if style == "new":
            average.module.load_state_dict(state)
        got = average.module[0].quant_weight()
        assert torch.allclose(got.value, expected.value, rtol=1e-5)
        if hasattr(layer.weight_quant, "int_quant"):
            assert rows_of(average.module[0]) == rows_of(layer)


@every_quantizer
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_types_keep_rows_on_their_grids_or_are_refused(name, dtype):
    layer, theirs = (layer.to(dtype) for layer in pair(name))
    assert theirs.quant_weight().value.isfinite().all()
    if name == "wide" and dtype != torch.float64:
        with pytest.raises(MsqError, match=r"sp2_8: b?float16 is too coarse for its grid"):
            layer.quant_weight()
        return
    assert layer.quant_weight().value.dtype == layer.quant_weight().scale.dtype == dtype
    assert_on_grids(layer)
    layer(torch.randn(1, 3, 4, 4, dtype=dtype)).square().sum().backward()
    assert layer.weight.grad.isfinite().all() and layer.weight.grad.any()


@pytest.mark.parametrize("family", ["sp2", "pot", "apot"])
@pytest.mark.parametrize("bits", range(3, 9))
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("size", [1e-3, 0.05, 3.0])
def test_no_scheme_leaves_its_grid_in_half_precision(family, bits, dtype, size):
    try:
        layer = conv(SP2WeightPerChannelFloat.let(family=family), {"weight_bit_width": bits})
        with torch.no_grad():
            layer.weight.mul_(size)
            layer.weight[0] = 0
        assert_on_grids(layer.to(dtype))
    except MsqError as error:
        assert "too coarse" in str(error) or "its grid needs" in str(error)
        assert bits > 4


@every_quantizer
def test_buffers_hold_nothing_but_rows(name):
    layer, theirs = pair(name)
    ours = {n for n, _ in layer.named_buffers()} - {n for n, _ in theirs.named_buffers()}
    assert ours == ({"weight_quant.tensor_quant.int_quant.row_kinds"} if name in MIXED else set())


# 3. Only assign_rows changes rows


def merged(layer, norm):
    merge_bn(layer, norm)
    return layer


def reloaded(layer, _):
    layer(torch.randn(1, 3, 4, 4))
    twin = copy.deepcopy(layer)
    twin.load_state_dict(layer.state_dict())
    return twin


def with_new_weights(layer, _):
    layer.weight = nn.Parameter(torch.randn_like(layer.weight))
    return layer


def pruned(layer, _):
    prune.random_unstructured(layer, "weight", 0.5)
    layer(torch.randn(1, 3, 4, 4))
    prune.remove(layer, "weight")
    return layer


def normalised(layer, _):
    parametrizations.weight_norm(layer)
    layer(torch.randn(1, 3, 4, 4))
    torch.nn.utils.parametrize.remove_parametrizations(layer, "weight")
    return layer


CHANGES = {
    "merge_bn": merged,
    "fuse_conv_bn_eval": fuse_conv_bn_eval,
    "reloaded": reloaded,
    "new weights": with_new_weights,
    "pruning": pruned,
    "weight norm": normalised,
}


@pytest.mark.parametrize("name", ["MSQ", "MSQ searched", "three schemes"])
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("how", ["used", "assigned", "loaded", "loaded floats"])
def test_rows_outlive_what_rebuilds_their_quantizer(name, change, how):
    quantizer, options = QUANTIZERS[name]
    layers = [conv(quantizer, options).eval(), conv(*oracle(options)).eval()]
    if how == "assigned":
        layers[0].weight_quant.assign(layers[0].weight_quant.int_quant.kinds().flip(0))
    elif how == "loaded":
        other = conv(quantizer, options, seed=1)
        other.weight_quant.assign(layers[0].weight_quant.int_quant.kinds().flip(0))
        other.quant_weight()
        layers[0].load_state_dict(other.state_dict())
    elif how == "loaded floats":
        layers[0].load_state_dict(nn.Conv2d(3, 8, 3, bias=False).state_dict(), strict=False)
    before = row_schemes(layers[0])
    torch.manual_seed(1)
    norm = nn.BatchNorm2d(8).eval()
    with torch.no_grad():
        norm.running_mean.normal_(), norm.running_var.uniform_(0.2, 4), norm.weight.uniform_(-2, 2)
    x = torch.randn(2, 3, 6, 6)
    # Scales of a tensor are no multiples after merging; those learned or searched begin anew.
    compares = change in {merged, fuse_conv_bn_eval} and name == "MSQ"
    for layer in layers:
        expected = norm(copy.deepcopy(layer)(x)) if compares else None
        if how == "used":
            layer(x)
        changed = change(layer, norm)
        if compares:
            assert (changed(x) - expected).norm() < 1e-5 * expected.norm()
        if layer is layers[0]:
            assert row_schemes(changed) == before
            assert_on_grids(changed)


def test_merging_into_a_layer_that_never_computed_keeps_its_rows():
    layer, norm = conv(*QUANTIZERS["MSQ"]), nn.BatchNorm2d(8)
    with torch.no_grad():
        norm.weight.uniform_(-2, 2)
    before = row_schemes(layer)
    merge_bn(layer, norm)
    assert row_schemes(layer) == before


def test_float_weights_loaded_later_are_dealt_by():
    layer = conv(*QUANTIZERS["MSQ"])
    layer(torch.randn(1, 3, 4, 4))
    torch.manual_seed(1)
    saved = nn.Conv2d(3, 8, 3, bias=False)
    layer.load_state_dict(saved.state_dict())
    lowest = saved.weight.flatten(1).var(1, correction=0).argsort()[:4].tolist()
    assert sorted(lowest) == [i for i, n in enumerate(row_schemes(layer)) if n == "sp2_4"]


def test_weights_changed_in_place_are_named_once():
    layer = conv(*QUANTIZERS["MSQ"])
    nn.init.orthogonal_(layer.weight)
    rows = row_schemes(layer)
    with pytest.warns(UserWarning, match=r"QuantConv2d with 8x3x3x3 weights.*assign_rows"):
        layer(torch.randn(1, 3, 4, 4))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        layer(torch.randn(1, 3, 4, 4))
    assert row_schemes(layer) == rows


def test_recurrent_layers_are_dealt_by_what_they_begin_with():
    torch.manual_seed(0)
    layer = QuantLSTM(4, 8, weight_quant=MSQWeightPerChannelFloat)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=".*assign_rows")
        layer(torch.randn(3, 1, 4))
    for gate in mixed_layers(layer).values():
        weights = torch.cat([w.flatten(1) for w in gate.weight_quant.tracked_parameter_list], dim=1)
        lowest = weights.var(1, correction=0).argsort()[:4].tolist()
        assert sorted(lowest) == [i for i, n in enumerate(row_schemes(gate)) if n == "sp2_4"]


@pytest.mark.parametrize("prepare", ["nothing", "named rows", "assigned", "loaded", "trained"])
def test_no_warning_where_rows_are_as_they_should_be(prepare):
    quantizer, options = QUANTIZERS["MSQ by name" if prepare == "named rows" else "MSQ"]
    layer = conv(quantizer, options)
    if prepare in {"named rows", "assigned"}:
        nn.init.orthogonal_(layer.weight)
    if prepare == "assigned":
        assign_rows(layer, 0.5)
    if prepare == "loaded":
        layer.load_state_dict(nn.Conv2d(3, 8, 3, bias=False).state_dict())
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=".*assign_rows")
        for _ in range(3):
            layer(torch.randn(1, 3, 4, 4)).square().sum().backward()
            with torch.no_grad():
                layer.weight.sub_(layer.weight.grad)


def test_replicas_of_data_parallel_keep_the_rows_of_the_original():
    layers = pair("MSQ")
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=".*assign_rows")
        for layer in layers:
            for _ in range(3):
                # What DataParallel does on each GPU, batch for batch.
                proxy = layer.weight_quant._replicate_for_data_parallel()
                proxy(layer.weight).value.square().sum().backward()
                with torch.no_grad():
                    layer.weight.sub_(layer.weight.grad)
    before = row_schemes(layers[0])
    with_new_weights(layers[0], None)
    assert row_schemes(layers[0]) == before


@every_quantizer
def test_the_first_step_may_recompute_its_activations(name):
    learned = "learned" in name or "searched" in name  # whose first step finds the scales
    for layer in pair(name):
        if learned:
            layer.quant_weight()
        x = torch.randn(1, 3, 4, 4)
        checkpoint(layer, x, use_reentrant=False).square().sum().backward()
        assert layer.weight.grad.any()


@every_mix
@pytest.mark.parametrize("mode", ["cached", "quant_inference_mode"])
def test_assigned_rows_reach_what_inference_has_cached(name, mode):
    layer = conv(*QUANTIZERS[name]).eval()
    x = torch.randn(1, 3, 4, 4)
    with torch.no_grad():
        layer(x)
        kinds = layer.weight_quant.int_quant.kinds().flip(0)
        if mode == "cached":
            layer.weight_quant.cache_inference_quant_weight = True
            layer(x)
            layer.weight_quant.assign(kinds)
            got = layer(x)
        else:
            with quant_inference_mode(layer, cache_quant_weight=True):
                layer(x)
                layer.weight_quant.assign(kinds)
                got = layer(x)
        layer.weight_quant.cache_inference_quant_weight = False
        assert torch.equal(got, layer(x))


def test_another_number_of_rows_is_dealt_anew_and_named():
    layer = conv(*QUANTIZERS["MSQ"])
    assign_rows(layer, 0.25)
    with pytest.raises(Warning, match="6 rows now instead of 8"), warnings.catch_warnings():
        warnings.simplefilter("error")
        layer.out_channels = 6
        layer.weight = nn.Parameter(layer.weight[:6].detach())


def test_searched_scales_of_rows_that_change_are_searched_again():
    layer = conv(*QUANTIZERS["MSQ searched"])
    layer.quant_weight()
    alpha = layer.weight_quant.tensor_quant.scaling_impl.value
    with torch.no_grad():
        alpha[0] *= 1.5  # learned
    kinds = layer.weight_quant.int_quant.kinds()
    flipped = kinds.clone()
    flipped[1] = 1 - kinds[1]
    kept = alpha.detach().clone()
    layer.weight_quant.assign(flipped)
    assert layer.weight_quant.tensor_quant.scaling_impl.value is alpha  # optimizers hold it
    changed = (alpha != kept).flatten().tolist()
    fresh = conv(*QUANTIZERS["MSQ searched"])
    fresh.weight_quant.assign(flipped)
    fresh.quant_weight()
    assert changed == [row == 1 for row in range(8)]
    assert torch.equal(alpha[1], fresh.weight_quant.tensor_quant.scaling_impl.value[1])


# 4. Checkpoints


@every_quantizer
def test_checkpoints_load_strictly_into_compiled_quantizers_and_back(name):
    plain, _ = pair(name)
    plain.quant_weight()
    compiled = conv(*QUANTIZERS[name], seed=1)
    compiled.quant_weight()
    compiled.weight_quant.compile_quant()
    assert plain.state_dict().keys() == compiled.state_dict().keys()
    compiled.load_state_dict(plain.state_dict())
    assert torch.equal(compiled.quant_weight().value, plain.quant_weight().value)
    compiled.weight_quant.compile_quant()
    other = conv(*QUANTIZERS[name], seed=2)
    other.quant_weight()
    other.load_state_dict(compiled.state_dict())
    assert torch.equal(other.quant_weight().value, plain.quant_weight().value)


@every_quantizer
def test_checkpoints_go_through_files_and_float_ones_come_in(name):
    layer, theirs = pair(name)
    layer.quant_weight()
    file = io.BytesIO()
    torch.save(layer.state_dict(), file)
    file.seek(0)
    other = conv(*QUANTIZERS[name], seed=1)
    other.load_state_dict(torch.load(file, weights_only=True), strict=True)
    assert rows_of(other) == rows_of(layer)
    assert torch.equal(other.quant_weight().value, layer.quant_weight().value)
    # What a float network saved fits strictly where it does with Brevitas's quantizer: not where
    # scales are learned.
    saved = nn.Conv2d(3, 8, 3, bias=False).state_dict()
    refused = [
        raises(lambda t=t: t.load_state_dict(saved)) for t in (conv(*QUANTIZERS[name]), theirs)
    ]
    assert refused[0] == refused[1] or "searched" in name


def test_a_checkpoint_of_other_schemes_is_refused_by_name():
    three_bits = conv(MSQWeightPerChannelFloat, {"weight_bit_width": 3})
    model = nn.Sequential(conv(*QUANTIZERS["MSQ"]))
    text = "layer 0: .* rows of sp2_3, fixed_3 for a layer with rows of sp2_4, fixed_4"
    with pytest.raises(MsqError, match=text):
        model.load_state_dict(nn.Sequential(three_bits).state_dict())
    swapped = conv(MSQWeightPerChannelFloat, {"weight_row_mix": ("fixed_4", "sp2_4")})
    with pytest.raises(MsqError, match="rows of fixed_4, sp2_4 for a layer"):
        model.load_state_dict(nn.Sequential(swapped).state_dict())
    with pytest.raises(MsqError, match="rows of pot_4 for a layer with rows of sp2_4"):
        conv(*QUANTIZERS["SP2"]).load_state_dict(conv(*QUANTIZERS["PoT"]).state_dict())


def test_rows_of_checkpoints_without_names_are_read():
    layer = conv(*QUANTIZERS["MSQ"])
    state = layer.state_dict()
    key = "weight_quant.tensor_quant.int_quant."
    del state[key + "_extra_state"]
    state[key + "row_kinds"] = state[key + "row_kinds"].long()
    other = conv(*QUANTIZERS["MSQ"], seed=1)
    other.load_state_dict(state)
    assert row_schemes(other) == row_schemes(layer)
    assert other.weight_quant.int_quant.row_kinds.dtype == torch.float32


# 5. Brevitas's switches


@every_quantizer
def test_fp_switches_quantization_off(name):
    for layer in pair(name, weight_quant_type="fp"):
        assert not layer.weight_quant.is_quant_enabled
        x = torch.randn(1, 3, 5, 5)
        assert torch.equal(layer(x), nn.functional.conv2d(x, layer.weight))


@every_quantizer
def test_switched_off_it_takes_the_checkpoints_of_the_quantized(name):
    layers = pair(name)
    outcomes = []
    for layer, off in zip(layers, pair(name, seed=1, weight_quant_type="fp"), strict=True):
        layer.quant_weight()
        outcomes.append(raises(lambda o=off, t=layer: o.load_state_dict(t.state_dict())))
    # Not where scales are learned.
    assert outcomes[0] == outcomes[1] or "searched" in name


@every_quantizer
@pytest.mark.parametrize(
    ("keyword", "given", "text"),
    [
        ("float_to_int_impl_type", "floor", "ROUND only"),
        ("float_to_int_impl_type", "learned_round", "ROUND only"),
        ("narrow_range", False, "True only"),
        ("signed", False, "True only"),
        ("bit_width_impl_type", "parameter", "CONST only"),
        ("quant_type", "binary", "schemes are INT"),
        ("bit_width", 4.0, "no whole number"),
        ("bitwidth", 4, "did you mean weight_bit_width?"),
        ("scalling_impl_type", "const", "did you mean weight_scaling_impl_type?"),
    ],
)
def test_what_a_scheme_cannot_do_is_refused(name, keyword, given, text):
    quantizer, options = QUANTIZERS[name]
    if keyword == "bit_width" and "weight_row_mix" in options:
        return  # widths are in the names there
    with pytest.raises(MsqError, match=text.replace("?", r"\?")):
        conv(quantizer, {**options, f"weight_{keyword}": given})


def test_misspelt_keywords_are_refused_with_the_nearest():
    with pytest.raises(MsqError, match=r"weight_sp2_ration; did you mean weight_sp2_ratio\?"):
        conv(MSQWeightPerChannelFloat, {"weight_sp2_ration": 0.5})
    with pytest.raises(MsqError, match="SP2WeightPerChannelFloat has no keyword weight_sp2_ratio"):
        conv(SP2WeightPerChannelFloat, {"weight_sp2_ratio": 0.5})


def test_own_keywords_of_users_quantizers_are_known():
    from brevitas.inject import value

    class Halved(MSQWeightPerChannelFloat):
        share = 0.5

        @value
        def sp2_ratio(share):
            return share / 2

    assert rows_of(conv(Halved, {"weight_share": 1.0})).count("sp2_4") == 4
    assert rows_of(conv(Halved, {})).count("sp2_4") == 2


# 6. Export


def net(quantizer, options, shared=False):
    torch.manual_seed(0)
    first = QuantLinear(8, 8, False, weight_quant=quantizer, **options)
    if shared:
        second = QuantLinear(8, 8, False, weight_quant=first.weight_quant)
    else:
        second = QuantLinear(8, 8, False, weight_quant=quantizer, **options)
    model = nn.Sequential(first, nn.ReLU(), second).eval()
    model(X)
    return model


X = torch.linspace(-1, 1, 32).view(4, 8)


def run(path):
    options = onnxruntime.SessionOptions()
    # Optimised, it multiplies Brevitas's own QCDQ networks in integers, of activations too.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(path, options)
    return session.run(None, {session.get_inputs()[0].name: X.numpy()})[0]


def onnx_exported(model, path, dynamo):
    torch.onnx.export(model, (X,), path, dynamo=dynamo, verbose=False)
    return run(path)


def qonnx_exported(model, path, dynamo):
    export_qonnx(model, X, path, dynamo=dynamo, verbose=False)
    exported = cleanup_model(ModelWrapper(path))
    result = execute_onnx(exported, {exported.graph.input[0].name: X.numpy()})
    return result[exported.graph.output[0].name]


def qcdq_exported(model, path, dynamo):
    export_onnx_qcdq(model, X, export_path=path, dynamo=dynamo)
    return run(path)


EXPORTS = {
    "ONNX": lambda model, path: onnx_exported(model, path, False),
    "ONNX, dynamo": lambda model, path: onnx_exported(model, path, True),
    "trace": lambda model, path: torch.jit.trace(model, X)(X).numpy(),
    "QONNX": lambda model, path: qonnx_exported(model, path, False),
    "QONNX, dynamo": lambda model, path: qonnx_exported(model, path, True),
    "ONNX QCDQ": lambda model, path: qcdq_exported(model, path, False),
    "ONNX QCDQ, dynamo": lambda model, path: qcdq_exported(model, path, True),
    "torch QCDQ": lambda model, path: export_torch_qcdq(model, X)(X).numpy(),
}


# Each quantizer in some way, and each way with some quantizer; dynamo takes seconds.
@pytest.mark.parametrize(
    ("name", "way", "shared"),
    [
        *itertools.product(("MSQ",), EXPORTS, ("", "shared")),
        *itertools.product(QUANTIZERS, ("ONNX", "QONNX", "torch QCDQ"), ("",)),
        *itertools.product(("wide", "MSQ learned"), ("ONNX QCDQ",), ("", "shared")),
        ("wide", "ONNX, dynamo", ""),
    ],
)
def test_exports_compute_the_same_and_leave_the_network_as_it_was(name, way, shared, tmp_path):
    model = net(*QUANTIZERS[name], shared)
    with torch.no_grad():
        expected = model(X).numpy()
        got = EXPORTS[way](model, str(tmp_path / "model.onnx"))
        assert np.abs(got - expected).max() < 1e-5
        assert np.array_equal(model(X).numpy(), expected)
    assert not any(getattr(m, "export_mode", False) for m in model.modules())
    model.train()
    model(X).square().sum().backward()
    assert model[0].weight.grad.any()
