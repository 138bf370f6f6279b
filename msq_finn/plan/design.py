"""What kinds of lanes a design may use: MSQ itself, and what it is compared with."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Design:
    """A family of accelerators.

    Attributes:
        name: of the family.
        finn_dsp: layers may be FINN's DSP layers.
        sp2_lut: layers may have SP2(4) LUT lanes; likewise the next two.
        fixed_lut: Fixed(4) LUT lanes.
        fixed_dsp: Fixed(4) DSP lanes.
        embedded: lanes that hold their weights, where a vector takes few cycles.
        sp2_share: share of SP2 lanes that every layer must have, to the next whole lane; None
            leaves it free.
        sp2_first: rows on LUT lanes are SP2 wherever the weights allow. Both kinds of LUT lanes
            cost the same within the cost model's error, so this costs next to nothing.
    """

    name: str
    finn_dsp: bool = False
    sp2_lut: bool = False
    fixed_lut: bool = False
    fixed_dsp: bool = False
    embedded: bool = False
    sp2_share: float | None = None
    sp2_first: bool = False

    @property
    def mixes(self) -> bool:
        """Whether layers have rows of both schemes, so that where rows lie matters."""
        return self.sp2_lut and (self.fixed_lut or self.fixed_dsp)


def at_ratio(name: str, sp2_per_fixed: float) -> Design:
    """The paper's way: SP2 rows on LUTs, fixed-point rows on DSPs, at one ratio everywhere.

    Args:
        name: of the design.
        sp2_per_fixed: SP2 rows for each fixed-point row.
    """
    share = sp2_per_fixed / (1 + sp2_per_fixed)
    return Design(name, sp2_lut=True, fixed_dsp=True, sp2_share=share)


#: Whatever costs least.
MSQ = Design("msq", sp2_lut=True, fixed_lut=True, fixed_dsp=True, embedded=True)

#: The paper's arrangement, SP2 on LUTs and fixed point on DSPs, at the ratio that suits a layer.
PLANNED = Design(
    "planned", sp2_lut=True, fixed_lut=True, fixed_dsp=True, embedded=True, sp2_first=True
)

DESIGNS = {
    design.name: design
    for design in (
        Design("dsp_only", finn_dsp=True),
        Design("dsp_plus_fixed_lut", finn_dsp=True, fixed_lut=True),
        MSQ,
        Design("msq_1_0", fixed_dsp=True),
        at_ratio("msq_1_1", 1.0),
        at_ratio("msq_1_1.5", 1.5),
        at_ratio("msq_1_2", 2.0),
    )
}
