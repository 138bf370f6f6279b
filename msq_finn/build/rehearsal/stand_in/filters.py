"""Vivado's ``-filter`` expressions."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable

from msq_finn.build.rehearsal.findings import Refusal

_TOKEN = re.compile(r'\s*(&&|\|\||==|!=|=~|!~|\(|\)|"[^"]*"|\{[^}]*\}|[^\s()&|=!]+)')


def selects(expression: str, value: Callable[[str], str]) -> bool:
    """Whether an object is selected.

    Args:
        expression: such as ``MODE == Master && NAME =~ s_axis*``.
        value: gives the value of the object's property of a name.

    Raises:
        Refusal: it is no such expression, or the object has no such property.

    >>> selects("A == 1 && (B =~ x* || B == y)", {"A": "1", "B": "xyz"}.__getitem__)
    True
    """
    tokens: list[str] = _TOKEN.findall(expression)
    if "".join(tokens) != re.sub(r'\s+(?=(?:[^"]*"[^"]*")*[^"]*$)', "", expression):
        raise Refusal("command", f"-filter {expression!r} cannot be read")
    result, rest = _either(tokens, value)
    if rest:
        raise Refusal("command", f"-filter {expression!r}: {rest[0]!r} is too much")
    return result


def _either(tokens: list[str], value: Callable[[str], str]) -> tuple[bool, list[str]]:
    result, rest = _both(tokens, value)
    while rest[:1] == ["||"]:
        other, rest = _both(rest[1:], value)
        result = result or other
    return result, rest


def _both(tokens: list[str], value: Callable[[str], str]) -> tuple[bool, list[str]]:
    result, rest = _term(tokens, value)
    while rest[:1] == ["&&"]:
        other, rest = _term(rest[1:], value)
        result = result and other
    return result, rest


def _term(tokens: list[str], value: Callable[[str], str]) -> tuple[bool, list[str]]:
    if tokens[:1] == ["("]:
        result, rest = _either(tokens[1:], value)
        if rest[:1] != [")"]:
            raise Refusal("command", "-filter: a parenthesis is not closed")
        return result, rest[1:]
    if len(tokens) < 3 or tokens[1] not in ("==", "!=", "=~", "!~"):
        raise Refusal("command", f"-filter: {' '.join(tokens[:3])!r} compares nothing")
    name, operator, text = tokens[0], tokens[1], tokens[2].strip('"{}')
    actual = value(name)
    equal = actual == text if operator[1] == "=" else fnmatch.fnmatchcase(actual, text)
    return equal == (operator[0] == "="), tokens[3:]
