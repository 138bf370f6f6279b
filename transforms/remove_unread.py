"""Take out nodes whose results nothing reads."""

from __future__ import annotations

from qonnx.core.modelwrapper import ModelWrapper


def remove_unread(model: ModelWrapper) -> None:
    """Remove nodes that lead to no output, all at once.

    QONNX's RemoveUnusedNodes removes one in a pass over all pairs of nodes, which unrolled networks
    have too many of.

    Args:
        model: changed in place.
    """
    results = {info.name for info in model.graph.output}
    while True:
        wanted = results.union(*(node.input for node in model.graph.node))
        dead = [node for node in model.graph.node if wanted.isdisjoint(node.output)]
        if not dead:
            return
        for node in dead:
            model.graph.node.remove(node)
