"""The search against trying everything."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from msq_finn.errors import MsqError
from msq_finn.plan.cost import Cost, add, default_model
from msq_finn.plan.design import DESIGNS, MSQ, PLANNED, Design
from msq_finn.plan.devices import DEVICES
from msq_finn.plan.lanes import Lanes, divisors, splits
from msq_finn.plan.network import Conv, Layer, Network, Rows
from msq_finn.plan.optimize import Budget, maximize, meet, solve
from msq_finn.plan.options import Catalogue
from msq_finn.plan.pareto import pareto
from msq_finn.plan.points import Embedded, Memory, Msq, Mvu
from msq_finn.plan.streams import Streams
from msq_finn.plan.zoo import resnet_cifar
from msq_finn.rtl.lanes import lanes_per_dsp

MODEL = default_model()


def _legal(layer: Layer, design: Design, pe: int) -> list[Lanes]:
    """Every number of lanes of every kind, straight from what is allowed."""
    depth = layer.mh // pe
    found = []
    for sp2, lut, dsp in product(range(pe + 1), repeat=3):
        rows = layer.allowed
        if sp2 + lut + dsp != pe or not (
            rows.only_sp2 <= sp2 * depth <= rows.only_sp2 + rows.either
        ):
            continue
        kinds = ((sp2, design.sp2_lut), (lut, design.fixed_lut), (dsp, design.fixed_dsp))
        if all(used or not count for count, used in kinds):
            found.append(Lanes(sp2, lut, dsp))
    return found + [Lanes(finn=pe)] * design.finn_dsp


def _embedded(layer: Layer, simd: int, pe: int) -> float:
    """LUTs of embedded lanes; sums that nothing follows get an offset each, as others do."""
    size = (layer.mw, layer.mh, simd)
    act = (layer.act_bits, layer.act_signed, layer.acc_bits)
    lut = MODEL.lut(Embedded(*size, pe, *act))
    if not layer.steps:
        with_offset, without = (Msq(*size, pe, 0, 0, *act, offset) for offset in (True, False))
        lut += MODEL.lut(with_offset) - MODEL.lut(without)
    return lut


def _everything(network: Network, design: Design, cycles: int) -> list[list[Cost]]:
    """Per layer, the costs of all foldings that meet a target."""
    streams = Streams(MODEL)
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
            memories = [
                MODEL.cost(Memory(size, words, style)) for style in ("distributed", "block")
            ]
            for lanes in _legal(layer, design, pe):
                act = (layer.act_bits, layer.act_signed, layer.acc_bits)
                offset = not layer.steps and lanes.sp2_lut + lanes.fixed_lut > 0
                node = (
                    Mvu(layer.mw, layer.mh, simd, pe, *act)
                    if lanes.finn
                    else Msq(layer.mw, layer.mh, simd, *lanes[:3], *act, offset)
                )
                cost = MODEL.cost(node)
                for memory, front, back in product(memories, fronts, backs):
                    costs.append(add((cost, memory, front.cost, back.cost)))
            if design.embedded and words <= 16:
                lut = _embedded(layer, simd, pe)
                for front, back in product(fronts, backs):
                    costs.append(add((Cost(lut), front.cost, back.cost)))
        result.append(costs)
    return result


def _fits(costs: list[list[Cost]], budget: Budget) -> bool:
    """Whether some choice of one cost a layer stays within the budget: all sums, step by step."""
    sums = np.zeros((1, len(Cost._fields)))
    for layer in costs:
        if not layer:
            return False
        sums = (sums[:, None, :] + np.array(layer)[None]).reshape(-1, len(Cost._fields))
        sums = np.unique(sums[(sums <= np.array(list(budget)) + 1e-6).all(axis=1)], axis=0)
        if not len(sums):
            return False
        # Only what nothing else beats can be needed; quadratic, and on purpose not the code's own.
        worse = (sums[None] <= sums[:, None]).all(2) & (sums[None] < sums[:, None]).any(2)
        sums = sums[~worse.any(axis=1)]
    return True


NETWORK = Network(
    "tiny",
    (
        Layer("conv", 12, 4, 16, conv=Conv(3, (5, 5), (2, 2))),
        Layer("fc1", 8, 6, 4, rows=Rows(2, 3, 1)),
        Layer("fc2", 6, 4, 4, steps=0),
    ),
)


@pytest.mark.parametrize("design", ["dsp_only", "dsp_plus_fixed_lut", "msq", "msq_1_0"])
@pytest.mark.parametrize(
    "budget", [Budget(1200, 8, 3), Budget(900, 2, 8), Budget(1600, 20, 0), Budget(3000, 40, 20)]
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
    lanes = [
        la.macs // (o.simd * o.lanes.pe)
        for la, o in zip(network.layers, found.options, strict=True)
    ]
    assert max(lanes) <= expected
    assert found.bound <= found.cycles
    assert all(used <= limit for used, limit in zip(found.cost, budget, strict=True))


@pytest.mark.parametrize("lut", range(200, 1400, 60))
def test_no_target_is_skipped(lut: int):
    network, budget = Network("one", (Layer("fc", 12, 8, 4),)), Budget(lut, 0, 0)
    catalogue = Catalogue(network, MSQ, MODEL)
    targets = catalogue.reachable_cycles()
    reached = [cycles for cycles in targets if solve(catalogue, cycles, budget)[0] is not None]
    found = maximize(network, budget, MODEL)
    assert (found.cycles if found else None) == (reached[0] if reached else None)


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
    groups: dict[str, set[Lanes]] = {}
    for layer, option in zip(network.layers, found.options, strict=True):
        if layer.group:
            groups.setdefault(layer.group, set()).add(option.lanes)
    assert len(groups) == 3
    assert all(len(lanes) == 1 for lanes in groups.values())


def test_rows_fill_whole_lanes():
    # 3 rows must be SP2, 5 fixed: with 4 lanes of two rows, 2 SP2 lanes would need a fourth row.
    layer = Layer("a", 8, 8, 1, rows=Rows(3, 5, 0))
    assert list(splits(layer, MSQ, 4, 4)) == []
    assert Lanes(3, 5, 0) in set(splits(layer, MSQ, 8, 4))
    assert Lanes(3, 1, 4) in set(splits(layer, MSQ, 8, 4))


def test_a_given_order_of_rows_takes_one_scheme():
    layer = Layer("last", 8, 8, 1, ordered=True)
    for pe in (1, 4, 8):
        assert {lanes.sp2_lut for lanes in splits(layer, MSQ, pe, 4)} == {0, pe}


@pytest.mark.parametrize(("ratio", "expected"), [("msq_1_1", 4), ("msq_1_1.5", 5), ("msq_1_2", 5)])
def test_the_papers_ratios(ratio: str, expected: int):
    (lanes,) = splits(Layer("a", 8, 8, 1), DESIGNS[ratio], 8, 4)
    assert lanes == Lanes(expected, 0, 8 - expected)
    # One lane cannot be half of each.
    assert list(splits(Layer("a", 8, 8, 1), DESIGNS[ratio], 1, 4)) == []


@pytest.mark.parametrize("shares", [{"lut": 1.2}, {"dsp": 0}, {"bram": -1}, {"lut": float("nan")}])
def test_budgets_over_the_device_are_refused(shares: dict[str, float]):
    with pytest.raises(MsqError, match=r"budget \w+=.*above 0 and at most 1"):
        Budget.of(DEVICES["xc7z020"], **shares)


def test_pareto_against_all_pairs():
    rng = np.random.default_rng(5)
    costs = rng.integers(0, 6, (200, 3)).astype(float)
    kept = costs[pareto(costs)]
    beaten = [
        any((o <= c).all() and (o < c).any() for o in costs) for c in np.unique(costs, axis=0)
    ]
    expected = np.unique(costs, axis=0)[~np.array(beaten)]
    np.testing.assert_array_equal(np.unique(kept, axis=0), expected)
    assert len(kept) == len(expected)


def test_packing_follows_the_device():
    found = [lanes_per_dsp(block, 8, False) for block in ("DSP48E1", "DSP48E2")]
    assert found == [2, 3]
