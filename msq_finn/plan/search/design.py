"""What kinds of lanes a design may use: MSQ itself, and what it is compared with."""

from __future__ import annotations

from dataclasses import dataclass, replace

from msq_finn.lanes import LaneKind, get


@dataclass(frozen=True)
class Design:
    """A family of accelerators.

    Attributes:
        name: of the family.
        lanes: names of the kinds of lanes that layers may have; None for all that there are.
        finn: names of the kinds of lanes of FINN's layers, of which a layer may be one.
        sp2_share: share of SP2 lanes that every layer must have, to the next whole lane; None
            leaves it free.
        in_order: rows on LUT lanes are of the first kind in the table of lanes wherever the
            weights allow, which is SP2. Kinds of LUT lanes cost the same within the cost model's
            error, so this costs next to nothing.
        side_by_side: several pixels may go through our layers in a cycle.
        serial_thresholds: thresholds may be compared one after another.
    """

    name: str
    lanes: tuple[str, ...] | None = None
    finn: tuple[str, ...] = ()
    sp2_share: float | None = None
    in_order: bool = False
    side_by_side: bool = True
    serial_thresholds: bool = True

    def has(self, kind: LaneKind) -> bool:
        """Tell whether layers may have lanes of a kind.

        Args:
            kind: of lane.
        """
        return self.lanes is None or kind.name in self.lanes

    @property
    def uneven(self) -> bool:
        """Whether SIMD and PE need not divide, and width converters are ours: not with FINN's."""
        return not self.finn

    @property
    def widens(self) -> bool:
        """Whether several pixels may go through in a cycle: FINN's layers take one."""
        return self.side_by_side and not self.finn

    @property
    def searches(self) -> bool:
        """Whether thresholds may be compared one after another: FINN compares all of a stage."""
        return self.serial_thresholds and not self.finn

    @property
    def mixes(self) -> bool:
        """Whether layers have rows of several schemes, so that where rows lie matters."""
        return self.lanes is None or len({get(name).scheme.name for name in self.lanes}) > 1


def at_ratio(name: str, sp2_per_fixed: float) -> Design:
    """The paper's way: SP2 rows on LUTs, fixed-point rows on DSPs, at one ratio everywhere.

    Args:
        name: of the design.
        sp2_per_fixed: SP2 rows for each fixed-point row.
    """
    return at_share(name, sp2_per_fixed / (1 + sp2_per_fixed))


def at_share(name: str, share: float) -> Design:
    """The same, given the share of SP2 rows.

    Args:
        name: of the design.
        share: of SP2 rows, 0 to 1.
    """
    return Design(name, ("sp2_4_lut", "fixed_4_dsp"), sp2_share=share)


#: Whatever costs least.
MSQ = Design("msq")

#: The paper's arrangement, SP2 on LUTs and fixed point on DSPs, at the ratio that suits a layer.
PLANNED = Design("planned", in_order=True)

#: The same, one pixel a cycle and thresholds in FINN's pipeline: for foldings that are edited by
#: hand, node by node.
EDITED = replace(PLANNED, side_by_side=False, serial_thresholds=False)

DESIGNS = {
    design.name: design
    for design in (
        Design("dsp_only", (), finn=("finn_dsp",)),
        Design("dsp_plus_fixed_lut", ("fixed_4_lut",), finn=("finn_dsp",)),
        MSQ,
        Design("msq_1_0", ("fixed_4_dsp",)),
        at_ratio("msq_1_1", 1.0),
        at_ratio("msq_1_1.5", 1.5),
        at_ratio("msq_1_2", 2.0),
    )
}
