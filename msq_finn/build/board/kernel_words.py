"""Kernels of an accelerator, as the processor writes and reads them over AXI-lite."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

#: More words than a memory has sent ahead when others are written: FINN's memstream sends 8, and
#: what reads it keeps some.
STALE_WORDS = 16


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


def write_memories(overlay: Any, folder: Path) -> int:
    """Write the memories that can be written at run time, and read them again.

    Args:
        overlay: pynq's, with the bitfile loaded.
        folder: with a file ``<kernel>_<number>_<node>.dat`` of 32-bit words for each.

    Returns:
        how many there are.

    Raises:
        RuntimeError: the overlay lacks a kernel, or a word reads as another.
    """
    files = sorted(folder.glob("*.dat"))
    for file in files:
        kernel = KernelWords(overlay, file.name.split("_")[0], file.name)
        kernel.write([int(word, 16) for word in file.read_text().split()])
    return len(files)
