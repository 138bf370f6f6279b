"""Mixed-scheme quantization for Brevitas, QONNX and FINN.

``msq_finn.quantize`` makes a network of Brevitas's layers from a float one; ``msq_finn.compile``
takes such a network, or an exported file, to hardware.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from msq_finn.build.compiled import compile
    from msq_finn.post_training.quantize import quantize

__all__ = ["compile", "quantize"]
__version__ = "0.1.0"

#: Loaded when they are asked for: importing the package loads neither torch nor FINN.
_LAZY = {
    "compile": "msq_finn.build.compiled",
    "quantize": "msq_finn.post_training.quantize",
}


def __getattr__(name: str) -> Any:
    """Load one of the calls above."""
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_LAZY[name]), name)
