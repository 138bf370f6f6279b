"""Random changes of batches of images."""

import torch
from torch import Tensor, nn


def shift(x: Tensor, generator: torch.Generator, by: int = 1) -> Tensor:
    """Move each image by up to some pixels in both directions, filling with zeros.

    Args:
        x: images (N, channels, height, width).
        generator: to draw from.
        by: pixels.
    """
    n, _, height, width = x.shape
    padded = nn.functional.pad(x, (by, by, by, by))
    top, left = torch.randint(0, 2 * by + 1, (2, n, 1, 1), generator=generator)
    y = top + torch.arange(height)[:, None]
    return padded[torch.arange(n)[:, None, None], :, y, left + torch.arange(width)].movedim(3, 1)


def shift_and_flip(x: Tensor, generator: torch.Generator) -> Tensor:
    """Move each image by up to an eighth of its height, and mirror every other one.

    Args:
        x: images; shape (N, channels, height, width).
        generator: source of the moves.

    Returns:
        Images of the same shape; what moved in from outside is 0.
    """
    moved = shift(x, generator, x.shape[2] // 8)
    mirrored = torch.rand(len(x), 1, 1, 1, generator=generator) < 0.5
    return torch.where(mirrored, moved.flip(3), moved)
