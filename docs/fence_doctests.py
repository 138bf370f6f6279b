"""Lets the reference show doctests as code wherever they stand in a docstring."""

from __future__ import annotations

from typing import Any

import griffe


class FenceDoctests(griffe.Extension):
    """Fences paragraphs of examples; the docstring's own ``Examples:`` sections need none."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Rewrite an object's docstring."""
        if obj.docstring is None:
            return
        paragraphs = obj.docstring.value.split("\n\n")
        obj.docstring.value = "\n\n".join(
            f"```pycon\n{text}\n```" if text.startswith(">>>") else text for text in paragraphs
        )
