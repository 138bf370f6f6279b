"""Plan files: written, edited, refused."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from msq_finn.errors import MsqError
from msq_finn.lanes import LaneCounts
from msq_finn.lanes.demand import PAIR, Demand
from msq_finn.plan.file.schema import Plan
from msq_finn.plan.fits import fits_board, fits_network, frame_cycles
from msq_finn.plan.frontend.network import Conv, Layer, Network
from msq_finn.plan.frontend.request import shares_of
from msq_finn.plan.frontend.zoo import resnet_cifar
from msq_finn.plan.making import make_plan
from msq_finn.plan.report.outcome import Outcome


def rows(sp2: int, fixed: int, either: int) -> Demand:
    return Demand({("sp2_4",): sp2, ("fixed_4",): fixed, PAIR: either})


NETWORK = Network(
    "tiny", (Layer("conv1", 16, 8, 64, demand=rows(2, 2, 4)), Layer("fc", 8, 4, 1, steps=0))
)


def _plan(**options: Any) -> Outcome:
    return make_plan(NETWORK, "Pynq-Z1", "xc7z020clg400-1", "DSP48E1", **options)


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    # Slow enough that weights come from a memory.
    return _plan(target_fps=10_000)


@pytest.fixture(scope="module")
def plan(outcome: Outcome) -> Plan:
    return outcome.plan


@pytest.fixture
def edited(plan: Plan, tmp_path: Path):
    """Write the plan with one value changed, given the path to it."""

    def change(*where: Any, to: Any) -> Path:
        content = plan.model_dump()
        place = content
        for key in where[:-1]:
            place = place[key]
        place[where[-1]] = to
        path = tmp_path / "plan.yaml"
        path.write_text(yaml.safe_dump(content))
        return path

    return change


def test_a_plan_survives_its_file(plan: Plan, tmp_path: Path):
    path = tmp_path / "plan.yaml"
    plan.save(path)
    assert Plan.load(path) == plan
    assert [p.name for p in tmp_path.iterdir()] == ["plan.yaml"]
    with pytest.raises(MsqError, match="no layer 'conv9'; it has conv1, fc"):
        plan["conv9"]


def test_what_it_comes_to_lies_beside_the_plan(outcome: Outcome, tmp_path: Path):
    report = outcome.save(tmp_path / "plan.yaml")
    assert Plan.load(tmp_path / "plan.yaml") == outcome.plan
    assert report.name == "plan.report.yaml"
    content = yaml.safe_load(report.read_text())
    assert content["totals"]["cycles"] == outcome.totals.cycles
    assert [layer["name"] for layer in content["layers"]] == ["conv1", "fc"]


def test_figures_agree(outcome: Outcome):
    totals, plan = outcome.totals, outcome.plan
    assert totals.cycles == max(layer.cycles for layer in outcome.layers)
    assert totals.fps == pytest.approx(1e8 / totals.cycles, rel=1e-4)
    assert totals.gops == pytest.approx(2 * (16 * 8 * 64 + 8 * 4) * totals.fps / 1e9, abs=5e-4)
    lut = sum(la.resources.lut for la in outcome.layers)
    assert totals.resources.lut == pytest.approx(lut, abs=2)
    assert outcome[totals.bottleneck].cycles == totals.cycles
    for layer in plan.layers:
        assert sum(layer.rows.values()) == layer.mh
    rows = plan["conv1"].rows
    assert rows["sp2_4"] >= 2 and rows["fixed_4"] >= 2


def test_cycles_follow_from_the_decisions():
    network = resnet_cifar(1)
    made = make_plan(network, "Pynq-Z1", "xc7z020clg400-1", "DSP48E1", target_fps=5000)
    for planned, layer, told in zip(made.plan.layers, network.layers, made.layers, strict=True):
        assert frame_cycles(planned, layer) == told.cycles, layer.name
    layer = network.layers[1]
    for name, planes in (("fixed_4_dsp", 1), ("serial_lut", layer.act_bits)):
        update = {
            "simd": layer.mw // 2,
            "lanes": LaneCounts({name: layer.mh}),
            "window": None,
            "threshold_pe": layer.mh,
            "serial_thresholds": "none",
        }
        planned = made.plan.layers[1].model_copy(update=update)
        assert frame_cycles(planned, layer) == 2 * planes * layer.vectors
        # Of 15 thresholds, four comparisons.
        planned = planned.model_copy(update={"serial_thresholds": "block"})
        assert frame_cycles(planned, layer) == max(2 * planes, 4) * layer.vectors


def test_a_target_is_planned_for():
    slow = _plan(target_fps=20_000)
    assert 20_000 <= slow.totals.fps < _plan().totals.fps
    assert slow.totals.limited_by == "target"


def test_what_is_said_to_be_reached_may_be_asked_for():
    most = _plan(clk_ns=7).totals.fps
    assert most == 17857142.85  # a frame takes eight clocks of 7 ns
    assert _plan(clk_ns=7, target_fps=most).totals.fps == most
    with pytest.raises(MsqError, match=r"tiny reaches 17857142 frames"):
        _plan(clk_ns=7, target_fps=17857143)


def test_what_cannot_be_is_refused():
    with pytest.raises(MsqError, match=r"--target-fps 1000000000: tiny reaches \d+ frames"):
        _plan(target_fps=1e9)


@pytest.mark.parametrize(
    ("budget", "lack"),
    [
        ("ff=0.005", r"flip-flops: there are 532, and the cheapest folding takes \d{4};"),
        ("lut=0.005", r"LUTs: there are 266, and the cheapest folding takes \d{4};"),
        ("lut=0.005,ff=0.005", "several at once: there are 266 LUTs, 220 DSP slices, .* 532 flip"),
    ],
)
def test_a_board_that_is_too_small_lacks_what_is_named(budget: str, lack: str):
    message = f"resnet8 does not fit Pynq-Z1 at any speed, for lack of {lack}"
    with pytest.raises(MsqError, match=message):
        make_plan(
            resnet_cifar(1), "Pynq-Z1", "xc7z020clg400-1", "DSP48E1", shares=shares_of(budget)
        )


@pytest.mark.parametrize("part", ["lut=1.5", "lut=0", "luts=0.5", "lut=much", "lut=nan"])
def test_bad_budgets(part: str):
    for text, value in ((f"dsp=1,{part}", part), ("lut=0.8,lut=0.5", "lut=0.5")):
        with pytest.raises(MsqError) as refused:
            shares_of(text)
        assert (refused.value.field, refused.value.value) == ("budget", value)


@pytest.mark.parametrize(
    ("place", "to", "layer", "field"),
    [
        (("version",), 7, None, "version"),
        (("version",), True, None, "version"),
        (("version",), [[1]], None, "version"),
        (("clk_ns",), float("inf"), None, "clk_ns"),
        (("clk_ns",), 0, None, "clk_ns"),
        (("layers",), "none", None, "layers"),
        (("layers", 0, "simd"), 17, "conv1", "simd"),
        (("layers", 0, "simd"), "four", "conv1", "simd"),
        (("layers", 0, "lanes"), {"sp2_4_lut": 9}, "conv1", "lanes"),
        (("layers", 0, "lanes"), {"sp2_4_lut": -1}, "conv1", "lanes"),
        (("layers", 0, "lanes"), {"sp2_4_lut": True}, "conv1", "lanes"),
        (("layers", 0, "lanes"), {"sp2_9_lut": 4}, "conv1", "lanes"),
        (("layers", 0, "lanes"), {"int_5_dsp": 4}, "conv1", "lanes"),
        (("layers", 0, "lanes"), {"serial_lut": 2, "fixed_4_dsp": 2}, "conv1", "lanes"),
        (("layers", 1, "lanes"), {"fixed_4_dsp": 3}, "fc", "lanes"),
        (("layers", 0, "rows"), {"sp2_4": 9, "fixed_4": 0}, "conv1", "rows"),
        (("layers", 0, "rows"), {"sp2_4": 1, "fixed_4": 7}, "conv1", "rows"),
        (("layers", 0, "rows"), {"sp2_11": 8}, "conv1", "rows"),
        (("layers", 0, "threshold_pe"), 9, "conv1", "threshold_pe"),
        (("layers", 0, "memory"), "paper", "conv1", "memory"),
        (("layers", 0, "colour"), "red", "conv1", "colour"),
    ],
)
def test_illegal_edits_name_layer_and_field(edited, place, to, layer: str | None, field: str):
    path = edited(*place, to=to)
    with pytest.raises(MsqError) as refused:
        Plan.load(path)
    error = refused.value
    assert error.where == (str(path) if layer is None else f"{path}: layer {layer}")
    assert (error.field, error.value) == (field, to)


def test_an_illegal_edit_is_refused_in_one_line(edited):
    with pytest.raises(MsqError) as refused:
        Plan.load(edited("layers", 0, "simd", to=17))
    line = r".*plan\.yaml: layer conv1: simd=17 is not between 1 and MW=16"
    assert re.fullmatch(line, str(refused.value))


def test_folds_need_no_divisors_where_padding_stays_inside(edited, plan):
    """Eight rows in three folds, 16 columns in four: 12 cycles for each of 64 vectors."""
    for field, to in (("simd", 5), ("threshold_pe", 3)):
        layer = Plan.load(edited("layers", 0, field, to=to)).layers[0]
        assert getattr(layer, field) == to
    planned = plan.layers[0].model_copy(
        update={"lanes": LaneCounts({"embedded_lut": 3}), "simd": 5, "threshold_pe": 3}
    )
    assert frame_cycles(planned, NETWORK.layers[0]) == 64 * 12


def test_two_layers_of_one_name_are_refused(edited):
    with pytest.raises(MsqError) as refused:
        Plan.load(edited("layers", 1, "name", to="conv1"))
    assert refused.value.field == "name"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("- a\n", "not a plan"),
        ("a: [", "not YAML"),
        ("[" * 5000, r"not a plan \(RecursionError in its YAML\)"),
        ("version: 2001-99-99", r"not a plan \(ValueError in its YAML\)"),
        ("!!python/object/apply:os.getcwd []", "not YAML"),
        ("network: x\n", "version: None is not supported"),
    ],
)
def test_other_files_are_refused(content: str, message: str, tmp_path: Path):
    path = tmp_path / "plan.yaml"
    path.write_text(content)
    with pytest.raises(MsqError, match=message):
        Plan.load(path)
    with pytest.raises(MsqError, match="cannot be read"):
        Plan.load(tmp_path / "missing.yaml")


def test_one_decision_is_edited_at_a_time(edited, plan: Plan):
    assert plan["conv1"].simd != 16
    path = edited("layers", 0, "simd", to=16)
    fits_network(Plan.load(path), NETWORK, "p")
    assert Plan.load(path)["conv1"].simd == 16


def test_lanes_that_hold_their_weights_are_checked(tmp_path: Path):
    fast = _plan(target_fps=400_000).plan
    layer = fast["conv1"]
    assert dict(layer.lanes) == {"embedded_lut": layer.lanes.pe}
    # Rows that may be either are fixed point.
    assert layer.rows == {"sp2_4": 2, "fixed_4": 6}
    path = tmp_path / "plan.yaml"
    content = fast.model_dump()
    content["layers"][0] |= {"simd": 1, "lanes": {"embedded_lut": 4}}
    path.write_text(yaml.safe_dump(content))
    with pytest.raises(
        MsqError, match=r"layer conv1: lanes: they have .* words of weights; .* room for 16"
    ):
        Plan.load(path)
    # Whatever the weights are, they fit.
    sp2 = Layer("conv1", 16, 8, 64, demand=rows(8, 0, 0))
    fits_network(fast, Network("sp2", (sp2, NETWORK.layers[1])), "p")


def test_a_plan_for_another_network_is_refused(plan: Plan):
    fits_network(plan, NETWORK, "p")
    conv, fc = NETWORK.layers
    wide = Layer("conv1", 32, 8, 64)
    sp2 = Layer("conv1", 16, 8, 64, demand=rows(8, 0, 0))
    for layers, where, field, value in (
        ((conv,), "p", "layers", 2),
        ((wide, fc), "p: layer conv1", "mw", 16),
        ((sp2, fc), "p: layer conv1", "lanes", dict(plan["conv1"].lanes)),
    ):
        with pytest.raises(MsqError) as refused:
            fits_network(plan, Network("other", layers), "p")
        error = refused.value
        assert (error.where, error.field, error.value) == (where, field, value)
    with pytest.raises(MsqError, match="p: board: Pynq-Z1, but the build is for Ultra96"):
        plan.check_board("Ultra96", plan.part, "p")
    with pytest.raises(MsqError, match="p: part: xc7z020clg400-1, but Pynq-Z1 has xc7z045; plan"):
        plan.check_board("Pynq-Z1", "xc7z045", "p")


def test_layers_are_matched_by_name_else_by_shape(plan: Plan):
    conv, fc = NETWORK.layers
    turned = fits_network(plan, Network("turned", (fc, conv)), "p")
    assert [layer.name for layer in turned] == [fc.name, conv.name]
    renamed = replace(conv, name="MVAU_0"), replace(fc, name="MVAU_1")
    assert fits_network(plan, Network("renamed", renamed), "p") == plan.layers
    alike = plan.model_copy(deep=True)
    alike.layers[1] = alike.layers[0].model_copy(update={"name": "other"})
    both = replace(conv, name="MVAU_0"), replace(conv, name="MVAU_1")
    with pytest.raises(MsqError, match="p: layers: conv1 and other are of one shape, and the mod"):
        fits_network(alike, Network("alike", both), "p")
    own = replace(conv, name="other"), conv
    assert fits_network(alike, Network("own", own), "p")[0].name == "other"


def test_more_lanes_than_the_board(tmp_path: Path):
    """Lanes that a user added to a plan whose figures are of before."""
    network = Network("wide", (Layer("conv", 1024, 512, 64), Layer("fc", 64, 4, 1, steps=0)))
    made = make_plan(network, "Pynq-Z1", "xc7z020clg400-1", "DSP48E1", target_fps=100).plan
    fits_board(made, network, "DSP48E1", "p")
    folding = {
        "simd": 16,
        "memory": "block",
        "rows": {"fixed_4": 512},
    }
    for kind, name, whole in (("fixed_4_dsp", "DSP slices", 220), ("fixed_4_lut", "LUTs", 53200)):
        content = made.model_dump()
        content["layers"][0] |= {**folding, "lanes": {kind: 512}}
        (tmp_path / "plan.yaml").write_text(yaml.safe_dump(content))
        message = rf"p: layer conv: lanes: .* \d+ {name}, .* Pynq-Z1 has {whole}; give fewer"
        with pytest.raises(MsqError, match=message):
            fits_board(Plan.load(tmp_path / "plan.yaml"), network, "DSP48E1", "p")


def test_a_pipe_is_no_plan(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(MsqError, match="pipe: is no file"):
        Plan.load(tmp_path / "pipe")


@pytest.mark.parametrize(
    ("where", "to", "layer", "field"),
    [
        (("layers", 0, "window"), None, "conv", "window"),
        (
            ("layers", 0, "window"),
            {"simd": 1, "parallel": True, "memory": "distributed"},
            "conv",
            "window",
        ),
        (
            ("layers", 1, "window"),
            {"simd": 1, "parallel": False, "memory": "distributed"},
            "fc",
            "window",
        ),
        (("layers", 1, "threshold_pe"), 2, "fc", "threshold_pe"),
    ],
)
def test_streams_that_the_network_has_not(tmp_path: Path, where, to, layer: str, field: str):
    network = Network(
        "net",
        (
            Layer("conv", 36, 8, 16, conv=Conv(4, (4, 4), pad=(1, 1)), demand=rows(2, 2, 4)),
            Layer("fc", 128, 4, 1, steps=0),
        ),
    )
    made = make_plan(network, "Pynq-Z1", "xc7z020clg400-1", "DSP48E1", target_fps=20_000).plan
    content = made.model_dump()
    fits_network(made, network, "p")
    content["layers"][where[1]][where[2]] = to
    (tmp_path / "plan.yaml").write_text(yaml.safe_dump(content))
    with pytest.raises(MsqError) as refused:
        fits_network(Plan.load(tmp_path / "plan.yaml"), network, "p")
    assert (refused.value.where, refused.value.field) == (f"p: layer {layer}", field)
