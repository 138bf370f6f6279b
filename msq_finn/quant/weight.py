"""Weight quantizers to give to Brevitas layers as ``weight_quant=``.

They are recipes: injectors that name what Brevitas builds a quantizer from. Statistics, scaling,
zero point and proxies are Brevitas's own; `msq_finn.quant.core` is put where it rounds.

Brevitas's keywords do what they do for its own quantizers: ``weight_bit_width`` (3 to 8; PoT to 6),
``weight_scaling_impl_type="parameter_from_stats"`` for learned scales,
``weight_restrict_scaling_type="power_of_two"`` for scales that are powers of two, and
``weight_quant_type="fp"`` for float weights. What a scheme cannot do, such as other ways of
rounding, is refused, and so are names that nothing reads.
"""

import operator
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from brevitas.inject import ExtendedInjector, value
from brevitas.inject.enum import QuantType, RestrictValueType
from brevitas.quant.base import (
    MaxStatsScaling,
    MSESymmetricScale,
    NarrowIntQuant,
    PerChannelFloatScaling8bit,
    PerTensorFloatScaling8bit,
)
from brevitas.quant.scaled_int import Int8WeightPerChannelFloat, Int8WeightPerTensorFloat
from brevitas.quant.solver.weight import WeightQuantSolver
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


class FixedWeightPerChannelFloat(Int8WeightPerChannelFloat):
    """Fixed point, narrow range: Brevitas's per-channel integer quantizer at 4 bits.

    Examples:
        >>> from brevitas.nn import QuantLinear
        >>> fc = QuantLinear(10, 5, bias=False, weight_quant=FixedWeightPerChannelFloat)
        >>> fc.quant_weight().bit_width
        tensor(4.)
    """

    bit_width = 4


class FixedWeightPerTensorFloat(Int8WeightPerTensorFloat):
    """Fixed point, narrow range: Brevitas's per-tensor integer quantizer at 4 bits.

    Examples:
        >>> from brevitas.nn import QuantLinear
        >>> fc = QuantLinear(10, 5, bias=False, weight_quant=FixedWeightPerTensorFloat)
    """

    bit_width = 4


class SP2WeightPerChannelFloat(
    SchemeQuant, NarrowIntQuant, MaxStatsScaling, PerChannelFloatScaling8bit, WeightQuantSolver
):
    """Sums of two powers of two, 4 bits, scaled per channel by the largest magnitude.

    Examples:
        >>> from brevitas.nn import QuantLinear
        >>> fc = QuantLinear(10, 5, bias=False, weight_quant=SP2WeightPerChannelFloat)
        >>> fc.quant_weight().bit_width  # the grid has 8 in it
        tensor(5.)
    """

    family = "sp2"


class SP2WeightPerTensorFloat(
    SchemeQuant, NarrowIntQuant, MaxStatsScaling, PerTensorFloatScaling8bit, WeightQuantSolver
):
    """Sums of two powers of two, 4 bits, scaled per tensor by the largest magnitude.

    Examples:
        >>> from brevitas.nn import QuantLinear
        >>> fc = QuantLinear(10, 5, bias=False, weight_quant=SP2WeightPerTensorFloat)
    """

    family = "sp2"


class PoTWeightPerChannelFloat(SP2WeightPerChannelFloat):
    """Powers of two, 4 bits, scaled per channel by the largest magnitude.

    Examples:
        >>> from brevitas.nn import QuantLinear
        >>> fc = QuantLinear(10, 5, bias=False, weight_quant=PoTWeightPerChannelFloat)
    """

    family = "pot"


class PoTWeightPerTensorFloat(SP2WeightPerTensorFloat):
    """Powers of two, 4 bits, scaled per tensor by the largest magnitude.

    Examples:
        >>> from brevitas.nn import QuantLinear
        >>> fc = QuantLinear(10, 5, bias=False, weight_quant=PoTWeightPerTensorFloat)
    """

    family = "pot"


class APoTWeightPerChannelFloat(SP2WeightPerChannelFloat):
    """Additive powers of two (Li et al., ICLR 2020), 4 bits, scaled per channel.

    Examples:
        >>> from brevitas.nn import QuantLinear
        >>> fc = QuantLinear(10, 5, bias=False, weight_quant=APoTWeightPerChannelFloat)
    """

    family = "apot"


class APoTWeightPerTensorFloat(SP2WeightPerTensorFloat):
    """Additive powers of two (Li et al., ICLR 2020), 4 bits, scaled per tensor.

    Examples:
        >>> from brevitas.nn import QuantLinear
        >>> fc = QuantLinear(10, 5, bias=False, weight_quant=APoTWeightPerTensorFloat)
    """

    family = "apot"


class MSQWeightPerChannelFloat(
    RowMixedQuant, NarrowIntQuant, MaxStatsScaling, PerChannelFloatScaling8bit, WeightQuantSolver
):
    """Rows of SP2 and rows of fixed point, 4 bits (MSQ, HPCA 2021).

    The rows of lowest variance are SP2. Any list of schemes does: see `RowMixedQuant`.

    Examples:
        >>> from brevitas.nn import QuantLinear
        >>> fc = QuantLinear(
        ...     10, 5, bias=False, weight_quant=MSQWeightPerChannelFloat, weight_sp2_ratio=0.6)
        >>> fc.weight_quant.int_quant.kinds().bincount()  # rows of SP2, of Fixed
        tensor([3, 2])
    """


class MSQWeightPerTensorFloat(
    RowMixedQuant, NarrowIntQuant, MaxStatsScaling, PerTensorFloatScaling8bit, WeightQuantSolver
):
    """Rows of SP2 and rows of fixed point, 4 bits, whose level 1 is the tensor's largest magnitude.

    Scales differ by scheme only: that magnitude is 8 on the grid of SP2, 7 on that of fixed point.

    Examples:
        >>> from brevitas.nn import QuantLinear
        >>> fc = QuantLinear(10, 5, bias=False, weight_quant=MSQWeightPerTensorFloat)
        >>> fc.quant_weight().scale.unique().shape
        torch.Size([2])
    """


class FixedWeightPerChannelFloatMSE(MSESymmetricScale, FixedWeightPerChannelFloat):
    """Fixed point, 4 bits; learned scales, first those of least squared error.

    Examples:
        >>> from brevitas.nn import QuantLinear
        >>> fc = QuantLinear(10, 5, bias=False, weight_quant=FixedWeightPerChannelFloatMSE)
    """


class SP2WeightPerChannelFloatMSE(MSESymmetricScale, SP2WeightPerChannelFloat):
    """Sums of two powers of two, 4 bits; learned scales, first those of least squared error.

    Examples:
        >>> from brevitas.nn import QuantLinear
        >>> fc = QuantLinear(10, 5, bias=False, weight_quant=SP2WeightPerChannelFloatMSE)
    """


class PoTWeightPerChannelFloatMSE(MSESymmetricScale, PoTWeightPerChannelFloat):
    """Powers of two, 4 bits; learned scales, first those of least squared error.

    Examples:
        >>> from brevitas.nn import QuantLinear
        >>> fc = QuantLinear(10, 5, bias=False, weight_quant=PoTWeightPerChannelFloatMSE)
    """


class APoTWeightPerChannelFloatMSE(MSESymmetricScale, APoTWeightPerChannelFloat):
    """Additive powers of two, 4 bits; learned scales, first those of least squared error.

    Examples:
        >>> from brevitas.nn import QuantLinear
        >>> fc = QuantLinear(10, 5, bias=False, weight_quant=APoTWeightPerChannelFloatMSE)
    """


class MSQWeightPerChannelFloatMSE(MSESymmetricScale, MSQWeightPerChannelFloat):
    """Rows of SP2 and fixed point, 4 bits; learned scales, first those of least squared error.

    Examples:
        >>> from brevitas.nn import QuantLinear
        >>> fc = QuantLinear(10, 5, bias=False, weight_quant=MSQWeightPerChannelFloatMSE)
    """
