"""Modules of ours that lay values out in another way, and compute none."""

from __future__ import annotations

from torch import Tensor, nn


class Channels(nn.Module):
    """Some of a value's channels.

    Args:
        start: the first.
        stop: the one behind the last.
    """

    def __init__(self, start: int, stop: int) -> None:
        super().__init__()
        self.start, self.stop = start, stop

    def forward(self, x: Tensor) -> Tensor:
        """Return them.

        Args:
            x: [batch, channels, ...].
        """
        return x[:, self.start : self.stop]


class Shuffled(nn.Module):
    """Channels as pixels, as PixelShuffle lays them out.

    Args:
        before: shape of what it reads, with the batch.
        after: shape of what it makes, with the batch.
    """

    def __init__(self, before: tuple[int, ...], after: tuple[int, ...]) -> None:
        super().__init__()
        factor = after[2] // before[2]
        self.apart = (after[1], factor, factor, *before[2:])
        self.after = after[1:]

    def forward(self, x: Tensor) -> Tensor:
        """Return the larger map.

        Args:
            x: [batch, channels, height, width].
        """
        parts = x.unflatten(1, self.apart[:3])
        return parts.permute(0, 1, 4, 2, 5, 3).reshape(x.shape[0], *self.after)
