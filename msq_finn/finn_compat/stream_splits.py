"""The op that splits a stream's channels, which upstream's main line lacks.

It is FINN's base of all ops there; nothing makes nodes of it then.
"""

from __future__ import annotations

from typing import Any

from finn.custom_op.fpgadataflow.hwcustomop import HWCustomOp

from msq_finn.finn_compat import module

StreamingSplit: Any = getattr(
    module("finn.custom_op.fpgadataflow.split"), "StreamingSplit", HWCustomOp
)
