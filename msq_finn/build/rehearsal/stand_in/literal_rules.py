"""Literals that every tool must take, by the standard, and those that it need not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msq_finn.rtl.literals import MOST_BITS

#: Bits of a literal without a size that every tool must take (IEEE 1364-2005, 3.5.1).
MOST_UNSIZED = 32

#: Characters of a name that every tool must take (IEEE 1364-2005, 3.7).
MOST_CHARACTERS = 1_024


def beyond_standard(tree: Any, said: set[int]) -> Iterator[str]:
    """Say what is beyond the standard's guarantees, in words.

    Args:
        tree: slang's syntax tree of a file.
        said: sizes of literals that the file itself says are beyond them.
    """
    tokens: list[Any] = []
    tree.root.visit(lambda node: _collect(node, tokens))
    before = [None, *tokens]
    for last, previous, token in zip([None, *before], before, tokens, strict=False):
        yield from _token(last, previous, token, said)


def _collect(node: Any, tokens: list[Any]) -> None:
    if type(node).__name__ == "Token":
        tokens.append(node)


def _token(last: Any, previous: Any, token: Any, said: set[int]) -> Iterator[str]:
    kind = token.kind.name
    if kind == "Identifier" and len(token.valueText) > MOST_CHARACTERS:
        yield f"a name of {len(token.valueText)} characters, {token.valueText[:40]}..."
    if kind == "StringLiteral" and 8 * len(token.valueText) > MOST_BITS:
        yield f"a text of {len(token.valueText)} characters, {8 * len(token.valueText)} bits"
    if kind != "IntegerLiteral":
        return
    bits = int(token.value).bit_length()
    if previous is None or previous.kind.name != "IntegerBase":
        if bits > MOST_UNSIZED:
            yield f"the literal {token.rawText[:40]} of {bits} bits without a size"
        return
    sized = last is not None and last.kind.name == "IntegerLiteral"
    size = int(last.value) if sized else bits
    if not sized and bits > MOST_UNSIZED:
        yield f"the literal {previous.rawText}{token.rawText[:40]} of {bits} bits without a size"
    if sized and size > MOST_BITS and size not in said:
        yield f"a literal of {size} bits, beyond the {MOST_BITS} that every tool takes"
