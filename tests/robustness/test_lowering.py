"""Input that only FINN's lowering finds fault with."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from msq_finn.devices import DEVICES
from msq_finn.lanes.demand import Demand
from msq_finn.plan.file.schema import Plan
from msq_finn.plan.frontend.network import Conv, Layer, Network
from msq_finn.plan.making import make_plan

from . import models as m
from .conftest import REACHED
from .files import damaged_files
from .graphs import odd_but_fine, refused_by_finn

pytestmark = pytest.mark.usefixtures("lowering_only")


def lowered(model_bytes, refused, tmp_path, *options, **expected):
    (tmp_path / "model.onnx").write_bytes(model_bytes)
    return refused("build", "model.onnx", "-o", "out", *options, **expected)


def test_the_valid_model_is_lowered(refused, tmp_path):
    lowered(m.as_bytes(m.valid()), refused, tmp_path, text=REACHED)


@pytest.mark.parametrize(
    ("graph", "text"), [pytest.param(*rest, id=name) for name, *rest in refused_by_finn()]
)
def test_unsuitable_graphs(refused, tmp_path, graph, text):
    assert REACHED not in lowered(m.as_bytes(graph), refused, tmp_path, text=text)


@pytest.mark.parametrize("graph", [pytest.param(g, id=name) for name, g in odd_but_fine()])
def test_odd_graphs_are_lowered(refused, tmp_path, graph):
    lowered(m.as_bytes(graph), refused, tmp_path, text=REACHED)


FOLDINGS = [
    {"SIMD": 0},
    {"SIMD": -3},
    {"SIMD": 10**12},
    {"SIMD": 1.5},
    {"SIMD": "three"},
    {"SIMD": None},
    {"SIMD": [3]},
    {"PE": 3},
    {"PE": {}},
    {"SIMDD": 3},
    {"lanes": "all"},
    {"mem_mode": "magic"},
    {"laneKinds": 7},
    {"laneCounts": ["a", "b", "c"]},
    {"laneCounts": [10**9, 0, 0]},
]


@pytest.mark.parametrize("attributes", FOLDINGS, ids=json.dumps)
def test_foldings_that_hardware_cannot_do(refused, tmp_path, attributes):
    (tmp_path / "folding.json").write_text(json.dumps({"MVAU_MSQ_rtl_0": attributes}))
    model = m.as_bytes(m.valid())
    line = lowered(model, refused, tmp_path, "--folding-config", "folding.json")
    assert REACHED not in line


def test_foldings_of_nodes_that_are_not_there(refused, tmp_path):
    """One that is there, FINN's defaults, and one that is not."""
    folding = {"Defaults": {"ram_style": ["auto", ["MVAU_MSQ_rtl"]]}, "MVAU_MSQ_rtl_0": {"SIMD": 9}}
    (tmp_path / "folding.json").write_text(json.dumps(folding))
    model, options = m.as_bytes(m.valid()), ("--folding-config", "folding.json")
    lowered(model, refused, tmp_path, *options, text=REACHED)
    (tmp_path / "folding.json").write_text(json.dumps({**folding, "MVAU_MSQ_rtl_7": {"SIMD": 1}}))
    text = "folding.json: no node is named MVAU_MSQ_rtl_7; those that can be folded are "
    assert "MVAU_MSQ_rtl_0" in lowered(model, refused, tmp_path, *options, text=text)


def test_strange_names_of_tensors_and_nodes(refused, tmp_path):
    model = m.as_bytes(m.valid())
    for name, strange in (
        (b"quant_r_q", b"../../r;$"),
        (b"conv_w", b"`a b`\n"),
        (b"relu", b"'\"%\\"),
    ):
        assert len(name) == len(strange)
        model = model.replace(name, strange)
    lowered(model, refused, tmp_path, text=REACHED)


@pytest.mark.parametrize("options", [("--target-fps", str(10**15)), ("--clk", "10000ns")])
def test_extreme_targets(refused, tmp_path, options):
    lowered(m.as_bytes(m.valid()), refused, tmp_path, *options)


def test_damage_that_leaves_a_valid_file(refused, tmp_path):
    for _, contents, _ in damaged_files():
        lowered(m.as_bytes(contents), refused, tmp_path)


def test_plans_for_other_networks(refused, tmp_path):
    model = m.as_bytes(m.valid())
    for layers, text in (
        ((Layer("conv", 9, 4, 16),), "plan.yaml: layers: 1, but the model has 2 4-bit ones"),
        (
            (
                Layer(
                    "conv",
                    9,
                    4,
                    16,
                    conv=Conv(1, (4, 4), pad=(1, 1)),
                    demand=Demand({("sp2_4",): 2, ("fixed_4",): 2}),
                ),
                Layer("fc", 32, 3, 1),
            ),
            "plan.yaml: layers: none is called MVAU_MSQ_rtl_1 or has its 3x64 weights, 1 vectors; "
            "it is for another network, plan again",
        ),
    ):
        network = Network("other", layers)
        made = make_plan(network, "Pynq-Z1", "xc7z020clg400-1", "DSP48E1", target_fps=40_000)
        made.plan.save(tmp_path / "plan.yaml")
        lowered(model, refused, tmp_path, "--plan", "plan.yaml", text=text)


def test_plans_with_more_lanes_than_the_board(refused, tmp_path, monkeypatch):
    """A board of 1 DSP slice, and a plan for one of 220."""
    network = Network(
        "small",
        (
            Layer(
                "conv",
                9,
                4,
                16,
                conv=Conv(1, (4, 4), pad=(1, 1)),
                demand=Demand({("sp2_4",): 2, ("fixed_4",): 2}),
            ),
            Layer(
                "fc",
                64,
                3,
                1,
                steps=0,
                demand=Demand({("sp2_4",): 0, ("fixed_4",): 3}),
                ordered=True,
            ),
        ),
    )
    made = make_plan(network, "Pynq-Z1", "xc7z020clg400-1", "DSP48E1")
    content = made.plan.model_dump()
    content["layers"][1] |= {"simd": 16, "lanes": {"fixed_4_dsp": 3}, "memory": "distributed"}
    Plan.model_validate(content).save(tmp_path / "plan.yaml")
    model, options = m.as_bytes(m.valid()), ("--plan", "plan.yaml")
    lowered(model, refused, tmp_path, *options, text=REACHED)
    monkeypatch.setitem(DEVICES, "xc7z020", replace(DEVICES["xc7z020"], dsp=1))
    text = "plan.yaml: layer fc: lanes: those of all layers take about 16 DSP slices, of which"
    lowered(model, refused, tmp_path, *options, text=text)
