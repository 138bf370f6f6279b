"""Activations in the form in which quantizers stand for them, and where hardware has them."""

from __future__ import annotations

from torch import fx, nn

from msq_finn.post_training.hardware_forms import (
    ADD,
    CAT,
    FUNCTION,
    LAYER,
    NORM,
    RELU,
    THROUGH,
    kind_of,
)
from msq_finn.post_training.operations import add_module, replace_module
from msq_finn.post_training.value_functions import Rising, dips, goes_below_zero


def rectify(module: fx.GraphModule) -> None:
    """Put what is to be a quantizer behind functions: a ReLU where it has no sign, else nothing.

    Those that dip keep what is below 0, unless a pool of maxima pads it, which hardware does with
    zeros.

    Args:
        module: in the standard form; changed.
    """
    for node in list(module.graph.nodes):
        if kind_of(node) != FUNCTION:
            continue
        own = module.get_submodule(node.target)
        if isinstance(own, nn.GELU):
            own.approximate = "none"  # that by tanh has no ONNX operator, and is 0.0005 off at most
        if dips(own) and not _is_padded(module, node):
            replace_module(module, str(node.target), Rising(own))
            name = f"{node.name}_quant"
            behind: nn.Module = nn.Identity()
        elif dips(own) or not goes_below_zero(own):
            name, behind = f"{node.name}_relu", nn.ReLU()
        else:
            continue
        with module.graph.inserting_after(node):
            relu = module.graph.call_module(add_module(module, name, behind))
        node.replace_all_uses_with(relu)
        relu.args, relu.meta = (node,), {**node.meta, "kind": RELU}


def _is_padded(module: fx.GraphModule, node: fx.Node) -> bool:
    """Whether a pool of maxima with padding reads a value."""
    for user in node.users:
        if kind_of(user) == THROUGH:
            own = module.get_submodule(user.target)
            pools = isinstance(own, nn.MaxPool1d | nn.MaxPool2d)
            if pools and own.padding not in (0, (0, 0), (0,)):
                return True
        if kind_of(user) in (THROUGH, CAT) and _is_padded(module, user):
            return True
    return False


def activate_before_pools(module: fx.GraphModule) -> None:
    """Move a ReLU in front of a pool of maxima, where it comes to the same and hardware has it.

    Args:
        module: in the standard form; changed.
    """
    for node in list(module.graph.nodes):
        if kind_of(node) != RELU:
            continue
        source = node.args[0]
        while kind_of(source) == THROUGH and len(source.users) == 1:
            source = source.args[0]
        behind = node.args[0]
        if source is behind or kind_of(source) not in (LAYER, NORM, ADD):
            continue
        first = next(user for user in source.users if _leads_to(user, node))
        node.replace_all_uses_with(behind)
        node.replace_input_with(behind, source)
        source.append(node)
        first.replace_input_with(source, node)


def _leads_to(node: fx.Node, target: fx.Node) -> bool:
    while node is not target:
        if kind_of(node) != THROUGH or len(node.users) != 1:
            return False
        node = next(iter(node.users))
    return True
