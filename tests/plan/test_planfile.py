"""Plan files: written, edited, refused."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from msq_finn.errors import MsqError
from msq_finn.plan.making import make_plan
from msq_finn.plan.network import Conv, Layer, Network, Rows
from msq_finn.plan.plan_fits import fits_board, fits_network
from msq_finn.plan.planfile import Plan
from msq_finn.plan.request import shares_of
from msq_finn.plan.zoo import resnet_cifar

NETWORK = Network(
    "tiny", (Layer("conv1", 16, 8, 64, rows=Rows(2, 2, 4)), Layer("fc", 8, 4, 1, steps=0))
)


def _plan(**options: Any) -> Plan:
    return make_plan(NETWORK, "Pynq-Z1", "xc7z020clg400-1", "DSP48E1", **options)


@pytest.fixture(scope="module")
def plan() -> Plan:
    # Slow enough that weights come from a memory.
    return _plan(target_fps=40_000)


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
    assert plan["conv1"].sp2_ratio == plan["conv1"].rows.sp2_4 / 8
    with pytest.raises(MsqError, match="no layer 'conv9'; it has conv1, fc"):
        plan["conv9"]


def test_figures_agree(plan: Plan):
    totals = plan.totals
    assert totals.cycles == max(layer.cycles for layer in plan.layers)
    assert totals.fps == pytest.approx(1e8 / totals.cycles, rel=1e-4)
    assert totals.gops == pytest.approx(2 * (16 * 8 * 64 + 8 * 4) * totals.fps / 1e9, rel=1e-3)
    assert totals.resources.lut == pytest.approx(sum(la.resources.lut for la in plan.layers), abs=2)
    assert plan[totals.bottleneck].cycles == totals.cycles
    for layer in plan.layers:
        assert layer.rows.sp2_4 + layer.rows.fixed_4 == layer.mh
    rows = plan["conv1"].rows
    assert rows.sp2_4 >= 2 and rows.fixed_4 >= 2


def test_a_target_is_planned_for():
    slow = _plan(target_fps=20_000)
    assert 20_000 <= slow.totals.fps < _plan().totals.fps
    assert slow.totals.limited_by == "target"


def test_what_cannot_be_is_refused():
    with pytest.raises(MsqError, match=r"--target-fps 1000000000: tiny reaches \d+ frames"):
        _plan(target_fps=1e9)


@pytest.mark.parametrize(
    ("budget", "lack"),
    [
        ("ff=0.005", r"flip-flops: there are 532, and the cheapest folding takes \d{4};"),
        ("lut=0.005", r"LUTs: there are 266, and the cheapest folding takes \d{5};"),
        ("lut=0.005,ff=0.005", "several at once: there are 266 LUTs, 220 DSP slices, .* 532 flip"),
    ],
)
def test_a_board_that_is_too_small_lacks_what_is_named(budget: str, lack: str):
    message = f"resnet8 does not fit Pynq-Z1 at any speed, for lack of {lack}"
    with pytest.raises(MsqError, match=message):
        make_plan(
            resnet_cifar(1), "Pynq-Z1", "xc7z020clg400-1", "DSP48E1", shares=shares_of(budget)
        )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("lut=1.5", "budget 'lut=1.5': give a share above 0 and at most 1"),
        ("lut=0", "above 0"),
        ("luts=0.5", "give a share of lut=, dsp=, bram=, lutram=, ff=, as"),
        ("lut=much", "'much' is no number"),
        ("lut=nan", "above 0"),
        ("lut=0.8,lut=0.5", "budget 'lut=0.5': lut is given twice"),
    ],
)
def test_bad_budgets(text: str, message: str):
    with pytest.raises(MsqError, match=message):
        shares_of(text)


@pytest.mark.parametrize(
    ("where", "to", "message"),
    [
        (("version",), 7, "version: 7 is not supported"),
        (("version",), True, "version: True is not supported"),
        (("version",), [[1]], "version: list is not supported"),
        (("clk_ns",), float("inf"), "clk_ns: inf is not within 0.1 to 10000 ns"),
        (("layers", 0, "simd"), 3, "layer conv1: simd: 3 does not divide MW = 16"),
        (("layers", 0, "simd"), "four", "layer conv1: simd: input should be a valid integer"),
        (("layers", 0, "lanes", "sp2_4_lut"), 9, "layer conv1: lanes: their sum"),
        (("layers", 0, "lanes", "sp2_4_lut"), -1, "layer conv1: lanes.sp2_4_lut: .*greater than"),
        (("layers", 0, "rows"), {"sp2_4": 9, "fixed_4": 0}, "layer conv1: rows: sum to 9"),
        (("layers", 0, "rows"), {"sp2_4": 1, "fixed_4": 7}, "layer conv1: rows: 1 SP2 rows do not"),
        (("layers", 0, "sp2_ratio"), 0.123, "layer conv1: sp2_ratio: 0.123 is not"),
        (("layers", 0, "threshold_pe"), 3, "layer conv1: threshold_pe: 3 does not divide MH = 8"),
        (("layers", 0, "cycles"), 1, "layer conv1: cycles: 1, but this folding takes"),
        (("layers", 0, "memory"), "paper", "layer conv1: memory: input should be 'distributed'"),
        (("layers", 0, "colour"), "red", "layer conv1: colour: extra inputs are not permitted"),
        (("layers", 1, "name"), "conv1", "layer conv1: name: another layer has it"),
        (("clk_ns",), 0, "clk_ns: input should be greater than 0"),
        (("layers",), "none", "layers: input should be a valid list"),
        (("layers",), [], "totals: cycles: .*, but the slowest layer takes 0"),
        (("totals", "cycles"), 1, "totals: cycles: 1, but the slowest layer takes"),
        (("totals", "bottleneck"), "conv9", "totals: bottleneck: conv9, but conv1 take"),
        (("totals", "bottleneck"), "fc", "totals: bottleneck: fc, but conv1 take"),
    ],
)
def test_illegal_edits_name_layer_and_field(edited, where, to, message: str):
    with pytest.raises(MsqError, match=message):
        Plan.load(edited(*where, to=to))


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


def test_embedded_lanes_are_checked(tmp_path: Path):
    fast = _plan(target_fps=400_000)
    layer = fast["conv1"]
    assert layer.memory == "embedded" and layer.lanes.embedded_lut == layer.lanes.pe
    # Rows that may be either are fixed point.
    assert (layer.rows.sp2_4, layer.rows.fixed_4) == (2, 6)
    path = tmp_path / "plan.yaml"
    for change, message in (
        ({"memory": "block"}, "layer conv1: memory: block does not suit"),
        ({"simd": 1, "cycles": 10**6}, "layer conv1: lanes: a vector takes .* weights of 16"),
    ):
        content = fast.model_dump()
        content["layers"][0] |= change
        path.write_text(yaml.safe_dump(content))
        with pytest.raises(MsqError, match=message):
            Plan.load(path)
    # Whatever the weights are, they fit.
    sp2 = Layer("conv1", 16, 8, 64, rows=Rows(8, 0, 0))
    fits_network(fast, Network("sp2", (sp2, NETWORK.layers[1])), "p")


def test_a_plan_for_another_network_is_refused(plan: Plan):
    fits_network(plan, NETWORK, "p")
    conv, fc = NETWORK.layers
    with pytest.raises(MsqError, match="p: layers: 2, but the model has 1"):
        fits_network(plan, Network("one", (conv,)), "p")
    wide = Layer("conv1", 32, 8, 64)
    with pytest.raises(MsqError, match="p: layer conv1: mw: 16, but the model's is 32"):
        fits_network(plan, Network("wide", (wide, fc)), "p")
    sp2 = Layer("conv1", 16, 8, 64, rows=Rows(8, 0, 0))
    with pytest.raises(MsqError, match=r"p: layer conv1: rows: .*at least 8 and 0"):
        fits_network(plan, Network("sp2", (sp2, fc)), "p")
    with pytest.raises(MsqError, match="p: board: Pynq-Z1, but the build is for Ultra96"):
        plan.check_board("Ultra96", plan.part, "p")
    with pytest.raises(MsqError, match="p: part: xc7z020clg400-1, but Pynq-Z1 has xc7z045; plan"):
        plan.check_board("Pynq-Z1", "xc7z045", "p")


def test_more_lanes_than_the_board(tmp_path: Path):
    """Lanes that a user added to a plan whose figures are of before."""
    network = Network("wide", (Layer("conv", 1024, 512, 64), Layer("fc", 64, 4, 1, steps=0)))
    made = make_plan(network, "Pynq-Z1", "xc7z020clg400-1", "DSP48E1", target_fps=100)
    fits_board(made, network, "DSP48E1", "p")
    folding = {
        "simd": 16,
        "memory": "block",
        "sp2_ratio": 0.0,
        "rows": {"sp2_4": 0, "fixed_4": 512},
    }
    for kind, name, whole in (("fixed_4_dsp", "DSP slices", 220), ("fixed_4_lut", "LUTs", 53200)):
        content = made.model_dump()
        lanes = {"sp2_4_lut": 0, "fixed_4_lut": 0, "fixed_4_dsp": 0, kind: 512}
        content["layers"][0] |= {**folding, "lanes": lanes}
        (tmp_path / "plan.yaml").write_text(yaml.safe_dump(content))
        message = rf"p: layer conv: lanes: .* \d+ {name}, .* Pynq-Z1 has {whole}; give fewer"
        with pytest.raises(MsqError, match=message):
            fits_board(Plan.load(tmp_path / "plan.yaml"), network, "DSP48E1", "p")


def test_a_pipe_is_no_plan(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(MsqError, match="pipe: is no file"):
        Plan.load(tmp_path / "pipe")


@pytest.mark.parametrize(
    ("where", "to", "message"),
    [
        (("layers", 0, "window"), None, "layer conv: window: none, but the layer is a convolution"),
        (
            ("layers", 0, "window"),
            {"simd": 1, "parallel": True, "memory": "distributed"},
            "layer conv: window: simd: 1, but a parallel one takes all channels",
        ),
        (
            ("layers", 1, "window"),
            {"simd": 1, "parallel": False, "memory": "distributed"},
            "layer fc: window: the layer has none; remove it",
        ),
        (("layers", 1, "threshold_pe"), 2, "layer fc: threshold_pe: the layer has no thresholds"),
    ],
)
def test_streams_that_the_network_has_not(tmp_path: Path, where, to, message: str):
    network = Network(
        "net",
        (
            Layer("conv", 36, 8, 16, conv=Conv(4, (4, 4), pad=(1, 1)), rows=Rows(2, 2, 4)),
            Layer("fc", 128, 4, 1, steps=0),
        ),
    )
    made = make_plan(network, "Pynq-Z1", "xc7z020clg400-1", "DSP48E1", target_fps=20_000)
    content = made.model_dump()
    fits_network(made, network, "p")
    content["layers"][where[1]][where[2]] = to
    (tmp_path / "plan.yaml").write_text(yaml.safe_dump(content))
    with pytest.raises(MsqError, match=message):
        fits_network(Plan.load(tmp_path / "plan.yaml"), network, "p")
