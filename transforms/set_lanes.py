"""Choose SIMD and the lanes of every MVAU_MSQ for a cycle target."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

from finn.util.basic import get_dsp_block
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp
from qonnx.transformation.base import Transformation

from msq_finn.errors import MsqError
from msq_finn.ops import estimate
from msq_finn.ops.layout import LaneLayout
from msq_finn.rtl import dsp
from msq_finn.rtl.embedded import MAX_FOLDS
from msq_finn.rtl.lanes import get
from msq_finn.rtl.lanes import names as lane_names
from msq_finn.transforms.channel_spaces import channel_spaces

#: Lane kinds that every folding counts.
LANE_KINDS = ["sp2_4_lut", "fixed_4_lut", "fixed_4_dsp", "embedded_lut"]


@dataclass(frozen=True)
class Folding:
    """One legal folding of a layer; PE is the sum of its lanes.

    Attributes:
        simd: columns at a time.
        pe_sp2_lut: SP2(4) rows at a time on LUT lanes.
        pe_fixed_lut: Fixed(4) rows at a time on LUT lanes.
        pe_fixed_dsp: Fixed(4) rows at a time on DSP lanes.
        pe_embedded: rows at a time on lanes that hold their weights.
        others: further kinds of lanes, with how many there are of each.
    """

    simd: int
    pe_sp2_lut: int
    pe_fixed_lut: int
    pe_fixed_dsp: int
    pe_embedded: int = 0
    others: tuple[tuple[str, int], ...] = ()

    @property
    def lanes(self) -> dict[str, int]:
        """Lanes by kind, in the order of the hardware."""
        own = (self.pe_sp2_lut, self.pe_fixed_lut, self.pe_fixed_dsp, self.pe_embedded)
        found = dict(zip(LANE_KINDS, own, strict=True)) | dict(self.others)
        return {name: found[name] for name in lane_names() if name in found}

    @property
    def counts(self) -> list[int]:
        """Lanes of each kind, in the order of the hardware."""
        return list(self.lanes.values())

    @property
    def layout(self) -> LaneLayout:
        """The lanes, in the order of the hardware."""
        return LaneLayout.from_names(list(self.lanes), self.counts)

    @property
    def multipliers(self) -> int:
        """Multiplications in a cycle."""
        return self.simd * sum(self.counts)

    def lut_sites(self, mw: int, mh: int) -> int:
        """Estimated LUT sites.

        Args:
            mw: the layer's columns: weights of a row.
            mh: the layer's rows.
        """
        return estimate.lut_sites(self.layout, self.simd, mw * mh // self.multipliers)


def divisors(number: int) -> list[int]:
    """Divisors, ascending.

    Args:
        number: a positive integer.
    """
    return [d for d in range(1, number + 1) if number % d == 0]


def foldings(mw: int, rows: list[tuple[str, ...]], packing: int) -> Iterator[Folding]:
    """Every sensible folding of a layer with MW columns and these rows.

    Each lane holds NF = MH/PE rows of its own scheme, so the rows of each scheme must fill whole
    lanes. Rows that both schemes hold become SP2 only where that fills a lane. Fixed-point lanes
    are DSP lanes in full packs, whose slices are then used up, and LUT lanes beyond; or LUT lanes
    alone. Where a vector takes few cycles, all LUT lanes may hold their weights instead, of
    whatever scheme. Rows of other schemes have lanes of their own, fixed-point ones in LUTs or in
    DSPs.

    Args:
        mw: columns.
        rows: per row the schemes that hold it.
        packing: lanes that share a DSP slice.
    """
    must_sp2 = sum(names == ("sp2_4",) for names in rows)
    may_sp2 = sum("sp2_4" in names for names in rows)
    wide = [names for names in rows if not {"sp2_4", "fixed_4"} & set(names)]
    # Lanes of the wide rows: in LUTs, and in DSPs where these have some.
    choices = {
        tuple(Counter(_own_lane(names, engine) for names in wide).items())
        for engine in ("lut", "dsp")
    }
    embeds = all(get("embedded_lut").takes(names) for names in rows)
    for pe in divisors(len(rows)):
        nf = len(rows) // pe
        sp2 = -(-must_sp2 // nf)
        if sp2 * nf > may_sp2 or len(wide) % nf:
            continue
        fixed = pe - sp2 - len(wide) // nf
        for dsps, simd in product({0, fixed - fixed % packing}, divisors(mw)):
            for rows_of in choices:
                if not any(count % nf for _, count in rows_of):
                    others = tuple((name, count // nf) for name, count in rows_of)
                    yield Folding(simd, sp2, fixed - dsps, dsps, 0, others)
            if embeds and dsps < pe and nf * mw // simd <= MAX_FOLDS:
                yield Folding(simd, 0, 0, dsps, pe - dsps)


def _own_lane(names: tuple[str, ...], engine: str) -> str:
    """The kind of lane for rows of these schemes: of the first on that engine, or in LUTs.

    Powers of two stay in LUTs, though wide fixed-point lanes would take them: their codes are
    narrower.
    """
    kinds = (f"{names[0]}_{engine}", *(f"{name}_lut" for name in names))
    return next(kind for kind in kinds if kind in lane_names())


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
        self.dsp_block = dsp.get(get_dsp_block(fpgapart))
        self.dsps_left = dsp_budget

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        """Set SIMD, PE, laneKinds and lanePE; layers whose outputs are added get equal lanes."""
        for space in channel_spaces(model):
            ops = [getCustomOp(n) for n in space.producers if n.op_type.startswith("MVAU_MSQ")]
            if ops:
                self._fold(ops)
        return model, False

    def _fold(self, ops: list[Any]) -> None:
        """Fold layers that share the order of their rows."""
        layers = " and ".join(op.onnx_node.name for op in ops)
        rows = common_rows([op.row_schemes() for op in ops], layers)
        # Per choice of lanes, the best SIMD of each layer.
        choices: dict[tuple[int, ...], list[tuple[Folding, bool]]] = {}
        for op in ops:
            for lanes, best in self._best_by_lanes(op, rows).items():
                choices.setdefault(lanes, []).append(best)
        complete = [c for c in choices.values() if len(c) == len(ops)]
        if not complete:
            raise MsqError(
                f"{layers}: the {len(rows)} rows cannot be shared out over lanes; give each scheme "
                "a number of rows that is a multiple of MH/PE for some PE that divides MH"
            )
        sizes = [_size(op) for op in ops]
        chosen = min(complete, key=lambda choice: _preference(sizes, choice))
        for op, (folding, _) in zip(ops, chosen, strict=True):
            self.dsps_left -= self._dsps(op, folding)
            set_folding(op, folding)

    def _best_by_lanes(
        self, op: Any, rows: list[tuple[str, ...]]
    ) -> dict[tuple[int, ...], tuple[Folding, bool]]:
        """Per choice of lanes, the smallest folding that meets the target, and whether it does."""
        mw, mh = size = _size(op)
        vectors = op.get_exp_cycles() * op.get_nodeattr("PE") * op.get_nodeattr("SIMD") // (mw * mh)
        best: dict[tuple[int, ...], tuple[Folding, bool]] = {}
        for folding in foldings(mw, rows, self._packing(op)):
            if self._dsps(op, folding) > self.dsps_left:
                continue
            meets = vectors * mw * mh // folding.multipliers <= self.target_cycles
            lanes = tuple(folding.counts)
            found = [best[lanes]] if lanes in best else []
            best[lanes] = min([*found, (folding, meets)], key=lambda o: _preference([size], [o]))
        return best

    def _packing(self, op: Any) -> int:
        acts = op.get_input_datatype(0)
        return self.dsp_block.lanes(4, acts.bitwidth(), acts.signed())

    def _dsps(self, op: Any, folding: Folding) -> int:
        acts = op.get_input_datatype(0)
        return estimate.dsps(
            folding.layout, folding.simd, self.dsp_block, acts.bitwidth(), acts.signed()
        )


def _size(op: Any) -> tuple[int, int]:
    return op.get_nodeattr("MW"), op.get_nodeattr("MH")


def _preference(
    sizes: list[tuple[int, int]], choice: list[tuple[Folding, bool]]
) -> tuple[float, ...]:
    """Sort key: those that meet the target first, by LUT sites; else the fastest.

    The layers' sizes are MW and MH.
    """
    sites = sum(folding.lut_sites(*size) for size, (folding, _) in zip(sizes, choice, strict=True))
    if all(meets for _, meets in choice):
        return 0, sites, sum(folding.pe_fixed_dsp * folding.simd for folding, _ in choice)
    return 1, -min(folding.multipliers for folding, _ in choice), sites


def common_rows(layers: list[list[tuple[str, ...]]], names: str) -> list[tuple[str, ...]]:
    """Per row, the schemes that hold it in every layer.

    Args:
        layers: of layers whose outputs are added, per row the schemes that hold it.
        names: what an error calls these layers.

    Raises:
        MsqError: a row that no scheme holds in all of them.

    >>> common_rows([[("a", "b"), ("a",)], [("b",), ("a", "b")]], "conv1 and conv2")
    [('b',), ('a',)]
    """
    common = []
    for row, held in enumerate(zip(*layers, strict=True)):
        schemes = tuple(name for name in held[0] if all(name in other for other in held))
        if not schemes:
            raise MsqError(
                f"{names}: their outputs are added, but row {row} has another scheme in each; "
                "give these layers one assignment of rows"
            )
        common.append(schemes)
    return common


def set_folding(op: Any, folding: Folding) -> None:
    """Write a folding into a node's attributes.

    Args:
        op: an MVAU_MSQ.
        folding: what SIMD, PE, laneKinds, lanePE and mem_mode become.
    """
    op.set_nodeattr("SIMD", folding.simd)
    op.set_nodeattr("PE", sum(folding.counts))
    op.set_nodeattr("laneKinds", list(folding.lanes))
    op.set_nodeattr("lanePE", folding.counts)
    embedded = folding.pe_embedded == sum(folding.counts)
    op.set_nodeattr("mem_mode", "internal_embedded" if embedded else "internal_decoupled")
