"""Contents of memories whose thresholds are compared one after another."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_finn.lanes.counts import IntArray

#: Words up to which a memory of no stated style is made of LUTs: four a bit, without a block RAM of
#: which it would use little.
_MOST_IN_LUTS = 256


def planes(steps: int) -> int:
    """Comparisons that find how many thresholds a value reaches.

    Args:
        steps: thresholds.

    >>> [planes(steps) for steps in (1, 2, 3, 14, 15, 16)]
    [1, 2, 2, 4, 4, 5]
    """
    return steps.bit_length()


def memory_style(channels: int, pe: int, steps: int) -> str:
    """Style of the memories of which none is stated, "distributed" or "block".

    Args:
        channels: with thresholds of their own.
        pe: channels that have a memory each; the others follow in theirs.
        steps: thresholds of a channel.

    >>> memory_style(16, 1, 15), memory_style(64, 1, 15)
    ('distributed', 'block')
    """
    return "distributed" if channels // pe << planes(steps) <= _MOST_IN_LUTS else "block"


def tree_words(thresholds: NDArray[Any], pe: int, kind: Any) -> IntArray:
    """Arrange thresholds as binary trees, the root of a channel's in its word 1.

    Behind it is the comparison of the half below in word 2, of the half above in word 3, and so on.
    A value reaches a threshold where it is greater than the word. Where a tree has more than are
    given, no value reaches the others.

    Args:
        thresholds: shape (channels, steps), or (1, steps) for all channels.
        pe: channels compared a cycle.
        kind: QONNX's type of the values, an integer one.

    Returns:
        shape (pe, folds * words of a tree), lane by lane.

    >>> from qonnx.core.datatype import DataType
    >>> tree_words(np.array([[-2.0, 0.5, 9.0], [1.0, 2.0, 3.0]]), 2, DataType["INT4"]).tolist()
    [[0, 0, -3, 7], [0, 1, 0, 2]]
    """
    low, high = int(kind.min()), int(kind.max())
    if len(thresholds) == 1:
        thresholds = np.repeat(thresholds, pe, axis=0)
    channels, steps = thresholds.shape
    levels = planes(steps)
    limits = np.full((channels, 2**levels - 1), high, dtype=np.int64)
    whole = np.clip(np.ceil(np.sort(thresholds.astype(np.float64), axis=1)), low, high + 1)
    limits[:, :steps] = whole.astype(np.int64) - 1
    words = np.zeros((channels, 2**levels), dtype=np.int64)
    for level in range(levels):
        gap = 2 ** (levels - level)
        words[:, 2**level : 2 ** (level + 1)] = limits[:, gap // 2 - 1 :: gap]
    return words.reshape(-1, pe, 2**levels).transpose(1, 0, 2).reshape(pe, -1)


def word_bits(words: IntArray) -> int:
    """Bits in two's complement that hold all words.

    Args:
        words: of any shape.

    >>> word_bits(np.array([7, -8])), word_bits(np.array([8]))
    (4, 5)
    """
    most, least = int(words.max()), int(words.min())
    return 1 + max(most.bit_length(), (-least - 1).bit_length() if least < 0 else 0)
