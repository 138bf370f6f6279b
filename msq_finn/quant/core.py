"""Projection of weight rows on the grids of their schemes: the maths behind the quantizers."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from msq_finn.errors import MsqError
from msq_finn.schemes import Scheme

MAX_TABLE_TOP = 1 << 15
"""Largest grid integer for which projection looks up a table, of 1 MiB then."""


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
            values = scheme.project_ints(quarters, self.top)
        elif not self.is_uniform:
            # A boundary belongs to the level below it. Below a level of odd index it has to belong
            # to the level above, so that halfway goes to even: the next smaller number does that.
            values = grid[grid >= 0]
            boundaries = ((values[1:] + values[:-1]) / 2).astype(np.float32)
            boundaries[1::2] = np.nextafter(boundaries[1::2], np.float32(0))
            self.register_buffer("boundaries", _bits(boundaries), persistent=False)
        if not self.is_uniform:
            self.register_buffer("values", _bits(values), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return the grid integers, of the shape and type of ``x``, without gradient."""
        x = x.detach()
        if self.is_uniform:
            return x.round().clamp(-self.top, self.top)
        values = self.values.view(torch.float32)
        if self.has_table:
            halves = x.float() * 2
            quarters = halves.floor().add_(halves.ceil()).add_(4 * self.top)
            index = quarters.to(torch.int32).clamp_(0, 8 * self.top)
            return values.index_select(0, index.flatten()).view_as(x).to(x.dtype)
        index = torch.bucketize(x.abs().float(), self.boundaries.view(torch.float32))
        return values[index].to(x.dtype).copysign(x)


def _bits(values: NDArray[np.generic]) -> Tensor:
    """Return numbers as bit patterns; .half() and .double() convert every buffer of floats."""
    return torch.from_numpy(values.astype(np.float32)).view(torch.int32)


class SchemeIntQuant(nn.Module):
    """Quantize each row to the grid of its scheme, where Brevitas's IntQuant rounds to integers.

    Args:
        schemes: the schemes a row may have.
        row_kinds: per row, the index of its scheme in ``schemes``; shape (rows,), int64. Kept in
            the state_dict. None where there is one scheme only.
        row_shape: the shape that makes per-row values broadcast against the weights, such as
            (rows, 1, 1, 1).
        input_view_impl: Brevitas's view of the weights before quantization.
        tensor_clamp_impl: Brevitas's clamp, which decides on the gradient outside of the range.

    Raises:
        MsqError: a scheme's grid is wider than 64 bits, which is PoT(8).

    Note:
        The gradient is the straight-through estimator, as in Brevitas: rounding passes it on.
    """

    def __init__(
        self,
        schemes: Sequence[Scheme],
        row_kinds: Tensor | None,
        row_shape: Sequence[int],
        input_view_impl: nn.Module,
        tensor_clamp_impl: nn.Module,
    ) -> None:
        super().__init__()
        for scheme in schemes:
            if scheme.grid_bits > 64:
                raise MsqError(
                    f"{scheme.name}: its grid needs {scheme.grid_bits} bits, too many for a "
                    f"quantizer; use fewer bits per weight"
                )
        self.scheme_names = tuple(scheme.name for scheme in schemes)
        self.row_shape = tuple(row_shape)
        self.nearest = nn.ModuleList(NearestLevel(scheme) for scheme in schemes)
        self.input_view_impl = input_view_impl
        self.tensor_clamp_impl = tensor_clamp_impl
        tops = torch.tensor([scheme.grid_max for scheme in schemes])
        widths = torch.tensor([scheme.grid_bits for scheme in schemes])
        self.register_buffer("tops", tops, persistent=False)
        self.register_buffer("widths", widths, persistent=False)
        self.register_buffer("row_kinds", row_kinds)

    def top(self) -> Tensor:
        """Return the largest grid integer of each row, an int64 tensor of ``row_shape``.

        It is a scalar where there is one scheme.
        """
        if self.row_kinds is None:
            return self.tops[0]
        return self.tops[self.row_kinds].view(self.row_shape)

    def bit_width(self) -> Tensor:
        """Return the width of the signed integer that holds the grid of every row, a scalar."""
        if self.row_kinds is None:
            return self.widths[0]
        return self.widths[self.row_kinds].max()

    def set_rows(self, row_kinds: Tensor) -> None:
        """Give each row a scheme.

        Args:
            row_kinds: per row, the index of its scheme; shape (rows,), int64.

        Raises:
            MsqError: there is one scheme only, or the number of rows or an index is wrong.
        """
        if self.row_kinds is None:
            raise MsqError(f"every row is {self.scheme_names[0]} here; use a row-mixed quantizer")
        if row_kinds.shape != self.row_kinds.shape:
            given, rows = tuple(row_kinds.shape), len(self.row_kinds)
            raise MsqError(f"row schemes of shape {given} for a layer of {rows} rows")
        if row_kinds.min() < 0 or row_kinds.max() >= len(self.scheme_names):
            raise MsqError(f"row schemes must index {self.scheme_names}, got {row_kinds.tolist()}")
        self.row_kinds.copy_(row_kinds)

    def forward(self, scale: Tensor, zero_point: Tensor, bit_width: Tensor, x: Tensor) -> Tensor:
        """Return the quantized weights, on the scale of ``x``.

        Args:
            scale: what one grid integer is worth, per row or one for all.
            zero_point: zero; here for the sake of Brevitas's signature.
            bit_width: see `bit_width`; likewise.
            x: weights.
        """
        x = self.input_view_impl(x)
        top = self.top().type_as(x)
        y = self.tensor_clamp_impl(x / scale, min_val=-top, max_val=top)
        # y - y.detach() is zero and carries the gradient, which leaves the integers exact.
        return (self._to_grid(y) + (y - y.detach())) * scale

    def _to_grid(self, y: Tensor) -> Tensor:
        ints = self.nearest[0](y)
        for kind, nearest in enumerate(self.nearest[1:], start=1):
            ints = torch.where(self.row_kinds.view(self.row_shape) == kind, nearest(y), ints)
        return ints

    def _load_from_state_dict(
        self, state_dict: dict[str, Tensor], prefix: str, *args: Any, **kwargs: Any
    ) -> None:
        key = prefix + "row_kinds"
        if self.row_kinds is not None:
            # A checkpoint of a float network has no assignment: keep the one that was made from
            # its weights, which Brevitas loads before it builds the quantizer anew.
            state_dict.setdefault(key, self.row_kinds)
            try:
                self.set_rows(state_dict[key].to(self.row_kinds.device))
            except MsqError as error:
                layer = prefix.split(".weight_quant.")[0]
                raise MsqError(f"layer {layer}: {error}; it is of another network") from error
        super()._load_from_state_dict(state_dict, prefix, *args, **kwargs)


class RescalingSchemeQuant(nn.Module):
    """Scale and quantize weights row by row: Brevitas's RescalingIntQuant for schemes.

    Args:
        int_quant: quantizes to the grids, given the scale.
        scaling_impl: Brevitas's scaling; called with the weights and, per row, the grid integer
            that the scaling's value alpha (such as the largest magnitude) shall become.
        zero_point_impl: Brevitas's zero point.
        power_of_two_scale: the scaling makes powers of two; alpha then becomes the next power of
            two from the largest grid integer on.

    Returns:
        Weights, scale, zero point, bit width. Weights over scale are integers on the grids, and
        the bit width holds them all, so that any tool may take them for ordinary integers.
    """

    def __init__(
        self,
        int_quant: SchemeIntQuant,
        scaling_impl: nn.Module,
        zero_point_impl: nn.Module,
        power_of_two_scale: bool,
    ) -> None:
        super().__init__()
        self.int_quant = int_quant
        self.scaling_impl = scaling_impl
        self.zero_point_impl = zero_point_impl
        self.power_of_two_scale = power_of_two_scale
        # Brevitas switches quantization off by this name while it calibrates.
        self.observer_only = False

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Quantize the weights ``x``."""
        threshold = self.int_quant.top().type_as(x)
        if self.power_of_two_scale:
            threshold = threshold.log2().ceil().exp2()
        scale = self.scaling_impl(x, threshold)
        bit_width = self.int_quant.bit_width().type_as(x)
        zero_point = self.zero_point_impl(x, scale, bit_width)
        value = x if self.observer_only else self.int_quant(scale, zero_point, bit_width, x)
        return value, scale, zero_point, bit_width
