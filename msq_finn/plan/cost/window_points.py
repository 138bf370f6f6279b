"""Design points of window generators and of the padding before them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from msq_finn.plan.cost.stream_points import FinnNode
from msq_finn.plan.frontend.network import Conv
from msq_finn.rtl.pixel_words import row_axis


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
        along = row_axis(conv.padded[1])
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
