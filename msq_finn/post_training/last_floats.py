"""What works on floats behind the last layer, where the processor computes it."""

from __future__ import annotations

from torch import fx, nn

from msq_finn.post_training.hardware_forms import BEHIND, is_flattening, reshaped
from msq_finn.post_training.joins import adds_nothing, flattens_pixels
from msq_finn.post_training.layout_modules import Shuffled
from msq_finn.post_training.operations import (
    CATS,
    RESHAPES,
    SAME,
    SCALES,
    SHUFFLES,
    TURNS,
    name_of,
    put,
)

#: What may come there besides arithmetic.
_LAST = {*("relu", "ReLU", "sigmoid", "Sigmoid", "tanh", "Tanh", "softmax", "Softmax")}
_LAST |= {*("log_softmax", "LogSoftmax", "clamp", "clip", "hardtanh", "Hardtanh")}
_LAST |= {*SAME, *CATS, *RESHAPES, *TURNS, *SHUFFLES}


def last_nodes(module: fx.GraphModule, modules: dict[str, nn.Module]) -> set[fx.Node]:
    """Find the nodes from which on values are only laid out anew, scaled and activated.

    Args:
        module: a traced network with shapes.
        modules: of the network, by name.
    """
    found: set[fx.Node] = set()
    for node in reversed(module.graph.nodes):
        if node.op not in ("call_module", "call_function", "call_method"):
            continue
        name = name_of(node, modules)
        users = [u for u in node.users if u.op == "output" or u.meta["shape"]]  # not for its size
        leaves = users and all(u.op == "output" or u in found for u in users)
        if leaves and (name in _LAST or (name in SCALES and _is_scaling(node))):
            found.add(node)
    return found


def _is_scaling(node: fx.Node) -> bool:
    """Whether a node computes with one value of the network, and constants that are not 0."""
    operands = [arg for arg in (*node.args, *node.kwargs.values()) if not adds_nothing(arg)]
    nodes = [operand for operand in operands if isinstance(operand, fx.Node)]
    values = [value for value in nodes if value.op != "get_attr"]
    return len(operands) == 2 and len(values) == 1 and bool(values[0].meta.get("shape"))


def left_to_host(module: fx.GraphModule, node: fx.Node, modules: dict[str, nn.Module]) -> bool:
    """Leave one of the last nodes to the processor, if hardware does not have it.

    Args:
        module: the network.
        node: of `last_nodes`, behind nodes that are in the standard form.
        modules: of the network, by name.

    Returns:
        whether it is left to it.

    Raises:
        NoHardware: it mixes the images of a batch.
    """
    name, shape = name_of(node, modules), node.meta["shape"]
    sources = [source for source in node.all_input_nodes if source.meta.get("shape")]
    source = sources[0]
    if name in RESHAPES:
        before = source.meta["shape"]
        if source.meta.get("kind") != BEHIND and is_flattening(before, shape):
            return False
        node = put(module, node, reshaped(before, shape), source)
    elif name in SHUFFLES:
        node = put(module, node, Shuffled(source.meta["shape"], shape), source)
    elif name in CATS:
        floats = (
            part.meta.get("kind") == BEHIND or flattens_pixels(module, part) for part in sources
        )
        if not any(floats):
            return False
    elif name not in TURNS and name not in SCALES:
        return False
    node.meta["kind"] = BEHIND
    return True
