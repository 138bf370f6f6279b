"""Lane counts as the hardware takes them: ``lanes_t`` of msq_pkg.sv, and the sources behind."""

from __future__ import annotations

from pathlib import Path

from msq_finn import cache
from msq_finn.errors import MsqError
from msq_finn.lanes.counts import LaneCounts
from msq_finn.lanes.kind import LaneKind
from msq_finn.lanes.lut import ModuleLut
from msq_finn.lanes.partial import Partial, packed
from msq_finn.lanes.table import kinds

#: Kinds of lanes that a unit has room for, and partial products of a kind.
MAX_GROUPS, MAX_PARTIALS = 16, 4

_EMPTY = (0, Partial(0).packed()[1])


def lanes_parameter(lanes: LaneCounts) -> tuple[int, int]:
    """Return the parameter ``Lanes`` of a unit, and its bits.

    The units know no list of kinds: what a kind is comes with this parameter.

    Args:
        lanes: of the layer, at most MAX_GROUPS kinds.
    """
    groups = [packed([kind_parameter(k), (lanes[k.name], 16)]) for k in lanes.kinds]
    empty = (0, _KIND_BITS + 16)
    return packed(reversed([*groups, *[empty] * (MAX_GROUPS - len(groups))]))


def kind_parameter(kind: LaneKind) -> tuple[int, int]:
    """Return ``lane_kind_t`` of msq_pkg.sv, and its bits.

    Args:
        kind: of lane, with at most MAX_PARTIALS partial products.
    """
    partials = [partial.packed() for partial in kind.partials]
    numbers = (kind.rtl_engine, 2), (kind.module, 8), (kind.code_bits, 4), (kind.chain, 4)
    padded = [*partials, *[_EMPTY] * (MAX_PARTIALS - len(partials))]
    return packed([*numbers, (len(partials), 4), *reversed(padded)])


_KIND_BITS = 22 + MAX_PARTIALS * _EMPTY[1]


def literal(parameter: tuple[int, int]) -> str:
    """Write a parameter down for SystemVerilog.

    Args:
        parameter: its value and its bits.

    >>> literal((255, 12))
    "12'hff"
    """
    value, bits = parameter
    return f"{bits}'h{value:x}"


def sources(serial: bool = False) -> list[Path]:
    """Return the SystemVerilog files of the units, the package that the others import first.

    Args:
        serial: whether the unit of serial lanes is among them.

    >>> sources()[0].name
    'msq_pkg.sv'
    """
    folder = Path(__file__).parents[1] / "rtl"
    package, stand_in = folder / "msq_pkg.sv", folder / "other_products.sv"
    own = [package, *sorted(path for path in folder.glob("*.sv") if path != package)]
    if serial:
        own += sorted((folder / "serial").glob("*.sv"))
    others = [kind for kind in kinds() if isinstance(kind, ModuleLut)]
    if not others:
        return own
    text = _dispatch(others)

    def make(place: Path) -> None:
        (place / stand_in.name).write_text(text)

    made = cache.entry("rtl", cache.key(text), make)
    files = dict.fromkeys(path for kind in others for path in kind.files)
    return [path for path in own if path != stand_in] + [made / stand_in.name, *files]


def _dispatch(others: list[ModuleLut]) -> str:
    """The module that tells other packages' partial products from each other."""
    tops = {kind.module: kind.top for kind in others}
    if len(tops) < len({kind.top for kind in others}):
        raise MsqError("modules of two lane kinds have one number; rename one of their modules")
    cases = "".join(
        f"""\
  if (Kind.products == {number}) begin : gen_{top}
    {top} #(.ActBits(ActBits), .ActSigned(ActSigned), .Width(Width)) u_rows (
      .code_i, .act_i, .rows_o
    );
  end
"""
        for number, top in tops.items()
    )
    return f"""\
module other_products
  import msq_pkg::*;
#(
  parameter lane_kind_t Kind = '0,
  parameter int unsigned ActBits = 4,
  parameter bit ActSigned = 0,
  parameter int unsigned Width = 10,
  parameter fabric_e Fabric = Portable,
  localparam int unsigned Rows = max(int'(Kind.count), 1),
  localparam int unsigned CodeBits = max(int'(Kind.code_bits), 1)
) (
  input  logic [CodeBits-1:0]          code_i,
  input  logic [ActBits-1:0]           act_i,
  output logic [Rows-1:0][Width-1:0]   rows_o
);
{cases}endmodule
"""
