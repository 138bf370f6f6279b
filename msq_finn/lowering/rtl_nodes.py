"""Whether a dataflow graph can be built of RTL."""

from __future__ import annotations

from typing import Any

from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp

from msq_finn.errors import MsqError
from msq_finn.lanes.kind import MAX_ACT_BITS, MIN_ACT_BITS
from msq_finn.ops.streaming.backend import StreamingRTL
from msq_finn.transforms.check_folding import refuse_one_column
from msq_finn.transforms.layer_names import layer_names


def check_rtl(model: ModelWrapper) -> None:
    """Refuse a graph with a node that there is no RTL for.

    Args:
        model: graph of specialised hardware nodes.

    Raises:
        MsqError: the first such node, and why.
    """
    names = layer_names(model)
    for node in model.graph.node:
        refuse_hls(node, names.get(node.name, node.name), _why(model, node))
        op = getCustomOp(node)
        if node.op_type == "MVAU_rtl":
            refuse_one_column(op, names.get(node.name, node.name))
        if isinstance(op, StreamingRTL):
            op.rtl_parameters()


def refuse_hls(node: Any, layer: str = "", why: str = "") -> None:
    """Refuse a node that FINN specialised for Vitis HLS.

    Args:
        node: specialised hardware node.
        layer: its name in the network, where that is another.
        why: what of it has no RTL, as text that goes on.

    Raises:
        MsqError: it is such a node.
    """
    if node.op_type.endswith("_rtl"):
        return
    called = node.name if layer in ("", node.name) else f"layer {layer}: {node.name}"
    raise MsqError(
        f"exists in Vitis HLS only{why}, and msq-finn simulates and synthesises RTL; with Vitis "
        "HLS, give FINN's builder our steps and its own behind them",
        where=f"{called} ({node.op_type})",
    )


def _why(model: ModelWrapper, node: Any) -> str:
    """What of a layer no unit in RTL takes: activations of lanes, or weights of FINN's own unit."""
    op = getCustomOp(node)
    if node.op_type.startswith("VVAU"):
        bits = op.get_input_datatype(0).bitwidth()
        if not MIN_ACT_BITS <= bits <= MAX_ACT_BITS:
            limits = f"{MIN_ACT_BITS} to {MAX_ACT_BITS}"
            return f" for activations of {bits} bits, of which depthwise lanes take {limits}"
    if node.op_type.startswith("MVAU"):
        weights, kind = model.get_initializer(node.input[1]), op.get_input_datatype(1)
        if weights is not None and weights.min() == kind.min():
            return f" for weights of {kind.name} that reach {int(kind.min())}"
    return ""
