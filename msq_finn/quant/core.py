"""Projection of weight rows on the grids of their schemes: the maths behind the quantizers."""

from collections.abc import Sequence
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn

from msq_finn.errors import MsqError
from msq_finn.quant.nearest import NearestLevel
from msq_finn.quant.stateless import computing_type, has_values
from msq_finn.schemes import Scheme

MAX_GRID_BITS = 32
"""Widest grid that a quantizer takes: Brevitas gives integers as int32."""

_SMALLEST_WEIGHTS = 2.0**-7
_BITS_OF_SCALES = 5


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
        MsqError: a scheme's grid is wider than 32 bits, which is PoT(7) and PoT(8).

    Note:
        The gradient is the straight-through estimator, as in Brevitas: rounding passes it on.

        The state_dict has the names of the schemes, too, so that rows of other schemes are refused.
        Both are floats there, and are read rounded: whatever averages or casts a network's floats
        leaves them as they are.
    """

    row_kinds: Tensor | None

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
            if scheme.grid_bits > MAX_GRID_BITS:
                raise MsqError(
                    f"its grid needs {scheme.grid_bits} bits, and quantizers take "
                    f"{MAX_GRID_BITS} at most; use fewer bits per weight",
                    where=scheme.name,
                )
        self.schemes = tuple(schemes)
        self.row_shape = tuple(row_shape)
        self.nearest = nn.ModuleList(NearestLevel(scheme) for scheme in schemes)
        self.input_view_impl = input_view_impl
        self.tensor_clamp_impl = tensor_clamp_impl
        self.register_buffer("row_kinds", None if row_kinds is None else row_kinds.float())

    @property
    def scheme_names(self) -> tuple[str, ...]:
        """The names of the schemes a row may have."""
        return tuple(scheme.name for scheme in self.schemes)

    def kinds(self) -> Tensor:
        """Return per row the index of its scheme; shape (rows,), int64.

        Raises:
            MsqError: there is one scheme only.
        """
        if self.row_kinds is None:
            raise MsqError(f"every row is {self.scheme_names[0]} here; use a row-mixed quantizer")
        return self.row_kinds.round().long()

    def top(self, like: Tensor) -> Tensor:
        """Return the largest grid integer of each row, of ``row_shape``.

        It is a scalar where there is one scheme.

        Args:
            like: a tensor of the type and device wanted, of any shape.
        """
        tops = self._chosen([scheme.grid_max for scheme in self.schemes], like)
        return tops if self.row_kinds is None else tops.view(self.row_shape)

    def bit_width(self, like: Tensor) -> Tensor:
        """Return the width of the signed integer that holds the grid of every row, a scalar.

        Args:
            like: a tensor of the type and device wanted, of any shape.
        """
        return self._chosen([scheme.grid_bits for scheme in self.schemes], like).max()

    def _chosen(self, values: Sequence[int], like: Tensor) -> Tensor:
        """Return of one value per scheme that of each row, or the only one."""
        if self.row_kinds is None:
            return like.new_full((), values[0])
        kinds = self.row_kinds.round()
        chosen = like.new_full(kinds.shape, values[0])
        for kind, value in enumerate(values[1:], start=1):
            chosen = torch.where(kinds == kind, value, chosen)
        return chosen

    def set_rows(self, row_kinds: Tensor) -> None:
        """Give each row a scheme.

        Args:
            row_kinds: per row, the index of its scheme; shape (rows,).

        Raises:
            MsqError: there is one scheme only, or the number of rows or an index is wrong.
        """
        if self.row_kinds is None:
            raise MsqError(f"every row is {self.scheme_names[0]} here; use a row-mixed quantizer")
        if row_kinds.shape != self.row_kinds.shape:
            given, rows = tuple(row_kinds.shape), len(self.row_kinds)
            raise MsqError(f"row schemes of shape {given} for a layer of {rows} rows")
        if has_values(row_kinds) and len(row_kinds):
            lowest, highest = row_kinds.float().round().aminmax()
            # Written so that NaN, which compares with nothing, is refused too.
            if not (lowest >= 0 and highest < len(self.schemes)):
                kinds = row_kinds.tolist()
                raise MsqError(f"row schemes must index {self.scheme_names}, got {kinds}")
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
        top = self.top(x)
        y = self.tensor_clamp_impl(x / scale, min_val=-top, max_val=top)
        # y - y.detach() is zero and carries the gradient, which leaves the integers exact.
        return (self._to_grid(y) + (y - y.detach())) * scale

    def _to_grid(self, y: Tensor) -> Tensor:
        ints = self.nearest[0](y)
        if self.row_kinds is not None:
            kinds = self.row_kinds.round().view(self.row_shape)
            for kind, nearest in enumerate(self.nearest[1:], start=1):
                ints = torch.where(kinds == kind, nearest(y), ints)
        return ints

    def get_extra_state(self) -> Tensor:
        """Return the names of the schemes for the state_dict, as a tensor of character codes."""
        codes = [float(byte) for byte in ",".join(self.scheme_names).encode()]
        return torch.tensor(codes, device="cpu")

    def set_extra_state(self, state: Tensor) -> None:
        """Check the names of the schemes in a state_dict.

        Args:
            state: as `get_extra_state` makes it; shape (characters,). One that is a shape alone
                says nothing.

        Raises:
            MsqError: they are not the schemes of this quantizer.
        """
        if isinstance(state, Tensor) and not has_values(state):
            return
        names = names_of_state(state)
        if names != self.scheme_names:
            raise MsqError(
                f"a checkpoint with rows of {', '.join(names)} for a layer with rows of "
                f"{', '.join(self.scheme_names)}; build the network with the checkpoint's schemes"
            )

    def _load_from_state_dict(
        self, state_dict: dict[str, Any], prefix: str, *args: Any, **kwargs: Any
    ) -> None:
        layer = prefix.split(".weight_quant.")[0]
        # A checkpoint of a float network has no rows: keep those that were made from its weights,
        # which Brevitas loads before it builds the quantizer anew.
        names = state_dict.setdefault(prefix + "_extra_state", self.get_extra_state())
        try:
            self.set_extra_state(names)
            if self.row_kinds is not None:
                kinds = state_dict.get(prefix + "row_kinds")
                if kinds is not None:
                    self.set_rows(kinds.to(self.row_kinds))
                state_dict[prefix + "row_kinds"] = self.row_kinds
        except MsqError as error:
            raise MsqError(f"{error}; it is of another network", where=f"layer {layer}") from error
        super()._load_from_state_dict(state_dict, prefix, *args, **kwargs)


def names_of_state(state: Tensor) -> tuple[str, ...]:
    """Return the names of schemes that a checkpoint holds, see `SchemeIntQuant.get_extra_state`.

    Args:
        state: the character codes; shape (characters,).

    Raises:
        MsqError: it is something else.
    """
    try:
        text = bytes(state.detach().cpu().float().round().int().tolist()).decode("ascii")
    except (ValueError, TypeError, AttributeError, RuntimeError) as error:
        raise MsqError("its names of schemes are damaged") from error
    return tuple(text.split(","))


class RescalingSchemeQuant(nn.Module):
    """Scale and quantize weights row by row: Brevitas's RescalingIntQuant for schemes.

    Weights of half precision are quantized in float32, and come out as numbers of their own type.

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

    Raises:
        MsqError: the weights' type is too coarse for a grid.
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
        exact = x.to(computing_type(x.dtype))
        threshold = self.int_quant.top(exact)
        if self.power_of_two_scale:
            threshold = threshold.log2().ceil().exp2()
        scale = self.scaling_impl(exact, threshold)
        if exact.dtype != x.dtype:
            if has_values(x) and not torch.compiler.is_compiling():
                for scheme in self.int_quant.schemes:
                    refuse_coarse_type(scheme, x.dtype)
            # The scale of a row of zeros must not become zero.
            scale = scale.to(x.dtype).clamp_min(_smallest(x.dtype))
        bit_width = self.int_quant.bit_width(x)
        zero_point = self.zero_point_impl(x, scale, bit_width)
        if self.observer_only:
            return x, scale, zero_point, bit_width
        value = self.int_quant(scale.to(exact.dtype), zero_point, bit_width, exact)
        return value.to(x.dtype), scale, zero_point, bit_width


@cache
def refuse_coarse_type(scheme: Scheme, dtype: torch.dtype) -> None:
    """Check that weights of a type can lie on a scheme's grid, under every scale.

    Args:
        scheme: the scheme.
        dtype: a floating-point type.

    Raises:
        MsqError: an integer of the grid times a scale, divided by that scale, rounds to another
            integer; or scales of small weights would lose too many bits.
    """
    digits = round(1 / torch.finfo(dtype).eps)
    scales = torch.arange(digits, 2 * digits, device="cpu").to(dtype) / digits
    ints = torch.from_numpy(scheme.grid()).float()[:, None]
    back = (ints * scales.float()).to(dtype) / scales
    coarse = _smallest(dtype) * scheme.grid_max * 2**_BITS_OF_SCALES > _SMALLEST_WEIGHTS
    if coarse or not torch.equal(back.float().round(), ints.expand(-1, digits)):
        raise MsqError(
            f"{str(dtype).removeprefix('torch.')} is too coarse for its grid up to "
            f"{scheme.grid_max}; keep the weights in float32, as torch.autocast does",
            where=scheme.name,
        )


def _smallest(dtype: torch.dtype) -> float:
    """Return the smallest positive number of a type."""
    limits = torch.finfo(dtype)
    return limits.smallest_normal * limits.eps
