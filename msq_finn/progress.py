"""How long-running work tells what it is doing."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Called with a stage's name, the units done and the units there are."""

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Take note."""


def silent(stage: str, done: int, total: int) -> None:
    """Report nothing.

    Args:
        stage: what is being done; after a colon, in detail.
        done: how much of it.
        total: of how much, in the same unit.
    """
