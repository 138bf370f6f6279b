"""Layers with quantized weights in the place of float ones, and whose rows go together."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from brevitas import config
from brevitas.graph.base import ModuleToModuleByInstance
from brevitas.nn import QuantConv1d, QuantConv2d, QuantConvTranspose2d, QuantLinear
from brevitas.quant import Int8WeightPerTensorFloatMSE
from torch import Tensor, fx, nn

from msq_finn.errors import MsqError
from msq_finn.layer_notes import module_name
from msq_finn.post_training.hardware_forms import BEHIND, LAYER, THROUGH, kind_of
from msq_finn.quant import FixedWeightPerChannelFloatMSE, MSQWeightPerChannelFloatMSE
from msq_finn.training.assign import mixed_layers
from msq_finn.training.couple import coupled_layers
from msq_finn.training.planned import PlanLike

_QUANTIZED = (
    (nn.Conv1d, QuantConv1d),
    (nn.Conv2d, QuantConv2d),
    (nn.ConvTranspose2d, QuantConvTranspose2d),
    (nn.Linear, QuantLinear),
)


def quantize_layers(module: fx.GraphModule, bits: int, plan: PlanLike | None) -> None:
    """Put layers with quantized weights in the place of all float ones.

    Rows of hidden layers are SP2 and fixed point. Depthwise layers, which have few weights, and
    layers whose sums leave the network are fixed point; the latter have one scale, by which their
    outputs compare.

    Args:
        module: with activations' quantizers; changed.
        plan: says of each layer which number systems its rows have; None for the above.

    Raises:
        MsqError: the plan is for another network.
    """
    planned = {} if plan is None else {module_name(la.name): la.rows for la in plan.layers}
    for node in layers_of(module):
        name = str(node.target)
        layer = module.get_submodule(name)
        if plan is not None and name not in planned:
            raise MsqError(f"layer {name} is not in the plan; the plan is for another network")
        recipe, options = _recipe(node, layer, bits, planned.get(name))
        given = {f"weight_{key}": value for key, value in options.items()}
        quantized = next(new for plain, new in _QUANTIZED if isinstance(layer, plain))
        with _scales_to_come():
            ModuleToModuleByInstance(layer, quantized, weight_quant=recipe, **given).apply(module)


@contextmanager
def _scales_to_come() -> Iterator[None]:
    """Let float weights be loaded into layers whose scales are parameters."""
    before, config.IGNORE_MISSING_KEYS = config.IGNORE_MISSING_KEYS, True
    try:
        yield
    finally:
        config.IGNORE_MISSING_KEYS = before


def _recipe(
    node: fx.Node, layer: Any, bits: int, rows: dict[str, int] | None
) -> tuple[Any, dict[str, Any]]:
    """Choose a layer's quantizer and its keywords."""
    # Of transposed groups, Brevitas's quantizers have no scale per channel.
    is_apart = isinstance(layer, nn.ConvTranspose2d) and layer.groups > 1
    options: dict[str, Any] = {"bit_width": bits}
    if rows:
        others = [name for name, count in rows.items() if count and not name.startswith("fixed_")]
        mixed = bool(others)
        widths = {int(name.rpartition("_")[2]) for name, count in rows.items() if count}
        options = {"bit_width": max(widths)}
        if mixed:
            fixed = [name for name in rows if name.startswith("fixed_")]
            options["row_mix"] = (*others, *(fixed or [f"fixed_{max(widths)}"]))
    else:
        mixed = not (is_depthwise(layer) or is_apart or _is_last(node))
    if mixed:
        return MSQWeightPerChannelFloatMSE, options
    whole = is_apart or _is_last(node)
    return Int8WeightPerTensorFloatMSE if whole else FixedWeightPerChannelFloatMSE, options


def layers_of(module: fx.GraphModule) -> list[fx.Node]:
    """Return the nodes that multiply by weights, in the network's order.

    Args:
        module: in the standard form.
    """
    return [node for node in module.graph.nodes if kind_of(node) == LAYER]


def coupled_rows(module: fx.GraphModule, example: Tensor) -> list[list[str]]:
    """Find the row-mixed layers whose rows have to have the same number systems.

    Those whose outputs are added, and depthwise ones with the layers before them: hardware sorts
    the channels of all alike.

    Args:
        module: the quantized network.
        example: its input, [1, ...].
    """
    groups = [set(group) for group in coupled_layers(module, example)]
    mixed = mixed_layers(module)
    for node in layers_of(module):
        if is_depthwise(module.get_submodule(node.target)):
            sources = [name for name in _layers_before(node) if name in mixed]
            groups += [{str(node.target), *sources}] if node.target in mixed else []
    joined: list[set[str]] = []
    for group in groups:
        apart = [other for other in joined if not other & group]
        joined = [*apart, group.union(*(other for other in joined if other & group))]
    return [[name for name in mixed if name in group] for group in joined if len(group) > 1]


def _layers_before(node: fx.Node) -> list[str]:
    """Names of the layers whose channels a layer reads."""
    found = []
    for source in node.all_input_nodes:
        found += [str(source.target)] if kind_of(source) == LAYER else _layers_before(source)
    return found


def is_depthwise(layer: Any) -> bool:
    """Tell whether every row of a layer reads one channel of its own.

    Args:
        layer: float or quantized.
    """
    return getattr(layer, "groups", 1) == getattr(layer, "in_channels", 0) > 1


def _is_last(node: fx.Node) -> bool:
    """Whether a layer's sums leave the network."""
    return any(
        user.op == "output" or (kind_of(user) in (THROUGH, BEHIND) and _is_last(user))
        for user in node.users
    )
