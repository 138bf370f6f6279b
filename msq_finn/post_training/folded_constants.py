"""Constants that a network multiplies by or adds, as in ``x + 0.1 * f(x)``: layers take them."""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor, fx, nn

from msq_finn.post_training.hardware_forms import LAYERS, NORMS
from msq_finn.post_training.operations import RESHAPES, name_of, readers

#: Makes scale and offset of a constant.
_Rule = Callable[[Tensor], tuple[Any, Any]]

#: Operations of a value and a constant: scale and offset of the value that they come to.
_AFFINE: dict[str, _Rule] = {
    "mul": lambda c: (c, 0.0),
    "imul": lambda c: (c, 0.0),
    "truediv": lambda c: (1 / c, 0.0),
    "itruediv": lambda c: (1 / c, 0.0),
    "div": lambda c: (1 / c, 0.0),
    "add": lambda c: (1.0, c),
    "iadd": lambda c: (1.0, c),
    "sub": lambda c: (1.0, -c),
    "isub": lambda c: (1.0, -c),
}

#: The same with the constant first, where that is another operation.
_REVERSED: dict[str, _Rule] = {"sub": lambda c: (-1.0, c), "isub": lambda c: (-1.0, c)}

#: What keeps positive scales: a value scaled before it is the result scaled.
_SCALED_THROUGH = ("relu", "ReLU", "max_pool1d", "max_pool2d", "MaxPool1d", "MaxPool2d")

#: What keeps all scales, and offsets.
_THROUGH = ("dropout", "Dropout", "Dropout2d", "Identity", "contiguous", "clone")


class Affine(NamedTuple):
    """What a value is multiplied by, and what is added then; a number, or one a channel."""

    source: fx.Node
    scale: Tensor
    offset: Tensor


def fold_constants(module: fx.GraphModule) -> None:
    """Let the layers around multiply by constants, and add them, where they can.

    Args:
        module: a traced network with shapes; it is changed.
    """
    modules = dict(module.named_modules())
    calls = Counter(node.target for node in module.graph.nodes if node.op == "call_module")
    folding = _Folding(modules, {target for target, count in calls.items() if count > 1})
    floats: set[fx.Node] = set()  # of the input alone: the processor computes them
    for node in list(module.graph.nodes):
        folding.vectors(node)
        values = {source for source in node.all_input_nodes if source.op != "get_attr"}
        if node.op == "placeholder" or (node.op != "call_module" and values <= floats):
            floats.add(node)
            continue
        affine = _affine(module, node)
        if affine is None:
            continue
        taken = len(readers(affine.source)) == 1 and folding.before(affine.source, affine)
        if taken or folding.behind(node, affine):
            node.replace_all_uses_with(affine.source)
            module.graph.erase_node(node)


def _affine(module: fx.GraphModule, node: fx.Node) -> Affine | None:
    """What an operation of a value and a constant comes to; None for other operations."""
    if node.op not in ("call_function", "call_method") or not node.meta.get("shape"):
        return None
    name, channels = name_of(node), node.meta["shape"][1] if len(node.meta["shape"]) > 1 else 0
    if name == "neg" and isinstance(node.args[0], fx.Node):
        return Affine(node.args[0], torch.tensor([-1.0]), torch.zeros(1))
    operands = [*node.args, *(node.kwargs[key] for key in ("other",) if key in node.kwargs)]
    if name not in _AFFINE or len(operands) != 2 or not set(node.kwargs) <= {"other"}:
        return None
    values = [_constant(module, operand, node.meta["shape"]) for operand in operands]
    if values[1] is not None and isinstance(operands[0], fx.Node) and values[0] is None:
        source, rule, value = operands[0], _AFFINE[name], values[1]
    elif values[0] is not None and isinstance(operands[1], fx.Node) and values[1] is None:
        if "div" in name:
            return None
        source, value = operands[1], values[0]
        rule = _REVERSED.get(name, _AFFINE[name])
    else:
        return None
    if source.meta.get("shape") != node.meta["shape"] or not channels:
        return None
    scale, offset = (torch.as_tensor(part).reshape(-1) for part in rule(value))
    return Affine(source, scale, offset)


def _constant(module: fx.GraphModule, operand: Any, shape: tuple[int, ...]) -> Tensor | None:
    """The value of a constant, one or one a channel; None where it is none, or differs by pixel."""
    if isinstance(operand, fx.Node):
        if operand.op != "get_attr":
            operand = operand.meta.get("number")
        else:
            operand = operator.attrgetter(str(operand.target))(module)
    if isinstance(operand, int | float):
        return torch.tensor([float(operand)])
    if not isinstance(operand, Tensor):
        return None
    value = operand.detach().float()
    if value.numel() == 1:
        return value.reshape(1)
    try:
        whole = value.broadcast_to((1, *shape[1:])).reshape(shape[1], -1)
    except RuntimeError:
        return None
    return whole[:, 0].clone() if bool((whole == whole[:, :1]).all()) else None


class _Folding:
    """Layers that may take constants.

    Args:
        modules: of the network, by name.
        shared: those that are called more than once, which may not.
    """

    def __init__(self, modules: dict[str, nn.Module], shared: set[Any]) -> None:
        self.modules, self.shared = modules, shared

    def before(self, node: fx.Node, affine: Affine) -> bool:
        """Let the layer whose values reach a constant multiply by it, and add it."""
        name, own = name_of(node, self.modules), self._own(node)
        if isinstance(own, (*LAYERS, *NORMS)):
            return _scale_outputs(own, affine)
        keeps = name in _THROUGH
        if name in _SCALED_THROUGH:
            keeps = bool((affine.scale > 0).all() and (affine.offset == 0).all())
        source = node.all_input_nodes[0] if node.all_input_nodes else None
        if not keeps or source is None or len(readers(source)) > 1:
            return False
        return self.before(source, affine)

    def vectors(self, node: fx.Node) -> None:
        """Let fully connected layers normalise what they read, where a map has been flattened.

        Hardware normalises channels, and the vector's elements are each of another pixel.
        """
        norm, layers = self._own(node), [self._own(user) for user in readers(node)]
        if not isinstance(norm, nn.BatchNorm1d) or norm.running_var is None:
            return
        linear = [own for own in layers if isinstance(own, nn.Linear)]
        (source,) = node.all_input_nodes
        is_flat = len(node.meta["shape"]) == 2 and name_of(source, self.modules) in RESHAPES
        if not is_flat or not linear or len(linear) < len(layers):
            return
        assert norm.running_mean is not None  # both, or none
        scale = (norm.running_var + norm.eps).rsqrt()
        scale = scale if norm.weight is None else scale * norm.weight.data
        offset = -norm.running_mean * scale
        offset = offset if norm.bias is None else offset + norm.bias.data
        for own in linear:
            bias = 0 if own.bias is None else own.bias.data
            own.bias = nn.Parameter(bias + own.weight.data @ offset)
            own.weight.data *= scale
        node.replace_all_uses_with(source)

    def behind(self, node: fx.Node, affine: Affine) -> bool:
        """Let all layers that read a scaled value multiply by its one scale."""
        layers = [self._own(user) for user in readers(node)]
        one = affine.scale.numel() == 1 and bool((affine.offset == 0).all())
        if not one or not layers or not all(isinstance(own, LAYERS) for own in layers):
            return False
        for own in layers:
            own.weight.data *= affine.scale.to(own.weight)  # type: ignore[union-attr]
        return True

    def _own(self, node: fx.Node) -> nn.Module | None:
        if node.op != "call_module" or node.target in self.shared:
            return None
        return self.modules[str(node.target)]


def _scale_outputs(own: Any, affine: Affine) -> bool:
    """Multiply what a layer computes, and add to it."""
    if own.weight is None or (isinstance(own, nn.ConvTranspose2d) and own.groups > 1):
        return False
    axis = 1 if isinstance(own, nn.ConvTranspose2d) else 0
    scale, offset = affine.scale.to(own.weight), affine.offset.to(own.weight)
    along = [1] * own.weight.ndim
    along[axis] = -1
    bias = own.weight.new_zeros(own.weight.shape[axis]) if own.bias is None else own.bias.data
    own.weight.data *= scale.reshape(along)
    if own.bias is not None or bool((offset != 0).any()):
        own.bias = nn.Parameter(bias * scale + offset)
    return True
