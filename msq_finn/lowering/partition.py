"""What FINN's partition leaves to the processor, checked before anything is generated."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from qonnx.core.modelwrapper import ModelWrapper

from msq_finn.errors import MsqError
from msq_finn.layer_notes import LAYERS
from msq_finn.lowering.host_side import Host
from msq_finn.transforms.channel_spaces import WITH_WEIGHTS
from msq_finn.transforms.layer_names import layer_names

#: The step that cuts the accelerator out of the graph.
PARTITION_STEP = "step_create_dataflow_partition"

_ADVICE = (
    "a layer becomes hardware if its weights and its input are quantized and FINN can move scales "
    "past it, which a fork behind the input quantizer prevents"
)


def check_partition(parent: ModelWrapper, model: ModelWrapper) -> None:
    """Refuse an accelerator that is none, or that nothing behind this step could take.

    Args:
        parent: graph with one ``StreamingDataflowPartition`` node.

    Raises:
        MsqError: no matrix-vector or depthwise layer is in the partition; or the host would have to
            join its outputs, or to compute others itself.
    """
    host = Host(parent)
    around = _named((*host.nodes_before, *host.nodes_after))
    if not any(node.op_type.startswith((*WITH_WEIGHTS, "VVAU")) for node in model.graph.node):
        raise MsqError(
            f"no layer would be in the accelerator; on the host stay {around or 'no nodes'}; "
            f"{_ADVICE}"
        )
    for node in host.nodes_after:
        if host.adds_streams(node):
            raise MsqError(
                "joins streams of the accelerator on the host, and hardware joins them by sums and "
                f"concatenations of branches with one quantizer; on the host stay {around}",
                where=f"{node.name} ({node.op_type})",
            )
    behind = set(host.accelerator_outputs)
    for node in host.nodes_after:
        streams = [name for name in node.input if name and not _is_constant(parent, name)]
        if not behind.issuperset(streams):
            raise MsqError(
                "needs what does not come from the accelerator but past it, from the host; "
                f"on the host stay {around}; {_ADVICE}",
                where=f"{node.name} ({node.op_type})",
            )
        behind.update(node.output)
    for number, name in enumerate(host.outputs):
        if name not in behind:
            raise MsqError(
                f"output {number} of the network would not come from the accelerator; on the host "
                f"stay {around}; {_ADVICE}"
            )


def layers_on_host(parent: ModelWrapper) -> list[str]:
    """Names, as of `layer_names`, with their operations, of layers that the processor computes.

    Args:
        parent: graph with one ``StreamingDataflowPartition`` node.
    """
    host = Host(parent)
    nodes = (*host.nodes_before, *host.nodes_after)
    names = layer_names(parent)
    return [f"{names[node.name]} ({node.op_type})" for node in nodes if node.op_type in LAYERS]


def _is_constant(model: ModelWrapper, tensor: str) -> bool:
    return model.get_initializer(tensor) is not None


def _named(nodes: Iterable[Any]) -> str:
    return ", ".join(f"{node.name} ({node.op_type})" for node in nodes)
