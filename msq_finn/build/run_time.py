"""What of an accelerator the processor writes at run time, over AXI-lite."""

from __future__ import annotations

from typing import Any

from msq_finn.ops.recurrent.length_port import ATTRIBUTE

#: Attributes of nodes by what is written: weights or thresholds, and lengths of sequences.
WEIGHTS, LENGTHS = "runtime_writeable_weights", ATTRIBUTE


def writes(op: Any, *attributes: str) -> bool:
    """Tell whether the processor writes something of a node.

    Args:
        op: the node.
        attributes: what, `WEIGHTS` or `LENGTHS`; either where none is given.
    """
    known = op.get_nodeattr_types()
    asked = attributes or (WEIGHTS, LENGTHS)
    return any(name in known and bool(op.get_nodeattr(name)) for name in asked)
