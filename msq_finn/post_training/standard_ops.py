"""One way to write each operation: modules in the place of functions and methods, checked.

Behind it, every node of a graph has among its ``meta`` a ``kind``, of those below.
"""

from __future__ import annotations

from copy import deepcopy

from torch import fx, nn

from msq_finn.post_training.channel_slices import SPLITS, check_split, sliced
from msq_finn.post_training.float_graph import Obstacles, place_of
from msq_finn.post_training.folded_constants import fold_constants
from msq_finn.post_training.function_modules import module_of
from msq_finn.post_training.hardware_forms import (
    BEFORE,
    BEHIND,
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
from msq_finn.post_training.implied_padding import write_padding
from msq_finn.post_training.joins import meet
from msq_finn.post_training.last_floats import last_nodes, left_to_host
from msq_finn.post_training.operations import (
    ADDS,
    CATS,
    RESHAPES,
    SAME,
    SCALES,
    TURNS,
    add_module,
    name_of,
    put,
)
from msq_finn.post_training.reductions import pool_reductions
from msq_finn.post_training.written_out import name_activations

#: What works on floats in front of the first quantizer, where the processor computes it.
_FLOAT = {*RESHAPES, *TURNS, *SCALES, *SAME}


def standardize(module: fx.GraphModule, faults: Obstacles) -> None:
    """Put one module in the place of every way to write an operation, and say what each node is.

    Args:
        module: a traced network with shapes; it is changed.
        faults: told of every operation that has no place here.
    """
    name_activations(module)
    _drop_unused(module)
    fold_constants(module)
    pool_reductions(module)
    write_padding(module)
    _drop_unused(module)
    modules = dict(module.named_modules())
    floats: set[fx.Node] = set()  # computed from the input, in front of all layers
    last = last_nodes(module, modules)
    for node in list(module.graph.nodes):
        if node.op in ("placeholder", "get_attr"):
            if node.op == "placeholder":
                floats.add(node)
            continue
        if node.op == "output":
            continue
        try:
            is_last = node in last and not floats.issuperset(node.all_input_nodes)
            if not (is_last and left_to_host(module, node, modules)):
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
    if all(tensor in floats for tensor in tensors) and name in _FLOAT:
        if name in RESHAPES:
            node = put(module, node, reshaped(source.meta["shape"], shape), source)
        node.meta["kind"] = BEFORE
        floats.add(node)
        return
    if name in SAME:
        node.replace_all_uses_with(source)
        return
    if name in ADDS or name in CATS:
        meet(module, node, name, tensors)
        return
    own = modules[str(node.target)] if node.op == "call_module" else module_of(node, name)
    if name in RESHAPES:
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
            own = module.get_submodule(node.target) if node.op == "call_module" else None
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
