"""Several neighbouring pixels of a row a cycle: where that can be, and how fast it is."""

from __future__ import annotations

from collections.abc import Iterator

from msq_finn.lanes.divisors import divides
from msq_finn.plan.frontend.network import Conv, Fold, Layer
from msq_finn.plan.frontend.windows import window_cycles
from msq_finn.rtl.pixel_words import SIDE_BY_SIDE, PixelWords, pixel_words, row_axis


def words_of(conv: Conv, pixels: int) -> PixelWords | None:
    """How windows go over words of several pixels; None where they cannot.

    Args:
        pixels: of a word.
    """
    along = row_axis(conv.padded[1])
    if not conv.plain:
        return None
    zeros = (conv.pad[along], conv.pad[along])
    return pixel_words(conv.dim[along], conv.kernel[along], conv.stride[along], zeros, pixels)


def in_words(conv: Conv, words: PixelWords) -> Conv:
    """The window over the map of words, which is padded already.

    Args:
        conv: the window over pixels.

    >>> conv = Conv(16, (32, 32), pad=(1, 1))
    >>> in_words(conv, words_of(conv, 2))
    Conv(channels=32, dim=(34, 18), kernel=(3, 3), stride=(1, 1), pad=(0, 0), plain=True)
    """
    along, dim = row_axis(conv.padded[1]), list(conv.padded)
    kernel, stride = list(conv.kernel), list(conv.stride)
    dim[along] = words.row
    kernel[along], stride[along] = words.kernel, 1
    return Conv(
        conv.channels * words.pixels,
        (dim[0], dim[1]),
        (kernel[0], kernel[1]),
        (stride[0], stride[1]),
    )


def windows_at(layer: Layer, pixels: int) -> int | None:
    """How many windows leave for a word of pixels, one vector each; None where it cannot be.

    Sums without thresholds behind, which leave the accelerator, are those of one vector at a time.

    Args:
        layer: of a network.
        pixels: that go in side by side.
    """
    if pixels == 1:
        return 1
    if layer.recurrence:
        return None
    if layer.conv is None or not layer.conv.is_needed:
        windows = pixels if divides(pixels, layer.vectors) else 0
    else:
        words = words_of(layer.conv, pixels)
        windows = words.windows if words else 0
    return windows if windows == 1 or (windows and layer.steps) else None


def whole_windows(layer: Layer, pixels: int) -> int:
    """How many windows the lanes do in a cycle, each whole; 0 where they may take a part of one.

    Args:
        layer: of a network.
        pixels: that go in side by side.
    """
    windows = windows_at(layer, pixels) or 0
    return windows if windows > 1 or (layer.depthwise and pixels > 1) else 0


def pixel_cycles(layer: Layer, pixels: int) -> int:
    """Cycles a frame of a layer that takes so many pixels a cycle, and whole windows of them.

    Args:
        layer: of a network, for which there are windows.
        pixels: that go in side by side, at least two.
    """
    conv = layer.conv
    if conv is None or not conv.is_needed:
        return layer.vectors // pixels
    words = words_of(conv, pixels)
    assert words is not None
    return window_cycles(in_words(conv, words), words.pixels * conv.channels, parallel=True)


def pool_words(window: Conv) -> Iterator[Fold]:
    """Foldings of a pool that takes several pixels a cycle."""
    for pixels in SIDE_BY_SIDE[1:]:
        if words := words_of(window, pixels):
            cycles = window_cycles(in_words(window, words), pixels * window.channels, parallel=True)
            yield Fold(cycles, words.windows * window.channels, pixels=pixels)
