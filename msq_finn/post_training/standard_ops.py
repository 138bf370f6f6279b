"""One way to write each operation: modules in the place of functions and methods, checked.

Behind it, every node of a graph has among its ``meta`` a ``kind``, of those below.
"""

from __future__ import annotations

import operator
from copy import deepcopy
from typing import Any

import torch
from torch import fx, nn

from msq_finn.post_training.channel_slices import SPLITS, check_split, sliced
from msq_finn.post_training.constants import fold_constants
from msq_finn.post_training.float_graph import Obstacles, place_of
from msq_finn.post_training.function_modules import module_of
from msq_finn.post_training.graph_edits import add_module, name_of, put
from msq_finn.post_training.hardware_forms import (
    ADD,
    BEFORE,
    BEHIND,
    CAT,
    FUNCTION,
    LAYER,
    RELU,
    THROUGH,
    NoHardware,
    checked,
    flattened,
    no_place,
    reshaped,
)
from msq_finn.post_training.idioms import rewrite_idioms

#: Functions, methods and modules that lay values out in another shape, or leave them alone.
_RESHAPES = {"view", "reshape", "flatten", "squeeze", "unsqueeze", "unflatten", "Flatten"}
_RESHAPES |= {"Unflatten"}
_SAME = {"contiguous", "clone", "Identity"}
_ADDS = {"add", "iadd"}
_CATS = {"cat", "concat", "concatenate"}

#: What works on floats in front of the first quantizer, where the processor computes it.
_FLOAT = {*_RESHAPES, "permute", "transpose", "sub", "rsub", "mul", "truediv", "div", *_ADDS}


def standardize(module: fx.GraphModule, faults: Obstacles) -> None:
    """Put one module in the place of every way to write an operation, and say what each node is.

    Args:
        module: a traced network with shapes; it is changed.
        faults: told of every operation that has no place here.
    """
    fold_constants(module)
    rewrite_idioms(module)
    _drop_unused(module)
    modules = dict(module.named_modules())
    floats: set[fx.Node] = set()  # computed from the input, in front of all layers
    for node in list(module.graph.nodes):
        if node.op in ("placeholder", "get_attr"):
            if node.op == "placeholder":
                floats.add(node)
            continue
        if node.op == "output":
            continue
        try:
            _rewrite(module, node, modules, floats)
        except NoHardware as refusal:
            faults.add(_said_where(node, faults), str(refusal))
    _drop_unused(module)
    _check_end(module, faults)
    _check_shared(module, faults)


def _said_where(node: fx.Node, faults: Obstacles) -> str:
    """Name a place so that two faults in one forward have two places."""
    place = place_of(node)
    if node.op == "call_module":
        return place
    return f"{place or faults.network}, {name_of(node)}"


def _rewrite(
    module: fx.GraphModule, node: fx.Node, modules: dict[str, nn.Module], floats: set[fx.Node]
) -> None:
    """Bring one node into the standard form."""
    name = name_of(node, modules)
    shape = node.meta["shape"]
    if name in SPLITS and "tensor_meta" in node.meta:
        check_split(node)
        node.meta["several"] = True
        return
    if name == "getitem" and (part := sliced(node)) is not None:
        source, channels = part
        put(module, node, channels, source).meta["kind"] = THROUGH
        return
    if shape is None:
        if "tensor_meta" in node.meta:  # several tensors
            raise NoHardware(no_place(name))
        return  # sizes, which flattening reads and which are dropped then
    if name == "getitem" and "tensor_meta" in node.args[0].meta and not node.args[0].meta["shape"]:
        return  # one of several tensors, which have been refused
    streams = [source for source in node.all_input_nodes if source.meta.get("shape")]
    tensors = [source for source in streams if source.op != "get_attr"]
    if not tensors:
        raise NoHardware("a constant that no layer multiplies by; keep it as weights of a layer")
    source = tensors[0]
    if all(tensor in floats for tensor in tensors) and name in (*_FLOAT, *_SAME):
        if name in _RESHAPES:
            node = put(module, node, reshaped(source.meta["shape"], shape), source)
        node.meta["kind"] = BEFORE
        floats.add(node)
        return
    if name in _SAME:
        node.replace_all_uses_with(source)
        return
    if name in _ADDS or name in _CATS:
        _meet(node, name, tensors, shape)
        return
    own = modules[str(node.target)] if node.op == "call_module" else module_of(node, name)
    if name in _RESHAPES:
        own = flattened(source.meta["shape"], shape)
    if own is None:
        raise NoHardware(no_place(name))
    kind, plain = checked(own, source.meta["shape"], shape)
    if plain is None:
        node.replace_all_uses_with(source)
        return
    if plain is not modules.get(str(node.target)):
        node = put(module, node, plain, source)
    node.meta["kind"] = kind


def _meet(node: fx.Node, name: str, tensors: list[fx.Node], shape: tuple[int, ...]) -> None:
    """Check a sum or a concatenation, and write it with an operator or a function."""
    if name in _CATS:
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
        operands = [operand for operand in given if not _adds_nothing(operand)]
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


def _adds_nothing(operand: Any) -> bool:
    """Whether it is no argument, or the 0 with which Python's ``sum`` begins."""
    return operand is None or (isinstance(operand, int | float) and operand == 0)


def _drop_unused(module: fx.GraphModule) -> None:
    for node in reversed(module.graph.nodes):
        if not node.users and node.op not in ("output", "placeholder"):
            module.graph.erase_node(node)


def _check_end(module: fx.GraphModule, faults: Obstacles) -> None:
    """Tensors leave the network; what works on floats comes after all else."""
    *_, output = module.graph.nodes
    result = output.args[0]
    if isinstance(result, tuple | list) and len(result) == 1:
        result = result[0]
        output.args = (result,)
    results = result if isinstance(result, tuple | list) else (result,)
    if not all(isinstance(value, fx.Node) for value in results):
        faults.add("", "returns values by name, or others than tensors; return them in order")
        return
    for number, value in enumerate(results):
        if value.op == "placeholder" or value.meta.get("kind") == BEFORE:
            faults.add("", f"returns as output {number} what no layer computed; leave it out")
    _leave_last_floats(module)
    behind = [node for node in module.graph.nodes if node.meta.get("kind") == BEHIND]
    for node in behind:
        if not {output, *behind}.issuperset(node.users):
            name = type(module.get_submodule(node.target)).__name__
            faults.add(place_of(node), f"{name} between layers has no hardware")
    if not any(node.meta.get("kind") == LAYER for node in module.graph.nodes):
        faults.add("", "has no layer with weights")


def _leave_last_floats(module: fx.GraphModule) -> None:
    """Let the processor activate what leaves the network, which nothing has to quantize then."""
    *_, output = module.graph.nodes
    last = {output}
    for node in reversed(module.graph.nodes):
        kind = node.meta.get("kind")
        if kind in (BEHIND, RELU, FUNCTION, THROUGH) and last.issuperset(node.users):
            own = module.get_submodule(node.target)
            if not isinstance(own, nn.MaxPool1d | nn.MaxPool2d):
                node.meta["kind"] = BEHIND
                last.add(node)


def _check_shared(module: fx.GraphModule, faults: Obstacles) -> None:
    """A layer is one place in hardware; modules without weights are copied for each of theirs."""
    calls: dict[str, list[fx.Node]] = {}
    for node in module.graph.nodes:
        if node.op == "call_module":
            calls.setdefault(str(node.target), []).append(node)
    for target, nodes in calls.items():
        if len(nodes) == 1:
            continue
        own = module.get_submodule(target)
        if any(True for _ in own.parameters()):
            faults.add(target, f"is called {len(nodes)} times; give each call a layer of its own")
            continue
        for node in nodes[1:]:
            node.target = add_module(module, node.name, deepcopy(own))
