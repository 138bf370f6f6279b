"""Rounding to a scheme's grid, as tensors do it."""

import numpy as np
import torch
from torch import Tensor, nn

from msq_finn.quant.stateless import computing_type, constants_beside
from msq_finn.schemes import Scheme

MAX_TABLE_TOP = 1 << 7
"""Largest grid integer for which rounding looks up a table, of 1025 entries then."""


class NearestLevel(nn.Module):
    """Round to the nearest integer of a scheme's grid; halfway, to the one of even index.

    Args:
        scheme: the scheme; its ``project_ints`` is the same function in NumPy.

    Examples:
        >>> from msq_finn import schemes
        >>> NearestLevel(schemes.get("sp2_4"))(torch.tensor([2.9, 3.0, 4.5, -6.9, 9.0]))
        tensor([ 2.,  2.,  5., -6.,  8.])
    """

    def __init__(self, scheme: Scheme) -> None:
        super().__init__()
        self.top = scheme.grid_max
        grid = scheme.grid()
        self.is_uniform = len(grid) == 2 * self.top + 1
        self.has_table = not self.is_uniform and self.top <= MAX_TABLE_TOP
        if self.has_table:
            # Whether a number rounds up changes at multiples of 1/2 only. So does the nearest
            # level between them: one entry for each multiple and one for each gap.
            quarters = np.arange(-4 * self.top, 4 * self.top + 1) / 4
            self.values = tuple(scheme.project_ints(quarters, self.top).astype(float).tolist())
        elif not self.is_uniform:
            magnitudes = grid[grid >= 0].astype(float)
            self.values = tuple(magnitudes.tolist())
            self.boundaries = {
                torch.float32: _boundaries(magnitudes, np.float32),
                torch.float64: _boundaries(magnitudes, np.float64),
            }

    def forward(self, x: Tensor) -> Tensor:
        """Return the grid integers, of the shape and type of ``x``, without gradient."""
        x = x.detach()
        if self.is_uniform:
            return x.round().clamp(-self.top, self.top)
        dtype = computing_type(x.dtype)
        values = constants_beside(self.values, x, dtype)
        y = x.to(dtype)
        if self.has_table:
            halves = y * 2
            quarters = halves.floor().add_(halves.ceil()).add_(4 * self.top)
            index = quarters.to(torch.int32).clamp_(0, 8 * self.top)
            return values.index_select(0, index.flatten()).view_as(x).to(x.dtype)
        boundaries = constants_beside(self.boundaries[dtype], x, dtype)
        index = torch.bucketize(y.abs(), boundaries)
        return (values[index] * y.sign()).to(x.dtype)


def _boundaries(magnitudes: np.ndarray, dtype: type[np.floating]) -> tuple[float, ...]:
    """Return the largest number that rounds to each magnitude but the last.

    A boundary belongs to the level below it. Below a level of odd index it has to belong to the
    level above, so that halfway goes to even: the next smaller number does that.
    """
    middles = ((magnitudes[1:] + magnitudes[:-1]) / 2).astype(dtype)
    middles[1::2] = np.nextafter(middles[1::2], dtype(0))
    return tuple(middles.astype(float).tolist())
