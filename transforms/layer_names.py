"""Names of layers: those of the modules that they were exported from."""

from __future__ import annotations

from collections import Counter

from qonnx.core.modelwrapper import ModelWrapper

from msq_finn.layer_notes import LAYERS, MODULE
from msq_finn.transforms.channel_spaces import WITH_WEIGHTS
from msq_finn.transforms.tensor_notes import read_note


def layer_names(model: ModelWrapper) -> dict[str, str]:
    """Return the names of the layers of a graph, by the names of their nodes.

    A layer is called as its module, where the model says; as its node, where it does not, or where
    several nodes come from one module.

    Args:
        model: graph at any step of a build.
    """
    found = {}
    for node in model.graph.node:
        if node.op_type.startswith((*LAYERS, "VVAU", *WITH_WEIGHTS)) and len(node.input) > 1:
            found[node.name] = read_note(model, node.input[1], MODULE) or node.name
    often = Counter(found.values())
    return {node: name if often[name] == 1 else node for node, name in found.items()}
