"""The cost model: against synthesis runs it has not seen, and against laws made up here."""

from __future__ import annotations

import statistics

import numpy as np
import pytest

from msq_finn.errors import MsqError
from msq_finn.lanes import dsp, trees
from msq_finn.plan.cost import cost_model, features, stored_runs, sweep
from msq_finn.plan.cost.point_kinds import Dwc, Memory, Msq, Mvu, Point, Pool, Window
from msq_finn.plan.cost.sweep import of
from msq_finn.synth.resources import Resources


def _resources(lut: int) -> Resources:
    return Resources(lut, lut, 0, 0, 0, 0.0, 0, 0, 0, "made up")


def test_every_point_of_the_sweep_has_been_run():
    known = stored_runs.load()
    points = [*sweep.fitted(), *sweep.held_back()]
    assert [p.key for p in points if p.key not in known] == []
    assert len({p.key for p in points}) == len(points)


def test_held_back_runs_are_met():
    errors = cost_model.held_back_errors()
    assert len(errors) >= 25
    assert statistics.median(abs(e.lut) for e in errors) <= 0.05
    assert max(abs(e.lut) for e in errors) <= 0.10
    assert [(e.point.key, e.dsp) for e in errors if e.dsp] == []
    assert [(e.point.key, e.bram) for e in errors if e.bram] == []


def test_memory_in_luts_is_met_on_held_back_runs():
    known, model = stored_runs.load(), cost_model.default_model()
    measured = [known[point.key] for point in sweep.held_back()]
    told = [model.cost(run.point).lutram for run in measured]
    took = [run.resources.lut_memory for run in measured]
    assert sum(told) == pytest.approx(sum(took), rel=0.1)
    for run, mine, real in zip(measured, told, took, strict=True):
        assert mine == pytest.approx(real, abs=0.07 * run.resources.lut_sites + 2), run.point.key


def test_fit_finds_the_law_behind_runs():
    law = {"bits": 0.75, "node": 4.0}

    def sites(point: Pool) -> int:
        return round(law["bits"] * point.elements * point.act_bits + law["node"])

    points = [Pool(elements, 4, bits) for elements in (1, 4, 16) for bits in (4, 8)]
    model = cost_model.CostModel.fit(stored_runs.Run(p, _resources(sites(p)), "") for p in points)
    unseen = Pool(10, 4, 6)
    assert model.lut(unseen) == pytest.approx(49, rel=0.01)
    (error,) = cost_model.errors(model, [stored_runs.Run(unseen, _resources(98), "")])
    assert error.lut == pytest.approx(-0.5, abs=0.01)


def test_nodes_that_were_never_run_are_refused():
    with pytest.raises(MsqError, match=r"dwc.*characterize"):
        cost_model.CostModel({}).lut(Dwc(8, 16))


@pytest.mark.parametrize(
    ("point", "expected"),
    [
        # Four lanes share a slice at 4 bits, two at 8 (three if signed: a bit less between them);
        # a pack that is not full takes as many.
        (Msq(64, 16, 8, of(fixed_4_dsp=4)), 8),
        (Msq(64, 15, 8, of(sp2_4_lut=10, fixed_4_dsp=5)), 16),
        (Msq(64, 15, 8, of(fixed_4_dsp=3), act_bits=8), 16),
        (Msq(64, 15, 8, of(fixed_4_dsp=3), act_bits=8, act_signed=True), 8),
        (Msq(64, 16, 8, of(sp2_4_lut=4)), 0),
        (Mvu(64, 16, 8, 8), 16),
        (Mvu(64, 16, 8, 4, act_bits=8, act_signed=True), 16),
    ],
)
def test_dsps(point: Point, expected: int):
    assert features.dsps(point, dsp.get("DSP48E1")) == expected


@pytest.mark.parametrize(
    ("point", "expected"),
    [
        (Memory(72, 512, "block"), 1.0),
        (Memory(73, 512, "block"), 1.5),
        (Memory(36, 2048, "block"), 2.0),
        (Memory(72, 512, "distributed"), 0),
        # Two lines and three pixels of 16 words: 560 words of 16 bits, in half a block.
        (Window(64, 4, 16, style="block"), 0.5),
    ],
)
def test_block_rams(point: Point, expected: float):
    assert features.brams(point) == expected


def _tree_by_simulation(rows: list[set[int]], width: int) -> int:
    """Count compressor columns as bits: rows in order of their ends in groups of four, each group
    from the first column where three of its rows have begun."""
    count = 0
    while len(rows) > 2:
        rows.sort(key=max)
        groups = len(rows) // 4 + (len(rows) % 4 == 3)
        out_s, out_m = [], []
        for g in range(groups):
            group = sorted(rows[4 * g : 4 * g + 4], key=lambda r: (min(r), max(r)))
            start, end = min(group[2]), max(max(r) for r in group) + 1
            count += end - start
            out_s.append(set(range(min(group[0]), min(width, end + 1))))
            tops = sorted(max(r) + 1 for r in group[1:])
            low = min(group[1]) if min(group[1]) < start else start + 1
            out_m.append(set(range(low, min(width, max(start, tops[-2] + 1)))))
        rows = [r for r in out_s + out_m + rows[4 * groups :] if r]
    return count


@pytest.mark.parametrize("count", [3, 4, 5, 8, 11, 18, 32])
def test_tree_columns(count: int):
    rng = np.random.default_rng(count)
    starts = [int(s) for s in rng.integers(0, 3, count)]
    rows = [(s, s + int(n)) for s, n in zip(starts, rng.integers(4, 7, count), strict=True)]
    expected = _tree_by_simulation([set(range(*row)) for row in rows], 16)
    assert trees.columns(tuple(rows), 16) == expected


def test_a_tree_counted_by_hand():
    # Two groups of four 4-bit rows: 4 columns each. Their sums (columns 0 to 4) and majorities
    # (1 to 4): compressed from column 1, where the third begins, to 4.
    assert trees.columns(((0, 4),) * 8, 8) == 4 + 4 + 4
