"""How many pixels are to go into a node side by side, noted on it at folding."""

from __future__ import annotations

from typing import Any

from onnx import helper

#: Attribute of any node at folding: pixels that a word of its input is to have.
_MARK = "wordPixels"


def mark_pixels(node: Any, pixels: int) -> None:
    """Take note of how many pixels go into a node side by side.

    Args:
        node: of hardware.
        pixels: of a word; of a layer behind windows, windows of a word.
    """
    for attribute in [a for a in node.attribute if a.name == _MARK]:
        node.attribute.remove(attribute)
    if pixels > 1:
        node.attribute.append(helper.make_attribute(_MARK, pixels))


def pixels_of(node: Any) -> int:
    """How many pixels go into a node side by side, 1 where nothing is noted.

    Args:
        node: of hardware.
    """
    return next((int(a.i) for a in node.attribute if a.name == _MARK), 1)
