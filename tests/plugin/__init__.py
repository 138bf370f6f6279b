"""What another package would bring: two-bit integers, and lanes with SystemVerilog of their own."""

from __future__ import annotations

from pathlib import Path

from msq_finn import schemes
from msq_finn.lanes import DENSE, register
from msq_finn.lanes.lut import ModuleLut
from msq_finn.lanes.partial import Partial


class Int2(schemes.Scheme):
    """-1, 0 and 1, in two's complement."""

    def code_values(self):
        return [0, 1, None, -1]


class Int2Lut(ModuleLut):
    """One partial product: the activation, or its one's complement, or nothing."""

    def _offset(self, codes, act_bits, act_signed):
        return (codes >> 1) * (-1 if act_signed else (1 << act_bits) - 1)


def add_schemes() -> None:
    schemes.register(Int2("int_2", 2))


def add_lanes() -> None:
    register(
        Int2Lut(
            "int_2_lut",
            "INT2 LUT",
            schemes.get("int_2"),
            units=(DENSE,),
            spans=(Partial(0, (0,)),),
            top="int2_products",
            files=(Path(__file__).with_name("int2_products.sv"),),
            luts={bits: bits / 2 for bits in range(2, 9)},
        )
    )


#: Where entry points of such a package would lead to, by group.
ENTRY_POINTS = {"msq_finn.schemes": add_schemes, "msq_finn.lanes": add_lanes}
