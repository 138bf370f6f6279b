"""The cost model: against synthesis runs it has not seen, and against laws made up here."""

from __future__ import annotations

import statistics

import pytest

from msq_finn.errors import MsqError
from msq_finn.lanes import dsp
from msq_finn.plan.cost import cost_model, features, stored_runs, sweep
from msq_finn.plan.cost.held_back import held_back
from msq_finn.plan.cost.lane_costs import EMBEDDED, LaneCosts
from msq_finn.plan.cost.lane_sweep import of
from msq_finn.plan.cost.point_kinds import (
    Add,
    Dwc,
    Memstream,
    Msq,
    Mvu,
    Point,
    Pool,
    WeightRom,
    Window,
)
from msq_finn.plan.frontend.network import Layer
from msq_finn.plan.report import terminal
from msq_finn.synth.resources import Resources


def _resources(lut: int) -> Resources:
    return Resources(lut, lut, 0, 0, 0, 0.0, 0, 0, 0, "made up")


@pytest.mark.parametrize("part", stored_runs.PARTS.values())
def test_every_point_of_the_sweep_has_been_run(part: str):
    known = stored_runs.load(stored_runs.path_of(part))
    points = [*sweep.fitted(), *held_back()]
    assert [p.key for p in points if p.key not in known] == []
    assert len({p.key for p in points}) == len(points) == len(known)


@pytest.mark.parametrize(("family", "worst"), [("xc7", 0.095), ("xcup", 0.115)])
def test_held_back_runs_are_met(family: str, worst: float):
    errors = [error for error in cost_model.held_back_errors() if error.family == family]
    assert len(errors) == len(held_back()) >= 25
    assert statistics.median(abs(e.lut) for e in errors) <= 0.02
    assert max(abs(e.lut) for e in errors) <= worst
    assert [(e.point.key, e.dsp) for e in errors if e.dsp] == []
    assert [(e.point.key, e.bram) for e in errors if e.bram] == []


@pytest.mark.parametrize("block", stored_runs.PARTS)
def test_memory_in_luts_is_met_on_held_back_runs(block: str):
    known, model = (
        stored_runs.load(stored_runs.path_of(stored_runs.PARTS[block])),
        cost_model.default_model(block),
    )
    measured = [known[point.key] for point in held_back()]
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
        (Msq(64, 16, 8, of(fixed_4_dsp_chain=4)), 16),
        (Msq(64, 15, 8, of(fixed_4_dsp_chain=3), act_bits=8, act_signed=True), 16),
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
        (Memstream(72, 512, "block"), 1.0),
        (Memstream(73, 512, "block"), 1.5),
        (Memstream(36, 2048, "block"), 2.0),
        (Memstream(72, 512, "distributed"), 0),
        (WeightRom(73, 512, "block"), 1.5),
        (WeightRom(72, 512, "distributed"), 0),
        # Two lines and three pixels of 16 words: 560 words of 16 bits, in half a block.
        (Window(64, 4, 16, style="block"), 0.5),
    ],
)
def test_block_rams(point: Point, expected: float):
    assert features.brams(point) == expected


@pytest.mark.parametrize("block", stored_runs.PARTS)
def test_a_memory_costs_what_its_layer_has(block: str):
    """Layers of FINN's, and weights that are written, have FINN's memory."""
    model = cost_model.default_model(block)
    costs = LaneCosts(model, Layer("fc", 72, 16, 1))
    ours, finns = of(sp2_4_lut=2, fixed_4_dsp=2), of(finn_dsp=4)
    size = (4 * 4 * 9, 32)  # bits of a word, words
    for style in ("distributed", "block"):
        rom, memstream = (model.cost(kind(*size, style)) for kind in (WeightRom, Memstream))
        assert costs.memory(9, ours, style) == rom
        assert costs.memory(9, ours, style, written=True) == memstream
        assert costs.memory(9, finns, style) == memstream
        assert rom.lut < memstream.lut and rom.ff < memstream.ff
    assert costs.memory(9, of(embedded_lut=4), EMBEDDED) == cost_model.Cost()


def test_errors_are_told_by_family():
    errors = [
        cost_model.Error("xcup", Add(1), 0.1, 0, 0),
        cost_model.Error("xc7", Add(1), -0.2, 1, 0),
        cost_model.Error("xc7", Dwc(8, 4), 0.1, 0, 0),
    ]
    rows = terminal.summary(errors)
    assert [(row["family"], row["nodes"], row["worst_lut_error"]) for row in rows] == [
        ("xc7", "add", 0.2),
        ("xc7", "dwc", 0.1),
        ("xc7", "all", 0.2),
        ("xcup", "add", 0.1),
        ("xcup", "all", 0.1),
    ]
    assert [row["dsp_exact"] for row in rows] == [False, True, False, True, True]
