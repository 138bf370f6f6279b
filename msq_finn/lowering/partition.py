"""What FINN's partition leaves to the processor, checked before anything is generated."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from qonnx.core.modelwrapper import ModelWrapper

from msq_finn.errors import MsqError
from msq_finn.lowering.host_side import Host

#: The step that cuts the accelerator out of the graph.
PARTITION_STEP = "step_create_dataflow_partition"

#: Operations that multiply by weights, as FINN's streamlining leaves them.
_LAYERS = {"Conv", "ConvTranspose", "Gemm", "MatMul"}

_ADVICE = (
    "a layer becomes hardware if its weights and its input are quantized and FINN can move scales "
    "past it, which a fork behind the input quantizer prevents"
)


def check_partition(parent: ModelWrapper, model: ModelWrapper) -> None:
    """Refuse an accelerator that is none, or that nothing behind this step could take.

    Args:
        parent: graph with one ``StreamingDataflowPartition`` node.
        model: that partition.

    Raises:
        MsqError: no matrix-vector or depthwise layer is in the partition, or it has several inputs
            or outputs.
    """
    host = Host(parent)
    around = _named((*host.nodes_before, *host.nodes_after))
    if not any(node.op_type.startswith(("MVAU", "VVAU")) for node in model.graph.node):
        raise MsqError(
            f"no layer would be in the accelerator; on the host stay {around or 'no nodes'}; "
            f"{_ADVICE}"
        )
    joined = any(_joins_streams(parent, node) for node in host.nodes_after)
    advice = "branches that are joined need one quantizer for all of them" if joined else _ADVICE
    for side, ends in (("inputs", model.graph.input), ("outputs", model.graph.output)):
        if len(ends) > 1:
            raise MsqError(
                f"the accelerator would have {len(ends)} {side}, and one is the most; on the host "
                f"stay {around}, which need them; {advice}"
            )


def layers_on_host(parent: ModelWrapper) -> list[str]:
    """Names, with their operations, of layers that the processor computes.

    Args:
        parent: graph with one ``StreamingDataflowPartition`` node.
    """
    host = Host(parent)
    nodes = (*host.nodes_before, *host.nodes_after)
    return [f"{node.name} ({node.op_type})" for node in nodes if node.op_type in _LAYERS]


def _joins_streams(parent: ModelWrapper, node: Any) -> bool:
    streams = [name for name in node.input if parent.get_initializer(name) is None]
    return len(streams) > 1 and node.op_type in ("Add", "Concat")


def _named(nodes: Iterable[Any]) -> str:
    return ", ".join(f"{node.name} ({node.op_type})" for node in nodes)
