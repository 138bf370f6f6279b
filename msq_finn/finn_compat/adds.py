"""The op that adds two streams: ``ElementwiseAdd``, or ``AddStreams`` in upstream's main line.

The one that a line lacks is FINN's base of all ops here; nothing makes nodes of it then.
"""

from __future__ import annotations

from typing import Any

from finn.custom_op.fpgadataflow.hwcustomop import HWCustomOp

from msq_finn.finn_compat import module

_OPS = "finn.custom_op.fpgadataflow"

ElementwiseAdd: Any = getattr(module(f"{_OPS}.elementwise_binary"), "ElementwiseAdd", HWCustomOp)
AddStreams: Any = getattr(module(f"{_OPS}.addstreams"), "AddStreams", HWCustomOp)
