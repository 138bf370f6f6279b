"""Errors meant for users."""

from __future__ import annotations

from typing import Any


class MsqError(Exception):
    """What the user gave lets no run go on; as text, one line: where, what, what to do.

    Args:
        text: what is wrong, and what to do about it.
        where: what it is about, a file, a node, a layer; it stands before the text.
        field: the attribute, key or option that is wrong; for programs, people read the text.
        value: what was given there.

    Attributes:
        kept: whether what was done before has been written, and is to stay.

    >>> error = MsqError("SIMD=5 does not divide MW=8", where="MVAU_0", field="SIMD", value=5)
    >>> str(error), error.field, error.value
    ('MVAU_0: SIMD=5 does not divide MW=8', 'SIMD', 5)
    >>> error.within("net.onnx").where
    'net.onnx: MVAU_0'
    """

    kept = False

    def __init__(
        self, text: str, *, where: object = None, field: str | None = None, value: Any = None
    ) -> None:
        super().__init__(text)
        self.where = None if where is None else str(where)
        self.field = field
        self.value = value

    def __str__(self) -> str:
        """All in one line."""
        text = str(self.args[0])
        return text if self.where is None else f"{self.where}: {text}"

    def within(self, where: object) -> MsqError:
        """The same error, seen from further away.

        Args:
            where: what the error's own place is in.
        """
        inner = str(where) if self.where is None else f"{where}: {self.where}"
        return type(self)(self.args[0], where=inner, field=self.field, value=self.value)


class MissingToolError(MsqError):
    """A program that a step needs is not installed."""


def said_by(error: BaseException) -> str:
    r"""What another package's exception says, as a part of one line of ours.

    Args:
        error: any exception; one that says nothing is named by its type.

    >>> said_by(ValueError("two\nlines")), said_by(KeyError())
    ('two lines', 'KeyError')
    """
    try:
        text = " ".join(str(error).split())
    except Exception:  # a user's exception may fail to speak
        text = ""
    return text[:300] or type(error).__name__
