"""Which layers must have their rows assigned alike, because their outputs meet in an add."""

import operator
from typing import Any

import torch
from torch import fx, nn

from msq_finn.errors import MsqError, said_by
from msq_finn.training.assign import mixed_layers

ADDS = (operator.add, operator.iadd, torch.add, "add", "add_")


class _LayerTracer(fx.Tracer):
    """Traces the modules that users write; those of torch and Brevitas stay whole."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        """Tell whether the module stays whole."""
        return m.__module__.startswith("brevitas.") or bool(
            super().is_leaf_module(m, module_qualified_name)
        )


def coupled_layers(model: nn.Module) -> list[list[str]]:
    """Find the row-mixed layers whose output channels are added to each other's.

    Hardware sorts a layer's output channels by scheme. Operands of an add have to be sorted alike,
    so their rows have to have the same schemes; see ``coupled`` of `assign_rows`.

    Args:
        model: a network that torch.fx can trace: no decisions on values or shapes.

    Returns:
        Groups of two or more layer names, each in the order of the network.

    Raises:
        MsqError: the network can't be traced.

    Examples:
        >>> from msq_finn.models import resnet8
        >>> [len(group) for group in coupled_layers(resnet8())]
        [2, 2, 2]
    """
    try:
        graph = _LayerTracer().trace(model)
    except Exception as error:
        raise MsqError(f"torch.fx can't trace {type(model).__name__}: {said_by(error)}") from error
    modules = dict(model.named_modules())
    # By quantizer, which layers may share.
    names = {layer.weight_quant: name for name, layer in mixed_layers(model).items()}
    # Of each value, the layers whose rows are its channels, and what each layer is coupled to.
    sources: dict[fx.Node, set[str]] = {}
    group: dict[str, set[str]] = {name: {name} for name in names.values()}
    for node in graph.nodes:
        operands = [sources.get(operand, set()) for operand in node.all_input_nodes]
        module = modules.get(node.target) if node.op == "call_module" else None
        name = names.get(getattr(module, "weight_quant", None))
        if name is not None:
            sources[node] = {name}
        elif node.target in ADDS:
            sources[node] = set().union(*operands)
            _join(group, sources[node])
        elif module is not None and _keeps_channels(module):
            sources[node] = operands[0]
    order = list(names.values())
    found = {id(members): members for members in group.values() if len(members) > 1}
    return [sorted(members, key=order.index) for members in found.values()]


def _join(group: dict[str, set[str]], layers: set[str]) -> None:
    """Make one group of the layers' groups."""
    joined = set().union(*(group[name] for name in layers)) if layers else set()
    for name in joined:
        group[name] = joined


def _keeps_channels(module: Any) -> bool:
    """Tell whether output channel i of a module depends on input channel i alone."""
    changes = (nn.Linear, nn.modules.conv._ConvNd, nn.Flatten, nn.Unflatten, nn.RNNBase)
    if isinstance(module, nn.modules.conv._ConvNd):
        return module.groups == module.in_channels == module.out_channels
    return not isinstance(module, changes)
