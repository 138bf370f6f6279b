"""Name what stands between layers in hardware and cannot be hardware itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import networkx as nx
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.base import Transformation

from msq_finn.errors import MsqError

_HARDWARE = "finn.custom_op.fpgadataflow"


class RefuseUnsupported(Transformation):
    """Refuse a graph whose accelerator would have to be interrupted by the host.

    FINN's ``step_create_dataflow_partition`` refuses it too, but says nothing of what to do.
    """

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        """Change nothing.

        Raises:
            MsqError: nodes without hardware behind hardware and before hardware. Of branches that
                meet with different scales, the joins are named; else all nodes are, and so are
                those among them that compute with floats, which FINN would do in hardware.
        """
        flow = nx.DiGraph()
        for node in model.graph.node:
            flow.add_edges_from((source, target) for source in node.input for target in node.output)
        hardware = [n for n in model.graph.node if n.domain.startswith(_HARDWARE)]
        behind, before = _around(flow, hardware)
        stuck = [
            node
            for node in model.graph.node
            if node not in hardware
            and behind.intersection(node.input)
            and before.intersection(node.output)
        ]
        if stuck:
            behind, before = _around(flow, stuck)
            floats = [
                node
                for node in hardware
                if behind.intersection(node.input)
                and before.intersection(node.output)
                and not model.get_tensor_datatype(node.input[0]).is_integer()
            ]
            named = [n for n in model.graph.node if n in stuck or n in floats]
            names = ", ".join(f"{node.name} ({node.op_type})" for node in named)
            raise MsqError(
                "no hardware for this, and hardware before and behind it; "
                "replace it in the model, put a quantizer behind it where it scales or shifts "
                "channels, or end the network before it",
                where=names,
            )
        return model, False


def _around(flow: nx.DiGraph, nodes: Sequence[Any]) -> tuple[set[str], set[str]]:
    """Tensors that depend on some nodes, and tensors on which these depend."""
    behind = {t for node in nodes for out in node.output for t in (out, *nx.descendants(flow, out))}
    before = {t for node in nodes for inp in node.input for t in (inp, *nx.ancestors(flow, inp))}
    return behind, before
