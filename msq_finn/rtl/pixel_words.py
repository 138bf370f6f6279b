"""Maps whose words are several neighbouring pixels of a row, and windows over them."""

from __future__ import annotations

from dataclasses import dataclass

from msq_finn.lanes.divisors import divides, folds

#: How many pixels of a row may go side by side.
SIDE_BY_SIDE = (1, 2, 4, 8)

#: Least results in a row: a line buffer of FINN's generator holds all of them but one.
_LEAST_RESULTS = 4


@dataclass(frozen=True)
class PixelWords:
    """Windows over a row of words, of which each word begins as many.

    Attributes:
        pixels: of a word.
        windows: that begin in a word, and leave side by side.
        stride: pixels from one window to the next.
        first: pixels of a window's first word that come before its first pixel.
        kernel: words that the windows of a word reach over.
        before: words of zeros in front of a row.
        after: words of zeros behind it.
        results: words of windows in a row.
    """

    pixels: int
    windows: int
    stride: int
    first: int
    kernel: int
    before: int
    after: int
    results: int

    @property
    def row(self) -> int:
        """Words of a row with the zeros around it: all that windows reach over."""
        return self.results + self.kernel - 1

    def places(self, width: int) -> list[list[int]]:
        """Where the pixels of each window lie, counted from the first pixel of the first word.

        Args:
            width: pixels of a row of a window.
        """
        starts = (self.first + index * self.stride for index in range(self.windows))
        return [list(range(start, start + width)) for start in starts]


def row_axis(width: int) -> int:
    """Which axis of (height, width) neighbours are along: the first of what is one pixel wide.

    Args:
        width: pixels of the map's second axis with the zeros beside them; 1 of a signal.
    """
    return 0 if width == 1 else 1


def pixel_words(
    row: int, kernel: int, stride: int, pad: tuple[int, int], pixels: int
) -> PixelWords | None:
    """Find out how windows go over words of several pixels; None where they do not come out even.

    Args:
        row: pixels of a row of the map.
        kernel: pixels of a row of a window.
        stride: pixels from one window to the next.
        pad: zeros before and behind a row.
        pixels: of a word.

    >>> words = pixel_words(32, kernel=3, stride=1, pad=(1, 1), pixels=2)
    >>> words.windows, words.first, words.kernel, words.before, words.after, words.results
    (2, 1, 3, 1, 1, 16)
    >>> words.places(3)
    [[1, 2, 3], [2, 3, 4]]
    >>> pixel_words(33, kernel=3, stride=1, pad=(1, 1), pixels=2)
    """
    windows = pixels // stride
    found = (row + sum(pad) - kernel) // stride + 1
    if not (divides(pixels, row) and divides(stride, pixels) and divides(windows, found)):
        return None
    before, results = folds(pad[0], pixels), found // windows
    first = before * pixels - pad[0]
    reach = folds(first + (windows - 1) * stride + kernel, pixels)
    after = results + reach - 1 - before - row // pixels
    if after < 0 or results < _LEAST_RESULTS:
        return None
    return PixelWords(pixels, windows, stride, first, reach, before, after, results)
