"""How a depthwise layer's channels share DSP slices."""

from __future__ import annotations


def channels_per_dsp(window: int, act_bits: int, act_signed: bool, weight_bits: int) -> int:
    """Count the channels that share a DSP slice (``channel_packing`` in msq_finn/rtl/msq_pkg.sv).

    Args:
        window: products in a sum.
        act_bits: bits of an activation.
        act_signed: whether activations are two's complement.
        weight_bits: of a weight, its sign included.

    >>> channels_per_dsp(9, 4, False, 5), channels_per_dsp(9, 8, False, 8)
    (2, 1)
    """
    spacing = channel_spacing(window, act_bits, act_signed, weight_bits)
    return 2 if spacing + act_bits + 1 <= 18 else 1


def channel_spacing(window: int, act_bits: int, act_signed: bool, weight_bits: int) -> int:
    """Bits from one channel's sum to the next one's in a DSP slice (``channel_spacing`` there).

    Args:
        window: products in a sum.
        act_bits: bits of an activation.
        act_signed: whether activations are two's complement.
        weight_bits: of a weight, its sign included.

    >>> channel_spacing(9, 4, False, 5)
    13
    """
    act_max = 1 << (act_bits - 1) if act_signed else (1 << act_bits) - 1
    cross_products = 2 * window * act_max * ((1 << (weight_bits - 1)) - 1)
    return (2 * cross_products).bit_length()
