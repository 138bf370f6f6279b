"""Design points of streaming nodes on modules of our own."""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from msq_finn.lanes import sources
from msq_finn.plan.cost.design_point import Design, Point
from msq_finn.plan.frontend.network import Conv
from msq_finn.rtl.window_ring import MapWindows


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


_WINDOWS = """\
module windows (
  input logic clk_i, rst_ni,
  input logic [{last}:0] in_data_i, input logic in_valid_i, output logic in_ready_o,
  output logic [{last}:0] out_data_o, output logic out_valid_o, input logic out_ready_i
);
  {module} #({given}) i_windows (.*);
endmodule
"""


@dataclass(frozen=True)
class PaddedWindow(OwnNode):
    """Our window generator with the padding inside.

    Attributes:
        width: bits of a word.
        folds: words of a pixel.
        rows: of the map.
        pixels: of a row.
        kernel_rows: of a window.
        kernel_pixels: of a row of a window.
        stride_rows: from one window to the next below.
        stride_pixels: from one window to the next beside.
        pad_rows: zeros above and below.
        pad_pixels: zeros to the left and to the right.
        depthwise: whether windows leave channel by channel.
        style: of the memory, "distributed" or "block".
    """

    node: ClassVar[str] = "window"
    width: int
    folds: int
    rows: int
    pixels: int
    kernel_rows: int = 3
    kernel_pixels: int = 3
    stride_rows: int = 1
    stride_pixels: int = 1
    pad_rows: int = 0
    pad_pixels: int = 0
    depthwise: bool = False
    style: str = "distributed"

    @classmethod
    def of(cls, conv: Conv, simd: int, act_bits: int, depthwise: bool, style: str) -> PaddedWindow:
        """The generator of a layer's windows.

        Args:
            simd: channels a cycle.
            act_bits: bits of an activation.
            depthwise: whether windows leave channel by channel.
            style: of the memory, "distributed" or "block".
        """
        folds = conv.channels // simd
        sizes = (*conv.dim, *conv.kernel, *conv.stride, *conv.pad)
        return cls(simd * act_bits, folds, *sizes, depthwise=depthwise, style=style)

    @property
    def windows(self) -> MapWindows:
        """The windows and the map."""
        return MapWindows(
            (self.rows, self.pixels),
            (self.kernel_rows, self.kernel_pixels),
            (self.stride_rows, self.stride_pixels),
            (self.pad_rows, self.pad_pixels) * 2,
        )

    @property
    def depth(self) -> int:
        """Words of the ring."""
        return self.windows.words(self.folds, self.style)

    def parameters(self) -> dict[str, int]:
        """Numbers among the module's parameters."""
        return {
            "Width": self.width,
            "Folds": self.folds,
            **self.windows.parameters(),
            "Depthwise": int(self.depthwise),
            "Depth": self.depth,
        }

    def design(self, folder: Path, part: str) -> Design:
        """The module in a wrapper, as parameters that are text reach it only there."""
        wrapper, given = folder / "windows.sv", {**self.parameters(), "RamStyle": f'"{self.style}"'}
        text = ", ".join(f".{name}({value})" for name, value in given.items())
        wrapper.write_text(_WINDOWS.format(last=self.width - 1, module=self.module, given=text))
        return "windows", [wrapper, self.source], {}
