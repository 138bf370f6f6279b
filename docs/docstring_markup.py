"""Shows what docstrings are written in: doctests as code, Sphinx's roles as links."""

from __future__ import annotations

import re
from typing import Any

import griffe

_ROLE = re.compile(r":(?:func|meth|class|mod|data):`([\w.]+)`")

#: Packages that the reference shows, by the names that docstrings know them by.
_SHOWN = {"msq_finn.transforms": "transforms", "msq_finn": "msq_finn"}


class DocstringMarkup(griffe.Extension):
    """Turns docstrings into Markdown before they are parsed."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Rewrite an object's docstring; its own ``Examples:`` sections need no fences."""
        if obj.docstring is None:
            return
        text = _ROLE.sub(lambda role: _link(obj, role[1]), obj.docstring.value)
        obj.docstring.value = "\n\n".join(
            f"```pycon\n{part}\n```" if part.startswith(">>>") else part
            for part in text.split("\n\n")
        )


def _link(obj: griffe.Object, target: str) -> str:
    """Markdown for a role; a link to nowhere is for mkdocs to refuse."""
    path = target if "." in target else obj.resolve(target)
    for package, shown in _SHOWN.items():
        if path.startswith(f"{package}."):
            return f"[`{target}`][{shown}{path.removeprefix(package)}]"
    return f"`{target}`"
