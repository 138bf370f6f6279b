"""Whether a dataflow graph can be built without Vitis HLS."""

from __future__ import annotations

from typing import Any

from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp

from msq_finn.errors import MsqError
from msq_finn.ops.streaming.backend import StreamingRTL
from msq_finn.transforms.layer_names import layer_names

#: Bits of an operand that FINN's matrix-vector unit in RTL takes.
_OPERAND_BITS = 8


def check_rtl(model: ModelWrapper) -> None:
    """Refuse a graph with a node that there is no RTL for.

    Args:
        model: graph of specialised hardware nodes.

    Raises:
        MsqError: the first such node, and why.
    """
    names = layer_names(model)
    for node in model.graph.node:
        refuse_hls(node, names.get(node.name, node.name))
        if isinstance(op := getCustomOp(node), StreamingRTL):
            op.rtl_parameters()


def refuse_hls(node: Any, layer: str = "") -> None:
    """Refuse a node that FINN specialised for Vitis HLS.

    Args:
        node: specialised hardware node.
        layer: its name in the network, where that is another.

    Raises:
        MsqError: it is such a node.
    """
    if node.op_type.endswith("_rtl"):
        return
    called = node.name if layer in ("", node.name) else f"layer {layer}: {node.name}"
    raise MsqError(
        f"exists in Vitis HLS only{_why(node)}, and msq-finn simulates and synthesises RTL; with "
        "Vitis HLS, give FINN's builder our steps and its own behind them",
        where=f"{called} ({node.op_type})",
    )


def _why(node: Any) -> str:
    """What of a layer FINN's units in RTL do not take, where it is a width."""
    if not node.op_type.startswith(("MVAU", "VVAU")):
        return ""
    op = getCustomOp(node)
    for what, index in (("activations", 0), ("weights", 1)):
        if (bits := op.get_input_datatype(index).bitwidth()) > _OPERAND_BITS:
            return f" for {what} of {bits} bits, of which RTL takes {_OPERAND_BITS}"
    return ""
