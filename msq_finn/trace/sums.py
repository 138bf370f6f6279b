"""What is counted at a point, image by image."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


@dataclass
class Extent:
    """The range of a tensor over all images, as a whole and by channel.

    Attributes:
        low: least value of each channel, [channels].
        high: greatest, [channels].
    """

    low: FloatArray = field(default_factory=lambda: np.zeros(0))
    high: FloatArray = field(default_factory=lambda: np.zeros(0))

    def add(self, values: FloatArray) -> None:
        """Count a tensor in.

        Args:
            values: [1, channels, ...].
        """
        by_channel = np.moveaxis(values, 1, 0).reshape(values.shape[1], -1)
        low, high = by_channel.min(axis=1), by_channel.max(axis=1)
        self.low = low if not self.low.size else np.minimum(self.low, low)
        self.high = high if not self.high.size else np.maximum(self.high, high)

    @property
    def range(self) -> tuple[float, float]:
        """Least and greatest value."""
        return float(self.low.min()), float(self.high.max())

    @property
    def constant(self) -> int:
        """Channels that never change."""
        return int((self.low == self.high).sum())


@dataclass
class Noise:
    """How far a tensor is from what it should be.

    Attributes:
        signal: sum of squares of what it should be.
        error: sum of squares of the differences.
    """

    signal: float = 0.0
    error: float = 0.0

    def add(self, values: NDArray[Any], expected: NDArray[Any]) -> None:
        """Count a tensor in.

        Args:
            values: of any shape.
            expected: of the same shape.
        """
        self.signal += float(np.square(expected, dtype=np.float64).sum())
        self.error += float(np.square(values - expected, dtype=np.float64).sum())

    @property
    def decibels(self) -> float | None:
        """Signal over noise in dB, None where there is no noise.

        >>> Noise(signal=100.0, error=1.0).decibels
        20.0
        """
        if self.error == 0.0:
            return None
        return 10 * math.log10(max(self.signal, 1e-30) / self.error)
