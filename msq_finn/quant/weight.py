"""Weight quantizers to give to Brevitas layers as ``weight_quant=``.

They are recipes: injectors that name what Brevitas builds a quantizer from. Statistics, scaling,
zero point and proxies are Brevitas's own; `msq_finn.quant.core` is put where it rounds.

Brevitas's keywords do what they do for its own quantizers: ``weight_bit_width`` (3 to 8; PoT to 6),
``weight_scaling_impl_type="parameter_from_stats"`` for learned scales,
``weight_restrict_scaling_type="power_of_two"`` for scales that are powers of two, and
``weight_quant_type="fp"`` for float weights. What a scheme cannot do, such as other ways of
rounding, is refused, and so are names that nothing reads.
"""

from brevitas.quant.base import (
    MaxStatsScaling,
    MSESymmetricScale,
    NarrowIntQuant,
    PerChannelFloatScaling8bit,
    PerTensorFloatScaling8bit,
)
from brevitas.quant.scaled_int import Int8WeightPerChannelFloat, Int8WeightPerTensorFloat
from brevitas.quant.solver.weight import WeightQuantSolver

from msq_finn.quant.injectors import RowMixedQuant, SchemeQuant


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
    """Fixed point, narrow range: Brevitas's per-tensor integer quantizer at 4 bits."""

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
    """Sums of two powers of two, 4 bits, scaled per tensor by the largest magnitude."""

    family = "sp2"


class PoTWeightPerChannelFloat(SP2WeightPerChannelFloat):
    """Powers of two, 4 bits, scaled per channel by the largest magnitude."""

    family = "pot"


class PoTWeightPerTensorFloat(SP2WeightPerTensorFloat):
    """Powers of two, 4 bits, scaled per tensor by the largest magnitude."""

    family = "pot"


class APoTWeightPerChannelFloat(SP2WeightPerChannelFloat):
    """Additive powers of two (Li et al., ICLR 2020), 4 bits, scaled per channel."""

    family = "apot"


class APoTWeightPerTensorFloat(SP2WeightPerTensorFloat):
    """Additive powers of two (Li et al., ICLR 2020), 4 bits, scaled per tensor."""

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
    """Fixed point, 4 bits; learned scales, first those of least squared error."""


class SP2WeightPerChannelFloatMSE(MSESymmetricScale, SP2WeightPerChannelFloat):
    """Sums of two powers of two, 4 bits; learned scales, first those of least squared error."""


class PoTWeightPerChannelFloatMSE(MSESymmetricScale, PoTWeightPerChannelFloat):
    """Powers of two, 4 bits; learned scales, first those of least squared error."""


class APoTWeightPerChannelFloatMSE(MSESymmetricScale, APoTWeightPerChannelFloat):
    """Additive powers of two, 4 bits; learned scales, first those of least squared error."""


class MSQWeightPerChannelFloatMSE(MSESymmetricScale, MSQWeightPerChannelFloat):
    """Rows of SP2 and fixed point, 4 bits; learned scales, first those of least squared error."""
