"""Sums and concatenations, written in one way."""

from __future__ import annotations

import math
import operator
from typing import Any

import torch
from torch import fx, nn

from msq_finn.post_training.hardware_forms import ADD, CAT, THROUGH, NoHardware
from msq_finn.post_training.operations import CATS, add_module


def meet(module: fx.GraphModule, node: fx.Node, name: str, tensors: list[fx.Node]) -> None:
    """Check a sum or a concatenation, and write it with an operator or a function.

    Args:
        module: the network.
        node: the sum or concatenation.
        name: of the operation.
        tensors: what of the network it reads.

    Raises:
        NoHardware: hardware does not have it.
    """
    shape = node.meta["shape"]
    if name in CATS:
        axis = node.kwargs.get("dim", node.args[1] if len(node.args) > 1 else 0)
        if axis not in (1, 1 - len(shape)):
            raise NoHardware(
                f"concatenates along axis {axis}; hardware does along channels, axis 1"
            )
        operands = list(node.kwargs.get("tensors", node.args[0] if node.args else ()))
        node.target, node.op, node.meta["kind"] = torch.cat, "call_function", CAT
        arguments: tuple[Any, ...] = (operands, 1)
    else:
        given = (*node.args, node.kwargs.get("other"))
        operands = [operand for operand in given if not adds_nothing(operand)]
        if len(operands) == 1 and operands == tensors:
            node.replace_all_uses_with(operands[0])
            return
        if not set(operands) <= set(tensors) or node.kwargs.get("alpha", 1) != 1:
            raise NoHardware("adds something else than two values of the network; leave it out")
        if any(tensor.meta["shape"] != shape for tensor in tensors):
            raise NoHardware("adds values of different shapes, and hardware element by element")
        node.target, node.op, node.meta["kind"] = operator.add, "call_function", ADD
        arguments = tuple(operands)
    if len(set(operands)) < len(operands) or len(operands) < 2:
        raise NoHardware("reads one value twice, or only one; change the layer before instead")
    node.args, node.kwargs = arguments, {}
    if name in CATS:
        _flatten_behind(module, node)


def _map_of(module: fx.GraphModule, node: fx.Node) -> fx.Node | None:
    """The map that a node flattens; None where it does something else."""
    if node.op != "call_module" or not isinstance(module.get_submodule(node.target), nn.Flatten):
        return None
    return node.args[0]


def flattens_pixels(module: fx.GraphModule, node: fx.Node) -> bool:
    """Tell whether a node flattens a map of several pixels.

    Args:
        module: the network.
        node: of its graph.
    """
    source = _map_of(module, node)
    return source is not None and math.prod(source.meta["shape"][2:]) > 1


def _flatten_behind(module: fx.GraphModule, node: fx.Node) -> None:
    """Flatten what a concatenation of flattened maps makes of the maps, which comes to the same."""
    maps = [_map_of(module, part) for part in node.args[0]]
    if not any(maps):
        return
    shapes = [source.meta["shape"] for source in maps if source]
    if len(shapes) < len(maps) and all(math.prod(shape[2:]) == 1 for shape in shapes):
        return  # one pixel beside what a fully connected layer made
    if len(shapes) < len(maps) or len({shape[2:] for shape in shapes}) > 1:
        raise NoHardware(
            "concatenates a flattened map with something of another size; pool it to one pixel, "
            "or to the others' size, before"
        )
    with module.graph.inserting_after(node):
        flat = module.graph.call_module(add_module(module, f"{node.name}_flat", nn.Flatten()))
    flat.meta = {**node.meta, "kind": THROUGH}
    node.replace_all_uses_with(flat)
    flat.args = (node,)
    node.args = (maps, 1)
    node.meta["shape"] = (shapes[0][0], sum(shape[1] for shape in shapes), *shapes[0][2:])


def adds_nothing(operand: Any) -> bool:
    """Tell whether it is no argument, or the 0 with which Python's ``sum`` begins.

    Args:
        operand: of a sum.
    """
    return operand is None or (isinstance(operand, int | float) and operand == 0)
