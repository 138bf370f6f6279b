"""The table of lane kinds, in the order of their lanes in the hardware.

>>> get("sp2_4_lut").code_offset([0, 15], act_bits=4, act_signed=False)
array([  0, 123])
>>> get("sp2_4_lut").takes(["fixed_4"]), get("embedded_lut").takes(["fixed_4"])
(False, True)
"""

from __future__ import annotations

from collections.abc import Iterator

from msq_finn import plugins, schemes
from msq_finn.errors import MsqError
from msq_finn.lanes.kind import DENSE, DEPTHWISE, FINN, LaneKind
from msq_finn.lanes.lut import BoothLut, ShiftLut
from msq_finn.lanes.others import ChannelDsp, ConstantLut, DspLane, FinnDsp, SerialLut
from msq_finn.lanes.partial import LONG, shift_fields

_BOTH = (DENSE, DEPTHWISE)

#: Slices in a chain: with three rows of four bits to a slice and 4-bit activations, a DSP48E1 has
#: bits for the sum of as many. Operands wait two cycles at most, in flip-flops: from three on, they
#: would take LUTs as shift registers.
CHAIN = 4

_TABLE: dict[str, LaneKind] = {}


def register(kind: LaneKind) -> LaneKind:
    """Add a lane kind, behind those that there are.

    Packages do so in a function that they name as an entry point of the group "msq_finn.lanes",
    so that FINN's worker processes know the kind as well.

    Args:
        kind: with a name of its own.

    Returns:
        the kind.

    Raises:
        MsqError: another kind has that name, or the entry contradicts its scheme.
    """
    if kind.name in _TABLE:
        raise MsqError(f"a lane kind named {kind.name} is registered already; choose another name")
    kind.check()
    _TABLE[kind.name] = kind
    return kind


def _shifts(
    name: str, label: str, *terms: tuple[int, tuple[int, ...]], placed: int = 0
) -> LaneKind:
    """A LUT lane that sums shifts: per term its base and what it shifts by."""
    scheme = schemes.get(name)
    return ShiftLut(f"{name}_lut", f"{label} LUT", scheme, _BOTH, shift_fields(*terms), placed)


def _booth(bits: int, placed: int = 1) -> LaneKind:
    scheme = schemes.get(f"fixed_{bits}")
    return BoothLut(f"fixed_{bits}_lut", f"Fixed({bits}) LUT", scheme, _BOTH, placed)


register(_shifts("sp2_4", "SP2(4)", (0, (0, 1, 2)), (2, (0,)), placed=2))
register(_booth(4, placed=3))
register(_shifts("pot_4", "PoT(4)", (0, LONG)))
register(_shifts("apot_4", "APoT(4)", (0, (0, 2, 3)), (1, (0,))))
register(_shifts("sp2_5", "SP2(5)", (0, (0, 1, 2)), (0, (0, 1, 2))))
register(_shifts("sp2_6", "SP2(6)", (0, LONG), (4, (0, 1, 2))))
register(_shifts("apot_6", "APoT(6)", (1, (0, 3, 5)), (0, (0, 3, 5)), (2, (0,))))
register(_booth(6))
register(_booth(8))
for _bits in (4, 3, 5, 6, 7, 8):
    _fixed = schemes.get(f"fixed_{_bits}")
    register(DspLane(f"fixed_{_bits}_dsp", f"Fixed({_bits}) DSP", _fixed))
register(DspLane("fixed_4_dsp_chain", "Fixed(4) DSP chain", schemes.get("fixed_4"), chain=CHAIN))
for _bits in (5, 8):
    _fixed = schemes.get(f"fixed_{_bits}")
    register(ChannelDsp(f"int_{_bits}_dsp", f"INT{_bits} DSP", _fixed, (DEPTHWISE,)))
# Two's complement of 8 bits holds every scheme's row whose grid is no wider.
register(ConstantLut("embedded_lut", "LUT constants", schemes.get("fixed_8")))
register(SerialLut("serial_lut", "serial LUT constants", schemes.get("fixed_8")))
register(FinnDsp("finn_dsp", "FINN DSP", schemes.get("fixed_4"), (FINN,)))


def get(name: str) -> LaneKind:
    """Return a lane kind.

    Args:
        name: such as "sp2_4_lut".

    Raises:
        MsqError: there is no such kind.
    """
    if name not in _TABLE:
        plugins.load("msq_finn.lanes")
    if name not in _TABLE:
        raise MsqError(f"no lane kind is named {name!r}; known: {', '.join(_TABLE)}", value=name)
    return _TABLE[name]


def kinds(unit: str | None = None) -> Iterator[LaneKind]:
    """List lane kinds, in the order of their lanes in the hardware.

    Args:
        unit: which has such lanes, of DENSE, DEPTHWISE and FINN; None for any.
    """
    plugins.load("msq_finn.lanes")
    return (kind for kind in _TABLE.values() if unit is None or unit in kind.units)
