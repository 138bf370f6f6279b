"""What quantizers of schemes are built of: injectors that the recipes in `weight` mix in."""

import operator
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from brevitas.inject import ExtendedInjector, value
from brevitas.inject.enum import QuantType, RestrictValueType
from torch import Tensor

from msq_finn import schemes as registry
from msq_finn.errors import MsqError
from msq_finn.quant.core import RescalingSchemeQuant, SchemeIntQuant
from msq_finn.quant.keywords import refuse_other_choices
from msq_finn.quant.proxy import SchemeWeightQuantProxy
from msq_finn.quant.rows import as_rows, by_variance, kinds_of_names, row_counts
from msq_finn.quant.stateless import has_values
from msq_finn.schemes import Scheme


@contextmanager
def _errors_of(module: Any, weights: Sequence[Tensor]) -> Iterator[None]:
    """Say in errors which layer they are about; it has no name before it is in a network."""
    try:
        yield
    except MsqError as error:
        layer = type(module[0] if isinstance(module, tuple) else module).__name__
        shape = "x".join(str(size) for size in weights[0].shape)
        raise MsqError(f"{layer} with {shape} weights: {error}") from error


def _whole(bit_width: Any) -> int:
    """Return a width, which has to be a whole number."""
    try:
        return operator.index(bit_width)
    except TypeError as error:
        raise MsqError(
            f"weight_bit_width={bit_width!r} is no whole number; give one such as 4"
        ) from error


class SchemeQuant(ExtendedInjector):
    """All rows of one scheme, named by ``family`` ("sp2") and ``bit_width``."""

    proxy_class = SchemeWeightQuantProxy
    int_quant = SchemeIntQuant
    bit_width = 4
    row_kinds = None

    @value
    def tensor_quant(
        quant_type: Any,
        float_to_int_impl_type: Any,
        bit_width_impl_type: Any,
        narrow_range: bool,
        signed: bool,
        scaling_per_output: Any,
        module: Any,
        tracked_parameter_list: list[Tensor],
    ) -> type[RescalingSchemeQuant] | None:
        """Return what quantizes, or None for float weights."""
        if quant_type == QuantType.FP:
            return None
        with _errors_of(module, tracked_parameter_list):
            refuse_other_choices(
                quant_type,
                {
                    "float_to_int_impl_type": float_to_int_impl_type,
                    "bit_width_impl_type": bit_width_impl_type,
                    "narrow_range": narrow_range,
                    "signed": signed,
                    "scaling_per_output": scaling_per_output,
                },
            )
        return RescalingSchemeQuant

    @value
    def schemes(
        family: str, bit_width: int, module: Any, tracked_parameter_list: list[Tensor]
    ) -> tuple[Scheme, ...]:
        """Look up the scheme."""
        with _errors_of(module, tracked_parameter_list):
            return (registry.get(f"{family}_{_whole(bit_width)}"),)

    @value
    def row_shape(scaling_per_output_channel_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return Brevitas's shape for values of one per output channel."""
        return scaling_per_output_channel_shape

    @value
    def power_of_two_scale(restrict_scaling_type: RestrictValueType) -> bool:
        """Tell whether scales are restricted to powers of two."""
        return restrict_scaling_type == RestrictValueType.POWER_OF_TWO


class RowMixedQuant(SchemeQuant):
    """Each row of one of several schemes.

    Keywords, with ``weight_`` in front where they are given to a layer:
        row_mix: the schemes' names; default SP2 and Fixed of ``bit_width`` bits.
        sp2_ratio: with two schemes, the share of rows of the first.
        mix_ratios: the share of rows of each scheme; default (sp2_ratio, 1 - sp2_ratio).
        row_schemes: per row, the name of its scheme; default: rows by ascending variance are
            dealt to the schemes in their order.
    """

    row_mix = None
    sp2_ratio = 0.5
    mix_ratios = None
    row_schemes = None

    @value
    def schemes(
        row_mix: Sequence[str] | None,
        bit_width: int,
        module: Any,
        tracked_parameter_list: list[Tensor],
    ) -> tuple[Scheme, ...]:
        """Look up the schemes."""
        with _errors_of(module, tracked_parameter_list):
            names = row_mix or (f"sp2_{_whole(bit_width)}", f"fixed_{bit_width}")
            return tuple(registry.get(name) for name in names)

    @value
    def row_kinds(
        schemes: tuple[Scheme, ...],
        row_schemes: Sequence[str] | None,
        sp2_ratio: float,
        mix_ratios: Sequence[float] | None,
        tracked_parameter_list: list[Tensor],
        output_channel_dim: int,
        module: Any,
    ) -> Tensor:
        """Assign the rows."""
        rows = torch.cat([as_rows(w, output_channel_dim) for w in tracked_parameter_list], dim=1)
        with _errors_of(module, tracked_parameter_list):
            if output_channel_dim == 1 and getattr(module, "groups", 1) > 1:
                raise MsqError(
                    f"a transposed convolution with {module.groups} groups, of which Brevitas's "
                    "quantizers have no scale per output channel; take one for each group, or "
                    "FixedWeightPerTensorFloat"
                )
            if row_schemes is not None:
                return kinds_of_names(row_schemes, [s.name for s in schemes], rows)
            ratios = mix_ratios or (sp2_ratio, 1 - sp2_ratio)
            if len(ratios) != len(schemes):
                raise MsqError(f"{len(ratios)} mix_ratios for {len(schemes)} schemes")
            counts = row_counts(ratios, len(rows))
            if not has_values(rows):  # on the meta device; the rows are dealt once there are some
                return torch.zeros(len(rows), dtype=torch.int64, device=rows.device)
            return by_variance(rows, counts)
