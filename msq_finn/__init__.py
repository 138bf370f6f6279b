"""Mixed-scheme quantization for Brevitas, QONNX and FINN.

``msq_finn.compile`` takes an exported network, or one of Brevitas's layers, to hardware.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from msq_finn.build.compiled import compile

__all__ = ["compile"]
__version__ = "0.1.0"

#: Loaded when they are asked for: importing the package loads neither torch nor FINN.
_LAZY = {"compile": "msq_finn.build.compiled"}


def __getattr__(name: str) -> Any:
    """Load one of the calls above."""
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_LAZY[name]), name)
