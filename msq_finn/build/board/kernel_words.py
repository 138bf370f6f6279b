"""Kernels of an accelerator, as the processor writes and reads them over AXI-lite."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class KernelWords:
    """The words of a kernel, of 32 bits.

    Attributes:
        name: in the overlay.

    Args:
        overlay: pynq's, with the bitfile loaded.
        number: of the kernel.
        what: the words are, for errors.

    Raises:
        RuntimeError: the overlay lacks it.
    """

    def __init__(self, overlay: Any, number: int | str, what: str) -> None:
        self.name = f"StreamingDataflowPartition_{number}"
        if self.name not in overlay.ip_dict:
            raise RuntimeError(f"the overlay has no {self.name} for {what}")
        self._what = what
        self._words = getattr(overlay, self.name).mmio

    def read(self, index: int = 0) -> int:
        """Read a word."""
        return int(self._words.array[index])

    def write(self, words: Sequence[int]) -> None:
        """Write words from the first on, and read them again.

        Args:
            words: to be written.

        Raises:
            RuntimeError: a word reads as another.
        """
        # One by one: wider accesses are none that an AXI-Lite port need take.
        for index, word in enumerate(words):
            self._words.write(4 * index, word)
        for index, word in enumerate(words):
            found = self.read(index)
            if found != word:
                raise RuntimeError(
                    f"{self.name} reads {found:#010x} for {word:#010x} at word {index} of "
                    f"{self._what}"
                )
