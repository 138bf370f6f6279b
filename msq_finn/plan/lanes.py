"""Ways to share a layer's rows out over lanes, and what its lanes and weights cost."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from msq_finn.plan.cost import Cost, CostModel, add
from msq_finn.plan.design import Design
from msq_finn.plan.lane_features import (
    dsp_pack,
    embedded_frame,
    embedded_lane,
    lut_lane,
    msq_frame,
    packs,
)
from msq_finn.plan.memories import rom_sites
from msq_finn.plan.network import Layer
from msq_finn.plan.points import Memory, Msq, Mvu
from msq_finn.rtl.lanes import lanes_per_dsp

#: How far a layer's share of SP2 lanes may be from a design's.
RATIO_ERROR = 0.125


#: Style of the weight memory of embedded lanes.
EMBEDDED = "embedded"

#: Numbers of DSP packs that are tried for one PE.
MAX_SPLITS = 32


class Lanes(NamedTuple):
    """Lanes (PE) of each kind; ``finn`` are those of FINN's DSP layer.

    Embedded lanes take rows of any scheme; a layer has no others beside them.
    """

    sp2_lut: int = 0
    fixed_lut: int = 0
    fixed_dsp: int = 0
    finn: int = 0
    embedded: int = 0

    @property
    def pe(self) -> int:
        """Lanes of all kinds."""
        return sum(self)


def divisors(number: int) -> list[int]:
    """Divisors, ascending.

    Args:
        number: a positive integer.

    >>> divisors(12)
    [1, 2, 3, 4, 6, 12]
    """
    return [d for d in range(1, number + 1) if number % d == 0]


def sp2_lanes(layer: Layer, design: Design, pe: int) -> list[int]:
    """Numbers of SP2 lanes that the layer's rows allow, ascending.

    Rows of a scheme fill whole lanes, MH/PE rows each. A design's share of SP2 lanes is met to the
    nearest whole lane, and no number of lanes is taken that misses it by more than RATIO_ERROR.

    Args:
        layer: whose rows they compute.
        design: kinds of lanes to use.
        pe: lanes.
    """
    rows, depth = layer.allowed, layer.mh // pe
    lowest = math.ceil(rows.only_sp2 / depth)
    highest = (rows.only_sp2 + rows.either) // depth
    if not design.sp2_lut:
        highest = min(highest, 0)
    if not (design.fixed_lut or design.fixed_dsp):
        lowest = max(lowest, pe)
    if layer.ordered:
        return [count for count in dict.fromkeys((0, pe)) if lowest <= count <= highest]
    if design.sp2_share is not None:
        nearest = math.floor(design.sp2_share * pe + 0.5)
        if abs(nearest / pe - design.sp2_share) > RATIO_ERROR:
            return []
        lowest, highest = max(lowest, nearest), min(highest, nearest)
    return list(range(lowest, min(highest, pe) + 1))


def splits(layer: Layer, design: Design, pe: int, pack: int) -> Iterator[Lanes]:
    """Every sensible choice of ``pe`` lanes.

    DSP lanes come in full packs, whose slices are then used up, or they take all fixed-point lanes.
    Of LUT lanes, only the ends of what the rows allow: costs are linear in between.

    Args:
        layer: whose rows they compute.
        design: kinds of lanes to use.
        pe: lanes.
        pack: lanes that share DSP slices.
    """
    found: set[Lanes] = set()
    sp2 = sp2_lanes(layer, design, pe)
    numbers = [0]
    if design.fixed_dsp:
        # A large layer's packs come in steps of several: finer ones change next to nothing.
        step = max(1, math.ceil(pe // pack / MAX_SPLITS)) * pack
        numbers += range(step, pe + 1, step)
        found |= {Lanes(count, 0, pe - count) for count in (*sp2[:1], *sp2[-1:])}
    for dsp in numbers:
        fitting = [count for count in sp2 if count <= pe - dsp]
        for count in fitting[-1:] if design.sp2_first else (*fitting[:1], *fitting[-1:]):
            rest = pe - dsp - count
            if design.fixed_lut or not rest:
                found.add(Lanes(count, rest, dsp))
    if design.finn_dsp and not layer.allowed.only_sp2:
        found.add(Lanes(finn=pe))
    yield from sorted(found)


class LaneCosts:
    """Costs of the lanes of one layer.

    Args:
        model: costs.
        layer: whose lanes they are.
    """

    def __init__(self, model: CostModel, layer: Layer) -> None:
        self.model = model
        self.layer = layer
        self.pack = lanes_per_dsp(model.dsp_block, layer.act_bits, layer.act_signed)
        self._unit = cache(self._lane_sites)
        self._cost = cache(model.cost)

    def _lane_sites(self, kind: str, simd: int, lanes: int) -> Cost:
        layer = self.layer
        if kind == "dsp":
            part = dsp_pack(lanes, simd, layer.act_bits, layer.act_signed, layer.acc_bits)
        else:
            part = lut_lane(kind == "fixed", layer.mw, simd, layer.act_bits, layer.acc_bits)
        return self.model.sites("msq", part)

    def compute(self, simd: int, lanes: Lanes) -> Cost:
        """The lanes and what they share.

        Args:
            simd: elements that a lane takes a cycle.
            lanes: lanes of each kind.
        """
        layer = self.layer
        act, signed, acc = layer.act_bits, layer.act_signed, layer.acc_bits
        if lanes.finn:
            return self.model.cost(Mvu(layer.mw, layer.mh, simd, lanes.finn, act, signed, acc))
        if lanes.embedded:
            return self._embedded(simd, lanes.embedded)
        # Where thresholds follow, they take the LUT lanes' constants.
        offset = layer.steps == 0 and lanes.sp2_lut + lanes.fixed_lut > 0
        point = Msq(layer.mw, layer.mh, simd, *lanes[:3], act, signed, acc, offset)
        costs = [self.model.sites("msq", msq_frame(point))]
        if lanes.sp2_lut:
            costs.append(self._unit("sp2", simd, 1).times(lanes.sp2_lut))
        if lanes.fixed_lut:
            costs.append(self._unit("fixed", simd, 1).times(lanes.fixed_lut))
        parts = packs(lanes.fixed_dsp, self.pack)
        if parts:
            costs.append(self._unit("dsp", simd, self.pack).times(len(parts) - 1))
            costs.append(self._unit("dsp", simd, parts[-1]))
        return add(costs)._replace(dsp=len(parts) * simd)

    def _embedded(self, simd: int, pe: int) -> Cost:
        layer = self.layer
        folds = layer.mw * layer.mh // (simd * pe)
        lane = embedded_lane(folds, layer.mw, simd, layer.act_bits, layer.acc_bits)
        frame = embedded_frame(folds, layer.mw, simd, layer.act_bits)
        costs = [
            self.model.sites("embedded", lane).times(pe),
            self.model.sites("embedded", frame),
        ]
        if layer.steps == 0:
            bits = pe * layer.acc_bits
            memory = bits * rom_sites(layer.mh // pe)
            offsets = {"offset bits": float(bits), "offset memory": memory}
            costs.append(self.model.sites("msq", offsets))
        return add(costs)

    def memory(self, simd: int, pe: int, style: str, code_bits: int = 4) -> Cost:
        """Weight memory; embedded weights take none.

        Args:
            simd: elements that a lane takes a cycle.
            pe: lanes.
            style: of the memory.
            code_bits: bits of a weight.
        """
        if style == EMBEDDED:
            return Cost()
        depth = self.layer.mw * self.layer.mh // (simd * pe)
        return self._cost(Memory(8 * math.ceil(simd * pe * code_bits / 8), depth, style))
