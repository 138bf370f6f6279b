"""Choose SIMD and the lanes of every MVAU_MSQ for a cycle target."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from finn.util.basic import get_dsp_block
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp
from qonnx.transformation.base import Transformation

from msq_finn.errors import MsqError
from msq_finn.ops import estimate
from msq_finn.ops.layout import LaneLayout

#: Lane kinds in the order of the hardware's lane groups.
LANE_KINDS = ["sp2_4_lut", "fixed_4_lut", "fixed_4_dsp"]


@dataclass(frozen=True)
class Folding:
    """One legal folding of a layer; PE is the sum of its lanes."""

    simd: int
    pe_sp2_lut: int
    pe_fixed_lut: int
    pe_fixed_dsp: int

    @property
    def counts(self) -> list[int]:
        """Lanes of each kind, in the order of LANE_KINDS."""
        return [self.pe_sp2_lut, self.pe_fixed_lut, self.pe_fixed_dsp]

    @property
    def multipliers(self) -> int:
        """Multiplications in a cycle."""
        return self.simd * sum(self.counts)

    @property
    def lut_sites(self) -> int:
        """Estimated LUT sites."""
        return estimate.lut_sites(LaneLayout.from_names(LANE_KINDS, self.counts), self.simd)


def divisors(number: int) -> list[int]:
    """Divisors of ``number``, ascending."""
    return [d for d in range(1, number + 1) if number % d == 0]


def foldings(mw: int, rows: list[tuple[str, ...]], packing: int) -> Iterator[Folding]:
    """Every sensible folding of a layer with MW columns and these rows.

    Each lane holds NF = MH/PE rows of its own scheme, so the rows of each scheme must fill whole
    lanes. Rows that both schemes hold become SP2 only where that fills a lane. Fixed-point lanes
    are DSP lanes in full packs, whose slices are then used up, and LUT lanes beyond; or LUT lanes
    alone.

    Args:
        mw: columns.
        rows: per row the schemes that hold it.
        packing: lanes that share a DSP slice.
    """
    must_sp2 = sum(names == ("sp2_4",) for names in rows)
    may_sp2 = sum("sp2_4" in names for names in rows)
    for pe in divisors(len(rows)):
        nf = len(rows) // pe
        sp2 = -(-must_sp2 // nf)
        if sp2 * nf > may_sp2:
            continue
        fixed = pe - sp2
        for dsp in {0, fixed - fixed % packing}:
            for simd in divisors(mw):
                yield Folding(simd, sp2, fixed - dsp, dsp)


class SetLanes(Transformation):
    """Give every MVAU_MSQ the fewest LUTs that meet a cycle target, with the DSPs there are.

    Args:
        target_cycles: cycles per frame that each layer may take.
        fpgapart: the FPGA, for its kind of DSP slice.
        dsp_budget: DSP slices that all layers together may take.
    """

    def __init__(self, target_cycles: int, fpgapart: str, dsp_budget: int) -> None:
        super().__init__()
        self.target_cycles = target_cycles
        self.dsp_block = get_dsp_block(fpgapart)
        self.dsps_left = dsp_budget

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        """Set SIMD, PE, laneKinds and lanePE, layer by layer."""
        for node in model.graph.node:
            if node.op_type.startswith("MVAU_MSQ"):
                self._fold(getCustomOp(node))
        return model, False

    def _fold(self, op: Any) -> None:
        mw, mh = op.get_nodeattr("MW"), op.get_nodeattr("MH")
        acts = op.get_input_datatype(0)
        packing = estimate.lanes_per_dsp(self.dsp_block, acts.bitwidth(), acts.signed())
        vectors = op.get_exp_cycles() * op.get_nodeattr("PE") * op.get_nodeattr("SIMD") // (mw * mh)
        options = [
            f
            for f in foldings(mw, op.row_schemes(), packing)
            if f.pe_fixed_dsp // packing * f.simd <= self.dsps_left
        ]
        if not options:
            raise MsqError(
                f"{op.onnx_node.name}: its {mh} rows cannot be shared out over lanes; give each "
                "scheme a number of rows that is a multiple of MH/PE for some PE that divides MH"
            )
        fast = [f for f in options if vectors * mw * mh // f.multipliers <= self.target_cycles]
        best = (
            min(fast, key=lambda f: (f.lut_sites, f.pe_fixed_dsp * f.simd))
            if fast
            else max(options, key=lambda f: (f.multipliers, -f.lut_sites))
        )
        self.dsps_left -= best.pe_fixed_dsp // packing * best.simd
        set_folding(op, best)


def set_folding(op: Any, folding: Folding) -> None:
    """Write a folding into a node's attributes."""
    op.set_nodeattr("SIMD", folding.simd)
    op.set_nodeattr("PE", sum(folding.counts))
    op.set_nodeattr("laneKinds", LANE_KINDS)
    op.set_nodeattr("lanePE", folding.counts)
