"""The search against trying everything."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from msq_finn.devices import DEVICES
from msq_finn.errors import MsqError
from msq_finn.lanes import LaneCounts, Shape, dsp, get
from msq_finn.lanes.demand import PAIR, Demand
from msq_finn.lanes.divisors import divisors
from msq_finn.plan.cost.cost_model import Cost, add, default_model
from msq_finn.plan.cost.lane_costs import LaneCosts
from msq_finn.plan.cost.point_kinds import Memstream, Msq, Mvu, WeightRom
from msq_finn.plan.frontend.network import Conv, Layer, Network
from msq_finn.plan.frontend.zoo import resnet_cifar
from msq_finn.plan.search.budget import Budget
from msq_finn.plan.search.candidates import Catalogue
from msq_finn.plan.search.design import DESIGNS, MSQ, PLANNED, Design
from msq_finn.plan.search.optimize import maximize, meet, solve
from msq_finn.plan.search.pareto import unbeaten
from msq_finn.plan.search.splits import splits
from msq_finn.plan.search.streams import Streams

MODEL = default_model()
CHAIN = "fixed_4_dsp_chain"


def rows(sp2: int, fixed: int, either: int) -> Demand:
    return Demand({("sp2_4",): sp2, ("fixed_4",): fixed, PAIR: either})


def lanes(sp2: int = 0, lut: int = 0, dsp: int = 0, chain: int = 0) -> LaneCounts:
    luts = {"sp2_4_lut": sp2, "fixed_4_lut": lut}
    return LaneCounts(luts | {"fixed_4_dsp": dsp, CHAIN: chain})


def _legal(layer: Layer, design: Design, pe: int) -> list[LaneCounts]:
    """Every number of lanes of every kind, straight from what is allowed."""
    depth = layer.mh // pe
    found = []
    for sp2, lut, dsps, chains in product(range(pe + 1), repeat=4):
        least = layer.demand.only("sp2_4")
        most = least + layer.demand.get(PAIR, 0)
        if sp2 + lut + dsps + chains != pe or not least <= sp2 * depth <= most:
            continue
        choice = lanes(sp2, lut, dsps, chains)
        if all(design.has(kind) for kind in choice.kinds):
            found.append(choice)
    return found + [LaneCounts({name: pe}) for name in design.finn]


def _held(layer: Layer, simd: int, pe: int, name: str) -> float:
    """LUTs of lanes that hold weights; sums that nothing follows get offsets, as others do."""
    size = (layer.mw, layer.mh, simd)
    act = (layer.act_bits, layer.act_signed, layer.acc_bits)
    lut = MODEL.lut(Msq(*size, LaneCounts({name: pe}), *act))
    if not layer.steps:
        with_offset, without = (
            Msq(*size, LaneCounts({"sp2_4_lut": pe}), *act, offset) for offset in (True, False)
        )
        lut += MODEL.lut(with_offset) - MODEL.lut(without)
    return lut


def _everything(network: Network, design: Design, cycles: int) -> list[list[Cost]]:
    """Per layer, the costs of all foldings that meet a target."""
    streams = Streams(MODEL, design.uneven, design.searches)
    layers = network.layers
    result = []
    for index, layer in enumerate(layers):
        after = streams.link(layers[index + 1], cycles) if index + 1 < len(layers) else 0
        costs = []
        for simd, pe in product(divisors(layer.mw), divisors(layer.mh)):
            if layer.macs // (simd * pe) > cycles:
                continue
            size = -(-simd * pe * 4 // 8) * 8
            words = layer.mw * layer.mh // (simd * pe)
            fronts = streams.fronts(layer, simd, pe, cycles)
            backs = streams.backs(layer, pe, after, cycles)
            for own in _legal(layer, design, pe):
                act = (layer.act_bits, layer.act_signed, layer.acc_bits)
                offset = not layer.steps and own.of_engine("lut") > 0
                node = (
                    Mvu(layer.mw, layer.mh, simd, pe, *act)
                    if "finn_dsp" in own
                    else Msq(layer.mw, layer.mh, simd, own, *act, offset)
                )
                cost = MODEL.cost(node)
                kind = Memstream if "finn_dsp" in own else WeightRom
                memories = [
                    MODEL.cost(kind(size, words, style)) for style in ("distributed", "block")
                ]
                for memory, front, back in product(memories, fronts, backs):
                    costs.append(add((cost, memory, front.cost, back.cost)))
            if design.has(get("embedded_lut")) and words <= 16:
                lut = _held(layer, simd, pe, "embedded_lut")
                for front, back in product(fronts, backs):
                    costs.append(add((Cost(lut), front.cost, back.cost)))
            # Serial lanes take a cycle for each bit.
            slow = layer.macs // (simd * pe) * layer.act_bits > cycles
            if design.has(get("serial_lut")) and words <= 16 and not slow:
                lut = _held(layer, simd, pe, "serial_lut")
                around = streams.fronts(layer, simd, pe, cycles, layer.act_bits)
                for front, back in product(around, backs):
                    costs.append(add((Cost(lut), front.cost, back.cost)))
        result.append(costs)
    return result


def _fits(costs: list[list[Cost]], budget: Budget) -> bool:
    """Whether some choice of one cost a layer stays within the budget: all sums, step by step."""
    sums = np.zeros((1, len(Cost._fields)))
    for layer in costs:
        if not layer:
            return False
        sums = (sums[:, None, :] + _needed(np.array(layer))[None]).reshape(-1, len(Cost._fields))
        sums = _needed(sums[(sums <= np.array(list(budget)) + 1e-6).all(axis=1)])
        if not len(sums):
            return False
    return True


def _needed(costs: np.ndarray) -> np.ndarray:
    """What nothing else beats; quadratic, and on purpose not the code's own."""
    costs = np.unique(costs, axis=0)
    beaten = [((costs <= row).all(axis=1) & (costs < row).any(axis=1)).any() for row in costs]
    return costs[~np.array(beaten, dtype=bool)]


NETWORK = Network(
    "tiny",
    (
        Layer("conv", 12, 4, 16, conv=Conv(3, (5, 5), (2, 2))),
        Layer("fc1", 8, 6, 4, demand=rows(2, 3, 1)),
        Layer("fc2", 6, 4, 4, steps=0),
    ),
)


@pytest.mark.parametrize("design", ["dsp_only", "dsp_plus_fixed_lut", "msq", "msq_1_0"])
@pytest.mark.parametrize(
    "budget",
    [
        Budget(1200, 8, 3),
        Budget(900, 2, 8),
        Budget(1600, 20, 0),
        # A minute and a half of trying everything, with four kinds of lanes.
        pytest.param(Budget(3000, 40, 20), marks=pytest.mark.slow),
    ],
)
def test_the_fastest_is_found(design: str, budget: Budget):
    family = DESIGNS[design]
    network = NETWORK
    if design in ("dsp_only", "dsp_plus_fixed_lut", "msq_1_0"):
        free = Layer("fc1", 8, 6, 4)
        network = Network("tiny", (NETWORK.layers[0], free, NETWORK.layers[2]))
    targets = sorted(
        {
            la.macs // (s * p)
            for la in network.layers
            for s in divisors(la.mw)
            for p in divisors(la.mh)
        }
    )
    fitting = (t for t in targets if _fits(_everything(network, family, t), budget))
    expected = next(fitting, None)
    found = maximize(network, budget, MODEL, family)
    if expected is None:
        assert found is None
        return
    assert found is not None
    # Windows and thresholds may be slower than the lanes of the target.
    assert max(o.cycles for o in found.options) == found.cycles <= expected
    spent = [
        la.macs // (o.simd * o.lanes.pe)
        for la, o in zip(network.layers, found.options, strict=True)
    ]
    assert max(spent) <= expected
    assert found.bound <= found.cycles
    assert all(used <= limit for used, limit in zip(found.cost, budget, strict=True))


#: Of which the window is slower than the lanes can be.
WINDOWED = Layer("conv", 36, 8, 64, conv=Conv(4, (8, 8), pad=(1, 1)))


@pytest.mark.parametrize("lut", range(200, 1400, 60))
@pytest.mark.parametrize("layer", [Layer("fc", 12, 8, 4), WINDOWED], ids=lambda la: la.name)
def test_no_target_is_skipped(layer: Layer, lut: int):
    network, budget = Network("one", (layer,)), Budget(lut, 0, 0)
    catalogue = Catalogue(network, MSQ, MODEL)
    targets = catalogue.targets.reachable()
    reached = [cycles for cycles in targets if solve(catalogue, cycles, budget)[0] is not None]
    found = maximize(network, budget, MODEL)
    assert (found.cycles if found else None) == (reached[0] if reached else None)


@pytest.mark.parametrize("dim", [7, 8])
def test_nothing_reaches_less_than_the_fastest_cycles(dim: int):
    # Rows of 7 pixels are no whole words, so that one goes in a cycle and windows are the bound.
    layer = Layer("conv", 36, 8, dim * dim, conv=Conv(4, (dim, dim), pad=(1, 1)))
    catalogue = Catalogue(Network("one", (layer,)), MSQ, MODEL)
    plenty, fastest = Budget(1e6, 1e4, 1e4), catalogue.targets.fastest()
    assert fastest > dim * dim if dim == 7 else fastest < dim * dim
    assert solve(catalogue, fastest, plenty)[0] is not None
    assert solve(catalogue, fastest - 1, plenty) == (None, True)


def test_the_networks_input_comes_as_wide_as_the_first_layer_takes_it():
    layer = Layer("fc", 12, 8, 4)
    streams = Catalogue(NETWORK, MSQ, MODEL).streams
    (first,) = streams.fronts(replace(layer, first=True), 6, 4, 64)
    (later,) = streams.fronts(layer, 6, 4, 64)
    assert first.cost == Cost()
    # A word of one element makes do with 48 cycles.
    assert streams.link(layer, 64) == 1 and later.cost.lut > 0
    assert (first.cycles, later.cycles) == (8, 48)


def test_what_the_next_target_needs_is_the_least_that_lets_it_fit():
    budget = Budget(600, 2, 8)
    found = maximize(NETWORK, budget, MODEL)
    assert found is not None and found.limited_by == "lut"
    enough = replace(budget, lut=600 * found.shortfall["lut"] * 1.002)
    short = replace(budget, lut=600 * found.shortfall["lut"] * 0.99)
    wider, narrower = (maximize(NETWORK, limits, MODEL) for limits in (enough, short))
    assert wider is not None and wider.cycles < found.cycles
    assert narrower is not None and narrower.cycles == found.cycles


def test_results_differ_between_budgets():
    slow = maximize(NETWORK, Budget(600, 2, 8), MODEL)
    fast = maximize(NETWORK, Budget(3000, 40, 20), MODEL)
    assert slow is not None and fast is not None
    assert fast.cycles < slow.cycles
    assert maximize(NETWORK, Budget(50, 0, 0), MODEL) is None


@pytest.mark.parametrize("resource", ["lutram", "ff"])
def test_memory_in_luts_and_flip_flops_can_limit(resource: str):
    free = Budget(3000, 40, 20)
    best = maximize(NETWORK, free, MODEL)
    assert best is not None
    limit = 0.8 * getattr(best.cost, resource)
    tight = maximize(NETWORK, replace(free, **{resource: limit}), MODEL)
    assert tight is not None
    assert 0 < getattr(tight.cost, resource) <= limit
    assert tight.cycles > best.cycles
    assert tight.limited_by == resource


def test_a_target_is_met_with_less():
    budget = Budget.of(DEVICES["xc7z020"])
    best = maximize(NETWORK, budget, MODEL, PLANNED)
    assert best is not None
    relaxed = meet(NETWORK, 8 * best.cycles, budget, MODEL, PLANNED)
    assert relaxed is not None
    assert best.cycles < relaxed.cycles <= 8 * best.cycles
    assert relaxed.cost.lut < best.cost.lut
    assert meet(NETWORK, 1, budget, MODEL, PLANNED) is None


def test_layers_that_meet_in_an_add_agree():
    network = resnet_cifar(1)
    found = maximize(network, Budget.of(DEVICES["xc7z020"]), MODEL, MSQ)
    assert found is not None
    groups: dict[str, set[LaneCounts]] = {}
    for layer, option in zip(network.layers, found.options, strict=True):
        if layer.group:
            groups.setdefault(layer.group, set()).add(option.lanes)
    assert len(groups) == 3
    assert all(len(own) == 1 for own in groups.values())


def split(layer: Layer, design: Design, pe: int) -> list[LaneCounts]:
    costs = LaneCosts(MODEL, layer)
    return splits(layer, design, 1, pe, costs.pack, costs.beats)


def test_rows_fill_whole_lanes():
    # 3 rows must be SP2, 5 fixed: with 4 lanes of two rows, 2 SP2 lanes would need a fourth row.
    layer = Layer("a", 8, 8, 1, demand=rows(3, 5, 0))
    assert split(layer, MSQ, 4) == []
    assert lanes(3, 5, 0) in split(layer, MSQ, 8)
    assert lanes(3, 2, chain=3) in split(layer, MSQ, 8)


def test_rows_of_many_schemes_are_planned():
    # RMSMP's mix: powers of two, 4-bit fixed point, some that may be either, a few of 8 bits.
    demand = Demand(
        {("pot_4", "fixed_8"): 8, ("fixed_4",): 3, ("pot_4", "fixed_4"): 4, ("fixed_8",): 1}
    )
    found = split(Layer("a", 16, 16, 1, demand=demand), MSQ, 16)
    assert all(demand.fits(choice) and choice.pe == 16 for choice in found)
    kinds = {name for choice in found for name in choice}
    assert kinds >= {"pot_4_lut", "fixed_4_lut", "fixed_8_lut", CHAIN, "fixed_8_dsp"}
    # A row that 4 bits hold needs no wider lane, and five bits hold none of them.
    assert not kinds & {"fixed_5_dsp", "apot_4_lut", "sp2_4_lut"}
    assert split(Layer("a", 16, 16, 1, demand=demand), MSQ, 2) == []


def test_dsp_lanes_of_a_scheme_are_of_one_kind():
    # Of signed activations of 8 bits a slice takes three rows, or two in a chain: either may pay.
    layer = Layer("a", 16, 24, 1, act_bits=8, act_signed=True)
    found = {own for own in split(layer, MSQ, 24) if own.of_engine("dsp")}
    pairs, chains = ({own[k] for own in found if k in own} for k in ("fixed_4_dsp", CHAIN))
    assert pairs == set(range(3, 25, 3)) and chains == set(range(2, 25, 2))  # full slices
    assert not any("fixed_4_dsp" in own and CHAIN in own for own in found)


@pytest.mark.parametrize("simd", [1, 4, 16, 64])
def test_what_the_planner_leaves_out_has_no_use(simd: int):
    # As many slices of pairs as of chains take more LUTs, and so do the pairs of all rows.
    layer = Layer("a", 64, 48, 1)
    costs = LaneCosts(MODEL, layer)
    assert not any("fixed_4_dsp" in own for own in split(layer, MSQ, 48))
    for slices in range(1, 13):
        pairs, chains = (
            costs.compute(simd, lanes(lut=48 - pack * slices, **{kind: pack * slices}))
            for kind, pack in (("dsp", 4), ("chain", 3))
        )
        assert pairs.dsp == chains.dsp == slices * simd
        assert chains.lut < pairs.lut
    assert costs.compute(simd, lanes(chain=48)).lut < costs.compute(simd, lanes(dsp=48)).lut
    assert costs.beats(get(CHAIN), get("fixed_4_dsp"))
    assert not costs.beats(get("fixed_4_dsp"), get(CHAIN))


def test_chains_take_fewer_luts_and_more_slices():
    layer = Layer("a", 64, 24, 1)
    pairs, chains = (
        LaneCosts(MODEL, layer).compute(16, LaneCounts({name: 12}))
        for name in ("fixed_4_dsp", CHAIN)
    )
    assert (pairs.dsp, chains.dsp) == (3 * 16, 4 * 16)
    assert chains.lut < 0.5 * pairs.lut
    # Weights of two in four elements wait one and two cycles, as do their activations.
    assert chains.ff > (12 + 1) * 4 * 3 * 4


@pytest.mark.parametrize("rows", [4, 5, 6])
@pytest.mark.parametrize("seed", range(20))
def test_whether_rows_fit_lanes_is_told_as_by_trying(seed: int, rows: int):
    rng = np.random.default_rng(seed)
    sets = [("sp2_4",), ("fixed_4",), PAIR, ("pot_4", "fixed_8"), ("fixed_8",)]
    given = [sets[i] for i in rng.integers(len(sets), size=rows)]
    names = ["sp2_4_lut", "fixed_4_dsp", "pot_4_lut", "fixed_8_lut", "embedded_lut"]
    chosen = [names[i] for i in rng.integers(len(names), size=3)]
    own = LaneCounts({name: chosen.count(name) for name in chosen})

    def fits(left: list[tuple[str, ...]], places: list[str]) -> bool:
        if not places:
            return True
        return any(
            fits(left[:i] + left[i + 1 :], places[1:])
            for i, names in enumerate(left)
            if get(places[0]).takes(names)
        )

    # The last lanes have no second row where there are not enough.
    expected = fits(given, ([kind.name for kind in own.per_lane] * 2)[:rows])
    assert Demand.of(given).fits(own) == expected
    assert (Demand.of(given).misfit(own) == "") == expected


def test_a_given_order_of_rows_takes_one_scheme():
    layer = Layer("last", 8, 8, 1, ordered=True)
    for pe in (1, 4, 8):
        assert {own.get("sp2_4_lut", 0) for own in split(layer, MSQ, pe)} == {0, pe}


@pytest.mark.parametrize(("ratio", "expected"), [("msq_1_1", 4), ("msq_1_1.5", 5), ("msq_1_2", 5)])
def test_the_papers_ratios(ratio: str, expected: int):
    (own,) = split(Layer("a", 8, 8, 1), DESIGNS[ratio], 8)
    assert own == lanes(expected, 0, 8 - expected)
    # One lane cannot be half of each.
    assert split(Layer("a", 8, 8, 1), DESIGNS[ratio], 1) == []


@pytest.mark.parametrize("shares", [{"lut": 1.2}, {"dsp": 0}, {"bram": -1}, {"lut": float("nan")}])
def test_budgets_over_the_device_are_refused(shares: dict[str, float]):
    with pytest.raises(MsqError, match=r"budget \w+=.*above 0 and at most 1"):
        Budget.of(DEVICES["xc7z020"], **shares)


def test_what_nothing_beats_against_all_pairs():
    rng = np.random.default_rng(5)
    costs = rng.integers(0, 6, (200, 3)).astype(float)
    kept = costs[unbeaten(costs)]
    beaten = [
        any((o <= c).all() and (o < c).any() for o in costs) for c in np.unique(costs, axis=0)
    ]
    expected = np.unique(costs, axis=0)[~np.array(beaten)]
    np.testing.assert_array_equal(np.unique(kept, axis=0), expected)
    assert len(kept) == len(expected)


def test_packing_and_room_between_sums_follow_the_device():
    shapes = [Shape(72, 18, 4, 8, False, 16, dsp.get(name)) for name in ("DSP48E1", "DSP48E2")]
    kind = get("fixed_4_dsp")
    assert [kind.pack(shape) for shape in shapes] == [2, 3]
    # Two have room between their sums; three need carries told apart.
    carries = ["DSP carries" in kind.features(2, shape) for shape in shapes]
    assert carries == [False, True]
    layer = Layer("wide", 72, 6, 1, act_bits=8)
    few, many = (
        LaneCosts(default_model(shape.block.name), layer).compute(18, lanes(dsp=6))
        for shape in shapes
    )
    assert (few.dsp, many.dsp) == (3 * 18, 2 * 18)
    assert many.lut > 1.2 * few.lut
