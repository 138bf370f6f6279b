"""Name what stands between layers in hardware and cannot be hardware itself."""

from __future__ import annotations

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
            MsqError: nodes without hardware behind hardware and before hardware; all are named.
        """
        flow = nx.DiGraph()
        for node in model.graph.node:
            flow.add_edges_from((source, target) for source in node.input for target in node.output)
        hardware = [n for n in model.graph.node if n.domain.startswith(_HARDWARE)]
        behind: set[str] = set()
        before: set[str] = set()
        for node in hardware:
            behind |= {t for out in node.output for t in (out, *nx.descendants(flow, out))}
            before |= {t for inp in node.input for t in (inp, *nx.ancestors(flow, inp))}
        stuck = [
            f"{node.name} ({node.op_type})"
            for node in model.graph.node
            if not node.domain.startswith(_HARDWARE)
            and behind.intersection(node.input)
            and before.intersection(node.output)
        ]
        if stuck:
            raise MsqError(
                f"{', '.join(stuck)}: no hardware for this, and hardware before and behind it; "
                "replace it in the model, put a quantizer behind it where it scales or shifts "
                "channels, or end the network before it"
            )
        return model, False
