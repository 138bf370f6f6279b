"""Ways to share a layer's rows out over kinds of lanes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain, combinations, permutations, product

from msq_finn.lanes import DENSE, DEPTHWISE, FINN, LaneCounts, LaneKind, kinds
from msq_finn.lanes.demand import Demand
from msq_finn.lanes.divisors import padded
from msq_finn.plan.frontend.network import Layer
from msq_finn.plan.search.design import Design

#: How far a layer's share of SP2 lanes may be from a design's.
RATIO_ERROR = 0.125

#: Numbers of DSP packs that are tried for one PE; a quarter of them where rows are padded.
MAX_SPLITS = 32

#: Lanes of a kind that share DSP slices; whether a kind of DSP lanes leaves no use for another.
Pack = Callable[[LaneKind], int]
Beats = Callable[[LaneKind, LaneKind], bool]


def splits(
    layer: Layer, design: Design, simd: int, pe: int, pack: Pack, beats: Beats
) -> list[LaneCounts]:
    """List the sensible choices of ``pe`` lanes that take codes.

    Args:
        layer: whose rows they compute.
        design: kinds of lanes to use.
        simd: elements that a lane takes a cycle.
        pe: lanes.
        pack: lanes of a kind that share DSP slices.
        beats: whether one kind of DSP lanes leaves no use for another of its scheme.
    """
    if layer.recurrence:
        return _units(layer, design, simd, pe, pack, beats)
    if layer.depthwise:
        return _channels(layer, design, simd, pe, pack)
    found: set[LaneCounts] = set()
    missing = padded(layer.mh, pe) - layer.mh
    tried = MAX_SPLITS // 4 if missing else MAX_SPLITS
    for number, rows in enumerate(_orders_of_rows(layer)):
        # Padding is a row for any lane; that it is on the last ones is looked at below.
        demand = rows.padded(missing)
        share = None if layer.ordered else design.sp2_share
        found.update(
            lanes
            for lanes in _rows(demand, design, pe, pack, beats, share, tried)
            if not (design.in_order and number) or lanes.of_engine("dsp")
        )
    if layer.demand.taken_by(kinds(FINN)) == layer.mh:
        found.update(LaneCounts({name: pe}) for name in design.finn)
    fitting = (lanes for lanes in found if not missing or layer.demand.fits(lanes))
    return sorted(fitting, key=_in_order)


def constants(layer: Layer, design: Design, serial: bool) -> LaneKind | None:
    """Lanes that hold their weights, where such lanes take all rows; a layer has no others beside.

    Args:
        layer: whose rows they compute.
        design: kinds of lanes to use.
        serial: whether they take a bit plane of the activations a cycle.
    """
    if layer.recurrence:
        return None
    unit = DEPTHWISE if layer.depthwise else DENSE
    for kind in _allowed(design, unit):
        holds = kind.constant and kind.serial == serial
        if holds and layer.demand.taken_by([kind]) == layer.mh:
            return kind
    return None


def at_once(layer: Layer, design: Design) -> LaneCounts | None:
    """Lanes of one kind that do a whole vector in a cycle, so that several may be side by side.

    They hold their weights; those of a depthwise layer are LUT lanes that take codes.

    Args:
        layer: whose rows they compute.
        design: kinds of lanes to use.
    """
    if not layer.depthwise:
        kind = constants(layer, design, serial=False)
        return None if kind is None else LaneCounts({kind.name: layer.mh})
    luts = _worthwhile((k for k in _allowed(design, DEPTHWISE) if k.engine == "lut"), layer.demand)
    fitting = (k for k in luts if layer.demand.taken_by([k]) == layer.mh)
    return next((LaneCounts({kind.name: layer.mh}) for kind in fitting), None)


def _units(
    layer: Layer, design: Design, simd: int, pe: int, pack: Pack, beats: Beats
) -> list[LaneCounts]:
    """Lanes for units whose rows lie side by side: those of layers of a row a unit, so many times.

    Their weights are codes.
    """
    rows = layer.unit_rows
    demand = Demand({names: count // rows for names, count in layer.demand.items()})
    units = replace(layer, mh=layer.mh // rows, demand=demand, recurrence=None)
    found = splits(units, design, simd, pe // rows, lambda kind: max(1, pack(kind) // rows), beats)
    return [LaneCounts({name: n * rows for name, n in lanes.items()}) for lanes in found]


def _channels(layer: Layer, design: Design, simd: int, pe: int, pack: Pack) -> list[LaneCounts]:
    """Lanes of a channel each: full DSP slices, and LUT lanes of one scheme beside.

    DSP lanes take rows of any scheme, so that a layer on DSP lanes may mix them, and one product a
    cycle. LUT lanes are planned where one kind takes all rows: then any order of the channels will
    do, as the layer before, which orders them, wants it. Every design may use DSP lanes here: FINN
    has no depthwise unit in RTL before the DSP58.
    """
    whole = [k for k in kinds(DEPTHWISE) if layer.demand.taken_by([k]) == layer.mh]
    dsp = min((k for k in whole if k.engine == "dsp"), key=lambda k: k.code_bits)
    found = [LaneCounts({dsp.name: pe})] if simd == 1 else []
    step = max(1, -(-pe // (pack(dsp) * MAX_SPLITS))) * pack(dsp)
    numbers = range(0, pe, step) if simd == 1 else [0]
    luts = [k for k in _worthwhile(whole, layer.demand) if k.engine == "lut"]
    allowed = [k for k in luts if design.has(k)] or luts[-1:]
    for kind in allowed[:1] if design.in_order else allowed:
        found += [LaneCounts({kind.name: pe - count, dsp.name: count}) for count in numbers]
    return found


def _orders_of_rows(layer: Layer) -> Iterator[Demand]:
    """The layer's rows; where their order is given, as rows of one scheme."""
    if not layer.ordered:
        yield layer.demand
        return
    for scheme in layer.demand.schemes:
        alone = layer.demand.limited([scheme])
        if () not in alone:
            yield alone


def _rows(
    demand: Demand,
    design: Design,
    pe: int,
    pack: Pack,
    beats: Beats,
    sp2_share: float | None,
    tried: int,
) -> Iterator[LaneCounts]:
    """Lanes for rows whose order is free.

    DSP lanes come in full packs, whose slices are then used up, or they take all rows that they
    can; those of a scheme are of one kind, which no other beats. Of LUT lanes, only the ends of
    what the rows allow: costs are linear in between.
    """
    given = _worthwhile([k for k in _allowed(design, DENSE) if not k.constant], demand)
    luts = [kind for kind in given if kind.engine == "lut"]
    depth = demand.rows // pe
    if sp2_share is not None:
        # Met to the nearest whole lane, or not at all.
        least = math.floor(sp2_share * pe + 0.5)
        if abs(least / pe - sp2_share) > RATIO_ERROR:
            return
        shared = Demand({("sp2_4",): least * depth, ("fixed_4",): demand.rows - least * depth})
        wanted = LaneCounts({"sp2_4_lut": least, "fixed_4_dsp": pe - least})
        if not demand.fits(wanted):
            return
        demand = shared
    orders = [tuple(luts)] if design.in_order else _ends(luts)
    for dsps in _one_a_scheme((kind for kind in given if kind.engine == "dsp"), beats):
        on_dsps = {kind.scheme.name for kind in dsps}
        others = [kind for kind in luts if kind.scheme.name not in on_dsps]
        for order in permutations((*others, *dsps)) if dsps else ():
            yield from _filled(demand, depth, pe, {}, order)
        each = max(2, math.floor(tried ** (1 / len(dsps)))) if dsps else 0
        for numbers in product(*(_numbers(demand, depth, pe, pack(k), each, k) for k in dsps)):
            fixed = dict(zip(dsps, numbers, strict=True))
            for order in orders:
                yield from _filled(demand, depth, pe, fixed, order)


def _one_a_scheme(given: Iterable[LaneKind], beats: Beats) -> Iterator[tuple[LaneKind, ...]]:
    """Choices of one kind for each scheme; of no kinds at all, one of none."""
    by_scheme: dict[str, list[LaneKind]] = {}
    for kind in given:
        by_scheme.setdefault(kind.scheme.name, []).append(kind)
    same = by_scheme.values()
    return product(*([k for k in own if not any(beats(o, k) for o in own)] for own in same))


def _numbers(demand: Demand, depth: int, pe: int, pack: int, splits: int, kind: LaneKind) -> range:
    """How many lanes of a kind of DSP lanes are tried: full packs, a large layer's in steps."""
    most = min(pe, demand.taken_by([kind]) // depth)
    step = max(1, math.ceil(pe // pack / splits)) * pack
    return range(0, most + 1, step)


def _filled(
    demand: Demand, depth: int, pe: int, fixed: dict[LaneKind, int], order: Iterable[LaneKind]
) -> Iterator[LaneCounts]:
    """As many lanes of each kind, in this order, as find rows; nothing if lanes are left empty."""
    counts = dict(fixed)
    for kind in order:
        counts[kind] = _room(demand, depth, counts, kind)
        if counts[kind] < 0:
            return
    if sum(counts.values()) == pe:
        lanes = LaneCounts({kind.name: count for kind, count in counts.items()})
        if demand.fits(lanes):
            yield lanes


def _room(demand: Demand, depth: int, counts: dict[LaneKind, int], kind: LaneKind) -> int:
    """Lanes of a kind for which there are rows beside those of the other kinds' lanes."""
    used = [other for other, count in counts.items() if count]
    beside = chain.from_iterable(combinations(used, n) for n in range(len(used) + 1))
    return min(
        demand.taken_by((*others, kind)) // depth - sum(counts[other] for other in others)
        for others in beside
    )


def _ends(luts: Sequence[LaneKind]) -> list[tuple[LaneKind, ...]]:
    """Orders of kinds that lead to the ends of what rows allow; of many kinds, some."""
    if len(luts) <= 3:
        return list(permutations(luts))
    return [tuple(o) for i in range(len(luts)) for o in ((*luts[i:], *luts[:i]),)]


def _allowed(design: Design, unit: str) -> list[LaneKind]:
    return [kind for kind in kinds(unit) if design.has(kind)]


def _worthwhile(given: Iterable[LaneKind], demand: Demand) -> list[LaneKind]:
    """Kinds that take rows, without those whose rows another takes with narrower codes."""
    rows = {kind: {names for names in demand if kind.takes(names)} for kind in given}
    return [
        kind
        for kind, taken in rows.items()
        if taken
        and not any(
            other.engine == kind.engine and other.code_bits < kind.code_bits and taken <= its
            for other, its in rows.items()
        )
    ]


def _in_order(lanes: LaneCounts) -> tuple[int, ...]:
    return tuple(lanes.get(kind.name, 0) for kind in kinds())
