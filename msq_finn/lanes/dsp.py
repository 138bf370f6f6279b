"""The ports of Xilinx's DSP slices, and how many rows of weights share one.

>>> get("DSP48E1").lanes(weight_bits=4, act_bits=4, act_signed=False)
4
>>> get("DSP48E2").lanes(weight_bits=8, act_bits=8, act_signed=False)
2
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

from msq_finn.errors import MsqError


@dataclass(frozen=True)
class DspBlock:
    """A kind of DSP slice.

    Attributes:
        name: as ``finn.util.basic.get_dsp_block`` has it.
        version: ``DspVersion`` in msq_finn/rtl.
        weight_port: bits of the multiplier's port behind the pre-adder, A.
        act_port: bits of its other port, B.
        sum_port: bits of the slice's sum, P.
    """

    name: str
    version: int
    weight_port: int
    act_port: int
    sum_port: int

    def check(self, weight_bits: int, act_bits: int, act_signed: bool, sum_bits: int = 0) -> None:
        """Refuse what the slice would cut off.

        Args:
            weight_bits: of a two's complement weight.
            act_bits: of an activation.
            act_signed: whether activations are two's complement.
            sum_bits: of a sum that gathers in the slice.

        Raises:
            MsqError: an operand or a sum is wider than its port.
        """
        operand = act_bits if act_signed else act_bits + 1
        for what, bits, port, width in (
            ("weights", weight_bits, "A", self.weight_port),
            ("activations (with a sign)", operand, "B", self.act_port),
            ("sums", sum_bits, "P", self.sum_port),
        ):
            if bits > width:
                raise MsqError(
                    f"{what} of {bits} bits do not fit port {port} of {self.name}, {width} bits; "
                    "use LUT lanes or narrower numbers"
                )

    def lanes(self, weight_bits: int, act_bits: int, act_signed: bool, chain: int = 2) -> int:
        """Rows of narrow-range weights that share a slice (``dsp_packing`` in msq_pkg.sv).

        Rows are as far apart as a field is wide; where two products add up, as a product is.

        Args:
            weight_bits: of a weight, its sign included.
            act_bits: of an activation.
            act_signed: whether activations are two's complement.
            chain: products that add up in a chain of slices, at most.

        Raises:
            MsqError: an operand is wider than its port.

        >>> get("DSP48E1").lanes(4, 4, False), get("DSP48E1").lanes(4, 4, False, chain=4)
        (4, 3)
        """
        self.check(weight_bits, act_bits, act_signed)
        step = product_bits(weight_bits, act_bits, act_signed)
        if chain > 2:
            step = field_bits(weight_bits, act_bits, act_signed, chain)
        return 1 + (self.weight_port - weight_bits) // step

    def apart(self, weight_bits: int, act_bits: int, act_signed: bool, chain: int = 2) -> bool:
        """Whether that many lanes leave room for a chain's sums (``dsp_apart`` there).

        Elsewhere a few LUTs tell a lane's sum from its neighbour's carries.

        Args:
            weight_bits: of a weight, its sign included.
            act_bits: of an activation.
            act_signed: whether activations are two's complement.
            chain: products that add up in a chain of slices, at most.

        Raises:
            MsqError: an operand is wider than its port.

        >>> get("DSP48E1").apart(4, 4, False), get("DSP48E1").apart(4, 8, False)
        (False, True)
        """
        step = field_bits(weight_bits, act_bits, act_signed, chain)
        above = self.lanes(weight_bits, act_bits, act_signed, chain) - 1
        return weight_bits + above * step <= self.weight_port


def product_bits(weight_bits: int, act_bits: int, act_signed: bool) -> int:
    """Return the bits of any product's magnitude, weights being of narrow range.

    Args:
        weight_bits: of a weight, its sign included.
        act_bits: of an activation.
        act_signed: whether activations are two's complement.

    >>> product_bits(4, 4, False)  # 7 * 15 = 105
    7
    """
    return weight_bits + act_bits - 1 - act_signed


def field_bits(weight_bits: int, act_bits: int, act_signed: bool, chain: int) -> int:
    """Return the bits that hold the sum of a chain's products (``dsp_field_bits`` in msq_pkg.sv).

    Args:
        weight_bits: of a weight, its sign included.
        act_bits: of an activation.
        act_signed: whether activations are two's complement.
        chain: products that add up.

    >>> field_bits(4, 4, False, chain=4)  # -420 to 420
    10
    """
    return product_bits(weight_bits, act_bits, act_signed) + (chain - 1).bit_length() + 1


def chain_lengths(simd: int, chain: int) -> list[int]:
    """Return the slices of every chain (``dsp_chains`` and ``dsp_chain_length`` there).

    Chains are as short as that many can be, to wait no longer than it takes.

    Args:
        simd: products a cycle.
        chain: of them, those that add up in a chain, at most.

    >>> chain_lengths(12, chain=4), chain_lengths(9, chain=4), chain_lengths(5, chain=4)
    ([4, 4, 4], [3, 3, 3], [3, 2])
    """
    length = math.ceil(simd / math.ceil(simd / chain))
    return [min(length, simd - start) for start in range(0, simd, length)]


@cache
def waits(simd: int, chain: int) -> int:
    """Return the cycles that operands wait for their slices, all elements together (``dsp_wait``).

    Args:
        simd: products a cycle.
        chain: of them, those that add up in a chain, at most.

    >>> waits(8, chain=4), waits(7, chain=4), waits(8, chain=2)  # 0, 0, 1, 2, each in two chains
    (6, 7, 0)
    """
    lengths = chain_lengths(simd, chain)
    longest = max(2, *lengths)
    return sum(
        longest - length + place - (place > 0 or length == 1)
        for length in lengths
        for place in range(length)
    )


_BLOCKS = {
    block.name: block
    for block in (
        DspBlock("DSP48E1", 1, 25, 18, 48),
        DspBlock("DSP48E2", 2, 27, 18, 48),
        DspBlock("DSP58", 3, 27, 24, 58),
    )
}


def get(name: str) -> DspBlock:
    """Return the DSP slice of that name.

    Args:
        name: such as "DSP48E1", as ``finn.util.basic.get_dsp_block`` has it.

    Raises:
        MsqError: there is no such slice.
    """
    if name not in _BLOCKS:
        raise MsqError(f"no DSP slice is named {name!r}; known: {', '.join(_BLOCKS)}")
    return _BLOCKS[name]


def channels_per_slice(window: int, act_bits: int, act_signed: bool, weight_bits: int) -> int:
    """Count a depthwise layer's channels in a slice (``channel_packing`` in msq_pkg.sv).

    Two share one where both activations fit on the narrowest slice's port.

    Args:
        window: products in a sum.
        act_bits: bits of an activation.
        act_signed: whether activations are two's complement.
        weight_bits: of a weight, its sign included.

    >>> channels_per_slice(9, 4, False, 5), channels_per_slice(9, 8, False, 8)
    (2, 1)
    """
    spacing = channel_spacing(window, act_bits, act_signed, weight_bits)
    return 2 if spacing + act_bits + 1 <= get("DSP48E1").act_port else 1


def channel_spacing(window: int, act_bits: int, act_signed: bool, weight_bits: int) -> int:
    """Bits from one channel's sum to the next one's in a slice (``channel_spacing`` there).

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
