"""What a layer's lanes and their weights cost."""

from __future__ import annotations

import math
from functools import cache

from msq_finn.lanes import DENSE, FINN, LaneCounts, LaneKind, Shape, dsp, get, kinds
from msq_finn.lanes.divisors import folds, padded
from msq_finn.ops.recurrent.gated_cells import UNIT_DSPS
from msq_finn.plan.cost.cost_model import Cost, CostModel, add
from msq_finn.plan.cost.lane_features import frame, group_of, offsets, packs
from msq_finn.plan.cost.memories import registered_ram
from msq_finn.plan.cost.point_kinds import Memstream, WeightRom
from msq_finn.plan.frontend.network import Layer, Recurrence

#: What a recurrent layer has beside its lanes and their weights, and what every unit takes that
#: leaves them at a time: scales, tables and products. Of 8 bits, the most; from Yosys runs with one
#: and with two units (PE 4 and 8) of 16 states. A layer of 32 states takes 5 % more LUTs than this
#: says, one of 8 states 15 % less.
RECURRENT = Cost(lut=230, lutram=24, ff=160)
RECURRENT_UNIT = Cost(lut=348, dsp=UNIT_DSPS, lutram=16, ff=340)

#: What takes steps of several sequences in turn, beside the memories of these and two words.
TURNS = Cost(lut=85, ff=70)

#: The register of a length that is written at run time, and what tells padding by it; from Yosys
#: runs of LSTM layers of 16 states, which took 32 to 63 LUTs and 85 to 101 flip-flops more.
LENGTH = Cost(lut=45, ff=95)

#: Elements that lanes take a cycle where kinds of them are compared.
COMPARED_SIMD = 8

#: Style of the weight memory of lanes that hold their weights.
EMBEDDED = "embedded"


class LaneCosts:
    """Costs of the lanes of one layer.

    Args:
        model: costs.
        layer: whose lanes they are.
    """

    def __init__(self, model: CostModel, layer: Layer) -> None:
        self.model = model
        self.layer = layer
        self._sized = cache(self.shape)
        self._lanes_of_pack = cache(self._pack_size)
        self._of_pack = cache(self._pack_cost)
        self._cost = cache(model.cost)
        self._block = dsp.get(model.dsp_block)

    def shape(self, simd: int, pe: int) -> Shape:
        """What the size of a lane depends on.

        Args:
            simd: elements that a lane takes a cycle.
            pe: lanes.
        """
        la = self.layer
        # Inside, a depthwise unit's accumulators hold at least one product.
        acc = max(la.acc_bits, la.act_bits + 4) if la.depthwise else la.acc_bits
        mw, folds = padded(la.mw, simd), la.folds(simd, pe)
        return Shape(mw, simd, folds, la.act_bits, la.act_signed, acc, self._block)

    def pack(self, kind: LaneKind) -> int:
        """Lanes of a kind that share DSP slices."""
        return kind.pack(self.shape(1, 1))

    def beats(self, one: LaneKind, other: LaneKind) -> bool:
        """Tell whether DSP lanes leave no use for others of their scheme, however many there are.

        They take fewer LUTs, and a slice of them saves as many against LUT lanes: as many slices
        of the others leave more LUTs to be used. Of few and of many elements lanes compare alike.

        Args:
            other: that may have to go.
        """
        luts = (k for k in kinds(DENSE) if k.engine == "lut" and not k.constant)
        instead = [kind for kind in luts if kind.scheme == one.scheme]
        if one is other or not instead:
            return False
        simd = min(COMPARED_SIMD, self.layer.mw)
        most = min(self._of_pack(kind.name, 1, simd, 1).lut for kind in instead)
        (takes, saves), (takes_other, saves_other) = (
            self._saved(kind, simd, most) for kind in (one, other)
        )
        return takes < takes_other and saves >= saves_other

    def _saved(self, kind: LaneKind, simd: int, most: float) -> tuple[float, float]:
        """LUTs of a lane on DSP slices, and of what one of LUTs takes, those that a slice saves."""
        pack = self._lanes_of_pack(kind.name, simd, 1)
        whole = self._of_pack(kind.name, pack, simd, 1)
        luts = whole.lut / pack
        return luts, (most - luts) * pack / whole.dsp

    def compute(self, simd: int, lanes: LaneCounts) -> Cost:
        """The lanes and what they share.

        Args:
            simd: elements that a lane takes a cycle.
            lanes: lanes of each kind.
        """
        depthwise, pe = self.layer.depthwise, lanes.pe
        shape, main = self._sized(simd, pe), group_of(lanes.kinds[0], depthwise)
        costs = [self.model.sites(main, frame(lanes, shape, depthwise))]
        for name, count in lanes.items():
            for number, size in packs(count, self._lanes_of_pack(name, simd, pe)):
                costs.append(self._of_pack(name, size, simd, pe).times(number))
        if self._adds_offsets(lanes):
            added = offsets(lanes.pe, self.layer.acc_bits, folds(self.layer.mh, lanes.pe))
            costs.append(self.model.sites("msq", added))
        total = add(costs)
        if (own := self.layer.recurrence) is None:
            return total
        units = lanes.pe * own.states // self.layer.mh
        places = self._places(simd, lanes.pe, own)
        return add((total, RECURRENT, RECURRENT_UNIT.times(units), *places))

    def _places(self, simd: int, pe: int, own: Recurrence) -> list[Cost]:
        """What takes turns, and memories of inputs and results of the sequences under way."""
        la, turns = self.layer, self.layer.turns(simd, pe)
        if (places := turns.places) == 1:
            return []
        costs = [TURNS._replace(ff=TURNS.ff + 2 * simd * la.act_bits)]
        held = places * la.vectors
        for elements, words in ((simd, turns.inputs), (pe // la.unit_rows, turns.results)):
            if words:
                sites, blocks = registered_ram(elements * la.act_bits, held * words)
                costs.append(Cost(lut=sites, lutram=sites, bram=blocks))
        return costs

    def memory(self, simd: int, lanes: LaneCounts, style: str, written: bool = False) -> Cost:
        """Weight memory; lanes that hold their weights take none.

        Args:
            simd: elements that a lane takes a cycle.
            lanes: lanes of each kind.
            written: whether weights are written at run time, for which FINN's memory stays.
        """
        if style == EMBEDDED:
            return Cost()
        is_finns = written or any(FINN in get(name).units for name in lanes)
        width, depth = self.word_bits(simd, lanes), self.layer.folds(simd, lanes.pe)
        if is_finns:
            return self._cost(Memstream(8 * math.ceil(width / 8), depth, style))
        return self._cost(WeightRom(width, depth, style))  # of bits that pad it, nothing is built

    def word_bits(self, simd: int, lanes: LaneCounts) -> int:
        """Bits of a word of codes; in a depthwise unit all are as wide as the widest.

        Args:
            simd: elements that a lane takes a cycle.
            lanes: lanes of each kind.
        """
        if self.layer.depthwise:
            return simd * lanes.pe * lanes.widest_code
        return simd * lanes.column_bits

    def _adds_offsets(self, lanes: LaneCounts) -> bool:
        """Where thresholds follow, they take the LUT lanes' constants."""
        return self.layer.steps == 0 and lanes.of_engine("lut") > 0

    def _pack_size(self, name: str, simd: int, pe: int) -> int:
        return get(name).pack(self._sized(simd, pe))

    def _pack_cost(self, name: str, lanes: int, simd: int, pe: int) -> Cost:
        """So many lanes of a kind on the same slices."""
        kind, shape = get(name), self._sized(simd, pe)
        group = group_of(kind, self.layer.depthwise)
        sites = self.model.sites(group, kind.features(lanes, shape))
        return sites._replace(dsp=kind.slices(lanes, shape))
