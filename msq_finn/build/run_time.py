"""What of an accelerator the processor writes at run time, over AXI-lite."""

from __future__ import annotations

from typing import Any

from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp

from msq_finn.ops.recurrent.length_port import ATTRIBUTE

#: Attributes of nodes by what is written: weights or thresholds, and lengths of sequences.
WEIGHTS, LENGTHS = "runtime_writeable_weights", ATTRIBUTE


def writes(op: Any, *attributes: str) -> bool:
    """Tell whether the processor writes something of a node.

    Args:
        attributes: what, `WEIGHTS` or `LENGTHS`; either where none is given.
    """
    known = op.get_nodeattr_types()
    asked = attributes or (WEIGHTS, LENGTHS)
    return any(name in known and bool(op.get_nodeattr(name)) for name in asked)


def longest_sequence(model: ModelWrapper) -> int | None:
    """Steps of a sequence, where the processor can write fewer; None where it cannot.

    Args:
        model: the dataflow partition; all its layers have as many, see `NotePadding`.
    """
    ops = (getCustomOp(node) for node in model.graph.node)
    return next((int(op.get_nodeattr("Steps")) for op in ops if writes(op, LENGTHS)), None)
