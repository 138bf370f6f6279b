"""Design points of streaming nodes on modules of our own."""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from msq_finn.lanes import sources
from msq_finn.plan.cost.design_point import Design, Point


class OwnNode(Point):
    """A node on a hand-written module, one file each."""

    @property
    def module(self) -> str:
        """Name of the SystemVerilog module."""
        return f"stream_{self.node}"

    @property
    def source(self) -> Path:
        """The module's file."""
        return sources()[0].parent / "streaming" / f"{self.module}.sv"

    @abstractmethod
    def parameters(self) -> dict[str, int]:
        """Parameters of the module."""

    def design(self, folder: Path, part: str) -> Design:
        """The module with its parameters."""
        return self.module, [self.source], self.parameters()


@dataclass(frozen=True)
class Pool(OwnNode):
    """Largest value of every window.

    Attributes:
        elements: channels a cycle.
        window: pixels of a window.
        act_bits: bits of an activation.
    """

    node: ClassVar[str] = "pool"
    elements: int
    window: int = 4
    act_bits: int = 4

    def parameters(self) -> dict[str, int]:
        """See OwnNode."""
        bits = {"InBits": self.act_bits, "OutBits": self.act_bits}
        return {"Elements": self.elements, "Window": self.window, **bits}


@dataclass(frozen=True)
class Add(OwnNode):
    """Sum of two streams.

    Attributes:
        elements: sums a cycle.
        act_bits: bits of an operand.
    """

    node: ClassVar[str] = "add"
    elements: int
    act_bits: int = 4

    def parameters(self) -> dict[str, int]:
        """Of an adder of signed operands."""
        operands = {"LhsBits": self.act_bits, "RhsBits": self.act_bits}
        signs = {"LhsSigned": 1, "RhsSigned": 1}
        return {"Elements": self.elements, **operands, **signs, "OutBits": self.act_bits + 1}


@dataclass(frozen=True)
class Repack(OwnNode):
    """Our width converter.

    Attributes:
        bits: of an element.
        taken: elements of an input word.
        given: elements of an output word.
        length: elements of a vector, each of which begins a word.
    """

    node: ClassVar[str] = "repack"
    bits: int
    taken: int
    given: int
    length: int

    @property
    def narrows(self) -> bool:
        """Whether output words are no wider than input words."""
        return self.given <= self.taken

    @property
    def module(self) -> str:
        """``stream_narrow`` or ``stream_widen``."""
        return "stream_narrow" if self.narrows else "stream_widen"

    def parameters(self) -> dict[str, int]:
        """See OwnNode."""
        sizes = {"In": self.taken, "Out": self.given, "Unit": math.gcd(self.taken, self.given)}
        return {"Bits": self.bits, "Length": self.length, **sizes}
