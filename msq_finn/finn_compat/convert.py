"""Conversion to hardware layers that FINN's lines have in different places."""

from __future__ import annotations

from typing import Any

from msq_finn.errors import MissingToolError
from msq_finn.finn_compat import module, version


def _layer(name: str, home: str) -> Any:
    """FINN's transformation of that name: finn-plus has modules of their own for them."""
    package = "finn.transformation.fpgadataflow"
    for place in (f"convert_to_hw.{home}", "convert_to_hw_layers"):
        found = getattr(module(f"{package}.{place}"), name, None)
        if found is not None:
            return found
    raise MissingToolError(f"{version()} has no {name} in {package}")


InferGlobalAccPoolLayer = _layer("InferGlobalAccPoolLayer", "global_acc_pool")
