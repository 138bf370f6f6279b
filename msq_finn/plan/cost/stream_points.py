"""Design points of the streaming nodes between matrix-vector units."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from msq_finn.lanes import sources
from msq_finn.plan.cost.design_point import Design, Point
from msq_finn.plan.frontend.network import Conv


@dataclass(frozen=True)
class FinnNode(Point):
    """A node whose RTL FINN's custom op writes."""

    def design(self, folder: Path, part: str) -> Design:
        """What FINN's PrepareIP generates."""
        from msq_finn.plan.cost.finn_node import generate

        top, files = generate(self.op(), part)
        return top, files, {}

    @abstractmethod
    def op(self) -> dict[str, Any]:
        """Arguments of :func:`msq_finn.plan.cost.finn_node.one_node_model`."""


@dataclass(frozen=True)
class Thresholds(FinnNode):
    """Thresholding_rtl with a uniform quantizer's thresholds in LUTs or block RAM.

    Attributes:
        channels: thresholded apart.
        pe: channels compared a cycle.
        in_bits: bits of what is compared.
        steps: thresholds of a channel.
        bram_from: words from which on a stage's memory is block RAM; 0 for Yosys' own choice.
    """

    node: ClassVar[str] = "thresholds"
    channels: int
    pe: int
    in_bits: int
    steps: int = 15
    bram_from: int = 0

    def op(self) -> dict[str, Any]:
        """See FinnNode."""
        limit = 2 ** (self.in_bits - 1)
        # Even steps, as a uniform quantizer's. Sums seldom come near the ends of their type: in
        # built networks thresholds span 2 to 30 % of it, and steps of 1 where that is too little.
        rng, size = np.random.default_rng(3), (self.channels, 1)
        span = np.clip(rng.uniform(0.02, 0.3, size) * limit, self.steps, 2 * limit - 1)
        middle = np.clip(rng.normal(0, 0.05, size) * limit, span / 2 - limit, limit - 1 - span / 2)
        values = np.round(middle + span * np.linspace(-0.5, 0.5, self.steps)).astype(int)
        bits = (self.steps + 1).bit_length() - 1
        return {
            "op_type": "Thresholding_rtl",
            "shapes": [(1, self.channels)] * 2,
            "weights": values,
            "dtypes": (f"INT{self.in_bits}", f"INT{self.in_bits}", f"UINT{bits}"),
            "NumChannels": self.channels,
            "PE": self.pe,
            "numSteps": self.steps,
            "weightDataType": f"INT{self.in_bits}",
            "numInputVectors": [1],
            "depth_trigger_bram": self.bram_from,
        }


@dataclass(frozen=True)
class Window(FinnNode):
    """ConvolutionInputGenerator_rtl, square; channel by channel if depthwise.

    Attributes:
        channels: of a pixel.
        simd: channels a cycle.
        dim: pixels in each direction.
        kernel: pixels of a window in each direction.
        stride: pixels between windows.
        act_bits: bits of an activation.
        parallel: whether windows leave whole.
        depthwise: whether windows leave channel by channel.
        style: of the memory, "distributed", "block" or "auto".
    """

    node: ClassVar[str] = "swg"
    channels: int
    simd: int
    dim: int
    kernel: int = 3
    stride: int = 1
    act_bits: int = 4
    parallel: bool = False
    depthwise: bool = False
    style: str = "distributed"

    @classmethod
    def nearest(cls, conv: Conv, simd: int, act_bits: int, parallel: bool, style: str) -> Window:
        """The nearest square window: rectangles keep their buffer's depth and window's size.

        Args:
            conv: the window.
            simd: channels a cycle.
            act_bits: bits of an activation.
            parallel: whether windows leave whole.
            style: of the memory, "distributed", "block" or "auto".
        """
        height, width = conv.padded
        if height == 1 or width == 1:
            # One-dimensional: a short buffer, as that of a square of few columns.
            kernel = 1 if max(conv.kernel) == 1 else 2
            dim = max(2, max(conv.kernel))
        else:
            kernel, dim = max(conv.kernel), max(height, width)
        stride = min(max(conv.stride), dim)
        return cls(
            conv.channels,
            simd,
            dim,
            kernel=kernel,
            stride=stride,
            act_bits=act_bits,
            parallel=parallel,
            style=style,
        )

    @property
    def taps(self) -> int:
        """Pixels of a window."""
        return self.kernel**2

    @property
    def line(self) -> int:
        """Pixels of a row that wait while a window that leaves whole has the others."""
        return self.dim - self.kernel

    def op(self) -> dict[str, Any]:
        """See FinnNode."""
        out = (self.dim - self.kernel) // self.stride + 1
        return {
            "op_type": "ConvolutionInputGenerator_rtl",
            "shapes": [
                (1, self.dim, self.dim, self.channels),
                (1, out, out, self.kernel**2 * self.channels),
            ],
            "dtypes": (f"UINT{self.act_bits}", None, f"UINT{self.act_bits}"),
            "ConvKernelDim": [self.kernel] * 2,
            "IFMChannels": self.channels,
            "IFMDim": [self.dim] * 2,
            "OFMDim": [out] * 2,
            "SIMD": self.simd,
            "Stride": [self.stride] * 2,
            "Dilation": [1, 1],
            "parallel_window": int(self.parallel),
            "depthwise": int(self.depthwise),
            "ram_style": self.style,
        }


@dataclass(frozen=True)
class WordWindow(Window):
    """A window over words of several pixels, which leaves whole; costs like others.

    Attributes:
        columns: words of a row of a window, of ``kernel`` rows.
    """

    columns: int = 3

    @classmethod
    def over(cls, conv: Conv, act_bits: int, style: str) -> WordWindow:
        """The window of a map of words.

        Args:
            conv: the window, words for pixels.
            act_bits: bits of an activation.
            style: of the memory, "distributed", "block" or "auto".
        """
        along = 0 if conv.padded[1] == 1 else 1
        rows, width = conv.kernel[0] if along else 1, conv.padded[along]
        stride, columns = min(conv.stride[0], width), conv.kernel[along]
        size = (conv.channels, conv.channels, width, rows, stride, act_bits)
        return cls(*size, parallel=True, style=style, columns=columns)

    @property
    def taps(self) -> int:
        """Words of a window."""
        return self.kernel * self.columns

    @property
    def line(self) -> int:
        """Words of a row that wait while the window has the others."""
        return self.dim - self.columns


@dataclass(frozen=True)
class Padding(FinnNode):
    """FMPadding_rtl, one pixel on every side of a square.

    Attributes:
        channels: of a pixel.
        simd: channels a cycle.
        dim: pixels in each direction, without padding.
        act_bits: bits of an activation.
    """

    node: ClassVar[str] = "padding"
    channels: int
    simd: int
    dim: int
    act_bits: int = 4

    def op(self) -> dict[str, Any]:
        """See FinnNode."""
        return {
            "op_type": "FMPadding_rtl",
            "shapes": [(1, self.dim + p, self.dim + p, self.channels) for p in (0, 2)],
            "dtypes": (f"UINT{self.act_bits}", None, None),
            "ImgDim": [self.dim] * 2,
            "Padding": [1] * 4,
            "NumChannels": self.channels,
            "SIMD": self.simd,
            "numInputVectors": 1,
        }


@dataclass(frozen=True)
class Dwc(FinnNode):
    """StreamingDataWidthConverter_rtl.

    Attributes:
        in_bits: bits of an input word.
        out_bits: bits of an output word.
    """

    node: ClassVar[str] = "dwc"
    in_bits: int
    out_bits: int

    def op(self) -> dict[str, Any]:
        """See FinnNode."""
        bits = self.in_bits * self.out_bits
        return {
            "op_type": "StreamingDataWidthConverter_rtl",
            "shapes": [(1, bits)] * 2,
            "dtypes": ("BINARY", None, "BINARY"),
            "inShape": [1, bits],
            "outShape": [1, bits],
            "inWidth": self.in_bits,
            "outWidth": self.out_bits,
            "dataType": "BINARY",
        }


@dataclass(frozen=True)
class Fifo(FinnNode):
    """StreamingFIFO_rtl.

    Attributes:
        width: bits of a word.
        depth: words.
        style: of the memory, "distributed", "block" or "auto".
    """

    node: ClassVar[str] = "fifo"
    width: int
    depth: int
    style: str = "auto"

    def op(self) -> dict[str, Any]:
        """See FinnNode."""
        shape = [1, self.depth, self.width]
        return {
            "op_type": "StreamingFIFO_rtl",
            "shapes": [tuple(shape)] * 2,
            "dtypes": ("BINARY", None, "BINARY"),
            "folded_shape": shape,
            "normal_shape": shape,
            "dataType": "BINARY",
            "depth": self.depth,
            "ram_style": self.style,
        }


@dataclass(frozen=True)
class LookupTable(FinnNode):
    """StreamingTable_rtl, its entries at random.

    Attributes:
        elements: looked up a cycle.
        in_bits: bits of an element.
        out_bits: bits of an entry.
    """

    node: ClassVar[str] = "table"
    elements: int
    in_bits: int
    out_bits: int

    @property
    def source(self) -> Path:
        """The module's file."""
        return sources()[0].parent / "streaming" / "stream_table.sv"

    def op(self) -> dict[str, Any]:
        """See FinnNode."""
        entries = np.random.default_rng(4).integers(0, 2**self.out_bits, 2**self.in_bits)
        return {
            "op_type": "StreamingTable_rtl",
            "shapes": [(1, self.elements)] * 2,
            "dtypes": (f"UINT{self.in_bits}", None, f"UINT{self.out_bits}"),
            "Shape": [1, self.elements],
            "First": 0,
            "Entries": entries.tolist(),
            "PE": self.elements,
        }
