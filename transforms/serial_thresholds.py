"""Compare thresholds one after another where there is time for it."""

from __future__ import annotations

import copy
from typing import Any

from onnx import helper
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp
from qonnx.transformation.base import Transformation

from msq_finn.ops.streaming.thresholding_serial import ThresholdingSerial_rtl
from msq_finn.rtl.threshold_tree import memory_style

#: FINN's op, and attribute of it at folding: style of the memory that its thresholds are to have
#: where they are compared one after another.
_PIPELINED, _MARK = "Thresholding_rtl", "serialThresholds"


def mark_serial(node: Any, style: str) -> None:
    """Take note of how a node's thresholds are to be compared.

    Args:
        node: of hardware.
        style: of the memory, "distributed" or "block"; "none" for FINN's pipeline.
    """
    for attribute in [a for a in node.attribute if a.name == _MARK]:
        node.attribute.remove(attribute)
    if style != "none":
        node.attribute.append(helper.make_attribute(_MARK, style))


def serial_style(model: ModelWrapper, node: Any) -> str:
    """Style of memory that suits a node's thresholds, "none" where they cannot be serial.

    Args:
        model: that the node is of.
        node: of hardware, folded.
    """
    if node.op_type != _PIPELINED or _serial(node).why_not():
        return "none"
    sets, pe = len(model.get_initializer(node.input[1])), getCustomOp(node).get_nodeattr("PE")
    return memory_style(max(sets, pe), pe, getCustomOp(node).get_nodeattr("numSteps"))


def serial_cycles(node: Any) -> int:
    """Cycles a frame of a node's thresholds where they are compared one after another.

    Args:
        node: of hardware, folded.
    """
    return _serial(node).get_exp_cycles()


def mark_thresholds(model: ModelWrapper, cycles: int) -> ModelWrapper:
    """Mark all thresholds that may be compared one after another, which takes less.

    Args:
        model: folded graph of hardware nodes.
        cycles: a frame that each node may take.

    Returns:
        the model given.
    """
    for node in model.graph.node:
        if (style := serial_style(model, node)) != "none":
            mark_serial(node, style if serial_cycles(node) <= cycles else "none")
    return model


class SearchThresholds(Transformation):
    """Make ThresholdingSerial_rtl of thresholds that are marked, unless they cannot be."""

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        """Change nodes; no second pass is needed."""
        for node in model.graph.node:
            marked = next((a.s.decode() for a in node.attribute if a.name == _MARK), "none")
            mark_serial(node, "none")
            if marked == "none" or serial_style(model, node) == "none":
                continue
            node.op_type = ThresholdingSerial_rtl.__name__
            op = getCustomOp(node)
            for attribute in [a for a in node.attribute if a.name not in op.get_nodeattr_types()]:
                node.attribute.remove(attribute)
            op.set_nodeattr("ram_style", marked)
        return model, False


def _serial(node: Any) -> ThresholdingSerial_rtl:
    """A node as it would be."""
    changed = copy.deepcopy(node)
    changed.op_type = ThresholdingSerial_rtl.__name__
    return ThresholdingSerial_rtl(changed)
