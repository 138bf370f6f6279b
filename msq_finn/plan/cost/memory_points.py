"""Design points of the memories that weights stream from."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from msq_finn.ops import memstream, weight_rom
from msq_finn.plan.cost.design_point import Design, Point


@dataclass(frozen=True)
class _WeightMemory(Point):
    """A memory of weights with random contents, never written.

    Attributes:
        width: bits of a word.
        depth: words.
        style: "distributed" or "block".
    """

    width: int
    depth: int
    style: str

    def contents(self, folder: Path) -> Path:
        """Write the contents, and return their file.

        Args:
            folder: where it goes.
        """
        file = folder / "memblock.dat"
        rng = np.random.default_rng(2)
        digits = math.ceil(self.width / 4)
        words = (rng.bytes(digits).hex()[:digits] for _ in range(self.depth))
        file.write_text("".join(f"{word}\n" for word in words))
        return file


@dataclass(frozen=True)
class Memstream(_WeightMemory):
    """FINN's memory, which could be written."""

    node: ClassVar[str] = "memstream"

    def design(self, folder: Path, part: str) -> Design:
        """The wrapper that FINN's MVAU gets, filled in."""
        wrapper = folder / "weights_memstream_wrapper.v"
        contents = self.contents(folder)
        text = memstream.wrapper("weights", self.depth, self.width, contents, self.style)
        wrapper.write_text(text)
        return "weights_memstream_wrapper", [wrapper, *memstream.sources()], {}


@dataclass(frozen=True)
class WeightRom(_WeightMemory):
    """Ours, which cannot be written."""

    node: ClassVar[str] = "weight_rom"

    @property
    def source(self) -> Path:
        """The module's file."""
        return weight_rom.SOURCE

    def design(self, folder: Path, part: str) -> Design:
        """The module with its contents."""
        wrapper = folder / "weights_memstream_wrapper.v"
        contents = self.contents(folder)
        text = weight_rom.wrapper("weights", self.depth, self.width, contents, self.style)
        wrapper.write_text(text)
        return "weights_memstream_wrapper", [wrapper, self.source], {}
