"""The row-mixed node in place of one of FINN's."""

from __future__ import annotations

from typing import Any

from onnx import helper
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp

from msq_finn.errors import MsqError
from msq_finn.lanes.kind import MAX_ACT_BITS, MIN_ACT_BITS


def lanes_take(model: ModelWrapper, node: Any) -> bool:
    """Tell whether the node has constant weights, and activations of a width that lanes take.

    Args:
        model: the graph around it.
        node: a matrix-vector or depthwise node; inputs are activations and weights.
    """
    acts = model.get_tensor_datatype(node.input[0]).bitwidth()
    return model.get_initializer(node.input[1]) is not None and MIN_ACT_BITS <= acts <= MAX_ACT_BITS


def replace_by_msq(model: ModelWrapper, node: Any, rows: list[tuple[str, ...]]) -> None:
    """Put a node of the ``_MSQ`` op in the place of FINN's, with its attributes.

    Args:
        model: the graph, changed in place.
        node: FINN's MVAU or VVAU.
        rows: per row the names of the schemes that hold it.

    Raises:
        MsqError: the node does what the lanes do not: thresholds, or products of single bits.
    """
    op, op_type = getCustomOp(node), f"{node.op_type}_MSQ"
    if op.get_nodeattr("noActivation") != 1:
        raise MsqError(
            "thresholds are fused into the layer; build with standalone_thresholds", where=node.name
        )
    if op.get_nodeattr("binaryXnorMode"):
        raise MsqError(f"binary layers are not computed by {op_type}", where=node.name)
    kept = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    replacement = helper.make_node(
        op_type,
        list(node.input),
        list(node.output),
        name=node.name,
        domain=node.domain,
        **kept,
        rowSchemes=["|".join(names) for names in rows],
    )
    model.graph.node.insert(list(model.graph.node).index(node), replacement)
    model.graph.node.remove(node)
