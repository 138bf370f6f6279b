"""Choose SIMD and the lanes of every MVAU_MSQ for a cycle target."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp
from qonnx.transformation.base import Transformation

from msq_finn.errors import MsqError


@dataclass(frozen=True)
class Folding:
    """One legal folding of a layer: PE = ``pe_sp2`` + ``pe_fixed``."""

    simd: int
    pe_sp2: int
    pe_fixed: int

    @property
    def lanes(self) -> int:
        """Multiplications in a cycle."""
        return self.simd * (self.pe_sp2 + self.pe_fixed)


def divisors(number: int) -> list[int]:
    """Divisors of ``number``, ascending."""
    return [d for d in range(1, number + 1) if number % d == 0]


def foldings(mw: int, rows: list[tuple[str, ...]]) -> Iterator[Folding]:
    """Every legal folding of a layer with MW columns and these rows.

    Each lane holds NF = MH/PE rows of its own scheme, so the rows of each scheme must fill whole
    lanes. Rows that both schemes hold go where they are needed, and else to fixed point, whose DSP
    lanes need no LUTs for their products.
    """
    must_sp2 = sum(names == ("sp2_4",) for names in rows)
    may_sp2 = sum("sp2_4" in names for names in rows)
    for pe in divisors(len(rows)):
        nf = len(rows) // pe
        pe_sp2 = -(-must_sp2 // nf)
        if pe_sp2 * nf > may_sp2:
            continue
        for simd in divisors(mw):
            yield Folding(simd, pe_sp2, pe - pe_sp2)


class SetLanes(Transformation):
    """Give every MVAU_MSQ the fewest multipliers that meet a cycle target.

    Args:
        target_cycles: cycles per frame that each layer may take.
    """

    def __init__(self, target_cycles: int) -> None:
        super().__init__()
        self.target_cycles = target_cycles

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        """Set SIMD, PE, laneKinds and lanePE."""
        for node in model.graph.node:
            if node.op_type.startswith("MVAU_MSQ"):
                self._fold(getCustomOp(node))
        return model, False

    def _fold(self, op: Any) -> None:
        mw, mh = op.get_nodeattr("MW"), op.get_nodeattr("MH")
        frames = op.get_exp_cycles() * op.get_nodeattr("PE") * op.get_nodeattr("SIMD") // (mw * mh)
        options = list(foldings(mw, op.row_schemes()))
        fast = [f for f in options if frames * mw * mh // f.lanes <= self.target_cycles]
        if not options:
            raise MsqError(
                f"{op.onnx_node.name}: its {mh} rows cannot be shared out over lanes; give each "
                "scheme a number of rows that is a multiple of MH/PE for some PE that divides MH"
            )
        # Wide SIMD with few lanes: an accumulator and an output word are paid per lane.
        best = (
            min(fast, key=lambda f: (f.lanes, f.pe_sp2 + f.pe_fixed))
            if fast
            else max(options, key=lambda f: f.lanes)
        )
        set_folding(op, best)


def set_folding(op: Any, folding: Folding) -> None:
    """Write a folding into a node's attributes."""
    op.set_nodeattr("SIMD", folding.simd)
    op.set_nodeattr("PE", folding.pe_sp2 + folding.pe_fixed)
    op.set_nodeattr("laneKinds", ["sp2_4_lut", "fixed_4_dsp"])
    op.set_nodeattr("lanePE", [folding.pe_sp2, folding.pe_fixed])
