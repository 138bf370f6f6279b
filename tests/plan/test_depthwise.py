"""Depthwise layers: which lanes are planned, and that they are built and cost as planned."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
import yaml
from torch import nn

from msq_finn.errors import MsqError
from msq_finn.lanes.demand import PAIR, Demand
from msq_finn.models import LayerFactory, PixelQuant
from msq_finn.plan.cost.cost_model import add, default_model
from msq_finn.plan.cost.lane_costs import LaneCosts
from msq_finn.plan.file.schema import Plan
from msq_finn.plan.fits import fits_network
from msq_finn.plan.frontend.network import Conv, Layer, Network
from msq_finn.plan.frontend.request import shares_of
from msq_finn.plan.frontend.windows import window_cycles
from msq_finn.plan.making import make_plan
from msq_finn.plan.report.outcome import Outcome
from msq_finn.plan.search.design import DESIGNS, MSQ, PLANNED, Design
from msq_finn.plan.search.splits import splits
from msq_finn.quant import MSQWeightPerChannelFloat

PART = "xc7z020clg400-1"

WINDOW = Conv(16, (8, 8), pad=(1, 1))
LAYER = Layer("dw", 9, 16, 64, conv=WINDOW, depthwise=True)
NETWORK = Network("tiny", (LAYER, Layer("pw", 16, 8, 64), Layer("fc", 8, 4, 1, steps=0)))

#: Shares of the Zynq's 220 DSPs: all of them, and one.
DSPS, ONE_DSP = "dsp=1", "dsp=0.005"


def planned(network: Network, budget: str, fps: float) -> Outcome:
    shares = shares_of(budget)
    return make_plan(network, "Pynq-Z1", PART, "DSP48E1", target_fps=fps, shares=shares)


def rows(sp2: int, fixed: int, either: int) -> Demand:
    return Demand({("sp2_4",): sp2, ("fixed_4",): fixed, PAIR: either})


def split(layer: Layer, design: Design, simd: int, pe: int) -> list[dict[str, int]]:
    costs = LaneCosts(default_model(), layer)
    found = splits(layer, design, simd, pe, costs.pack, costs.beats)
    return [dict(lanes) for lanes in found]


def test_dsp_lanes_take_any_rows_and_lut_lanes_those_of_one_scheme():
    mixed = replace(LAYER, demand=rows(4, 4, 8))
    assert split(mixed, MSQ, 1, 8) == [{"int_5_dsp": 8}]
    assert split(mixed, MSQ, 3, 16) == []
    fixed = replace(LAYER, demand=rows(0, 4, 12))
    assert split(fixed, MSQ, 1, 4) == [
        {"int_5_dsp": 4},
        {"fixed_4_lut": 4},
        {"fixed_4_lut": 2, "int_5_dsp": 2},
    ]
    assert split(LAYER, MSQ, 3, 16) == [{"sp2_4_lut": 16}, {"fixed_4_lut": 16}]
    # Of rows that may be either, those on LUTs are SP2 in a plan, and fixed point without SP2.
    assert split(LAYER, PLANNED, 3, 16) == [{"sp2_4_lut": 16}]
    assert split(LAYER, DESIGNS["dsp_plus_fixed_lut"], 3, 16) == [{"fixed_4_lut": 16}]
    wide = replace(LAYER, demand=Demand({PAIR: 8, ("fixed_8",): 8}))
    assert split(wide, MSQ, 1, 8) == [{"int_8_dsp": 8}]
    powers = replace(LAYER, demand=Demand({("pot_4",): 16}))
    assert {"pot_4_lut": 16} in split(powers, MSQ, 3, 16)


def test_dsps_decide_between_the_lanes():
    many, one = (planned(NETWORK, budget, 60_000) for budget in (DSPS, ONE_DSP))
    lanes = many.plan["dw"].lanes
    assert dict(lanes) == {"int_5_dsp": lanes.pe} and lanes.pe > 2
    assert many["dw"].resources.dsp == lanes.pe // 2
    assert one["dw"].resources.dsp <= 1
    luts = one.plan["dw"].lanes["sp2_4_lut"]
    assert luts >= one.plan["dw"].lanes.pe - 2 and one.plan["dw"].rows == {"sp2_4": 16}
    assert one["dw"].resources.lut > many["dw"].resources.lut + 10 * luts


def test_windows_that_leave_by_channel_take_longer_at_a_stride():
    # FINN, ConvolutionInputGenerator_rtl.get_exp_cycles: a row's columns each wait for the folds.
    conv = replace(WINDOW, stride=(2, 2))
    plain, by_channel = (window_cycles(conv, 4, False, kind) for kind in (False, True))
    assert by_channel == plain + 10 * 4 + 4 * 4 * 3
    assert window_cycles(WINDOW, 4, False, True) == window_cycles(WINDOW, 4, False)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"depthwise": False}, "lanes: mvau_msq has no lanes of kind int_5_dsp"),
        ({"lanes": {"fixed_4_dsp": 4}}, "lanes: vvau_msq has no lanes of kind fixed_4_dsp"),
        ({"simd": 3}, "simd: 3, but only LUT lanes of all 16 channels"),
        ({"window": {"simd": 2, "parallel": False, "memory": "block"}}, "window: simd is to be"),
        (
            {"lanes": {"sp2_4_lut": 2, "int_5_dsp": 2}, "rows": {"fixed_4": 16}},
            "rows: all 16 rows of fixed_4 find lanes for 8",
        ),
    ],
)
def test_illegal_edits_are_refused(tmp_path: Path, change, message: str):
    content = planned(NETWORK, DSPS, 40_000).plan.model_dump()
    layer = content["layers"][0]
    layer |= {"simd": 1, "lanes": {"int_5_dsp": 4}}
    layer |= {"window": {"simd": 4, "parallel": False, "memory": "distributed"}}
    path = tmp_path / "plan.yaml"
    path.write_text(yaml.safe_dump(content))
    Plan.load(path)
    content["layers"][0] |= change
    path.write_text(yaml.safe_dump(content))
    with pytest.raises(MsqError, match=f"layer dw: {message}"):
        Plan.load(path)


def test_rows_that_the_lanes_do_not_take_are_refused():
    plan = planned(NETWORK, ONE_DSP, 60_000).plan

    def against(**changes: object) -> None:
        layers = (replace(LAYER, **changes), *NETWORK.layers[1:])  # type: ignore[arg-type]
        fits_network(plan, Network("other", layers), "p")

    against()
    with pytest.raises(
        MsqError, match="layer dw: lanes: of the weights, all 16 rows of fixed_4 find"
    ):
        against(demand=rows(0, 16, 0))
    with pytest.raises(MsqError, match="layer dw: lanes: of the weights, 2 rows of fixed_8 find"):
        against(demand=Demand({PAIR: 14, ("fixed_8",): 2}))
    with pytest.raises(MsqError, match="layer dw: depthwise: True, but the model's is False"):
        against(depthwise=False)


def small_mobilenet() -> nn.Module:
    """Two depthwise and two pointwise layers, for 8x8 images."""
    torch.manual_seed(0)
    make = LayerFactory(MSQWeightPerChannelFloat, {})
    return nn.Sequential(
        make.identity(PixelQuant),
        make.conv_relu(1, 8, stride=2),
        make.conv_relu(8, 8, groups=8),
        make.conv_relu(8, 16, 1),
        make.conv_relu(16, 16, groups=16, stride=2),
        make.conv_relu(16, 16, 1),
        nn.Flatten(),
        make.classifier(64, 5),
    )


@pytest.mark.parametrize("budget", [pytest.param(DSPS, marks=pytest.mark.slow), ONE_DSP])
def test_a_network_is_built_as_planned(tmp_path: Path, budget: str):
    pytest.importorskip("finn")
    from qonnx.custom_op.registry import getCustomOp

    from msq_finn.build.generate import generate
    from msq_finn.build.stitch import stitch
    from msq_finn.lowering.cycles import predicted_interval
    from msq_finn.lowering.lower import Target
    from msq_finn.plan.frontend.source import network_of_module
    from msq_finn.synth.module_resources import NodeSpec, measure_nodes
    from msq_finn.training.assign import assign_rows
    from msq_finn.training.couple import coupled_layers
    from tests.build.networks import exported

    network = network_of_module(small_mobilenet(), "mobilenet", "Pynq-Z1", (1, 8, 8))
    assert [(la.mw, la.mh) for la in network.layers if la.depthwise] == [(9, 8), (9, 16)]
    outcome = planned(network, budget, 500_000)
    plan = outcome.plan
    path = tmp_path / "plan.yaml"
    plan.save(path)
    model = small_mobilenet()
    assign_rows(model, Plan.load(path), coupled=coupled_layers(model))
    model.train()
    with torch.no_grad():
        for _ in range(20):
            model(torch.rand(8, 1, 8, 8))
    source = exported(model.eval(), tmp_path / "model.onnx", (1, 1, 8, 8))
    lowered = generate(source, Target("Pynq-Z1", plan=path), tmp_path)
    assert 0.95 <= predicted_interval(lowered.model) / outcome.totals.cycles <= 1

    parts = {name: (top, files) for name, top, files in stitch(lowered.model, tmp_path).parts}
    layers = [la for la in network.layers if la.depthwise]
    nodes = lowered.model.get_nodes_by_op_type("VVAU_MSQ_rtl")
    assert len(nodes) == len(layers) == 2
    for node, layer in zip(nodes, layers, strict=True):
        op, said = getCustomOp(node), plan[layer.name]
        assert op.lanes() == said.lanes
        assert (op.get_nodeattr("SIMD"), op.get_nodeattr("ram_style")) == (said.simd, said.memory)
        assert (said.lanes.get("int_5_dsp", 0) == said.lanes.pe) == (budget == DSPS)
        # What the plan says of the lanes and their weights, against synthesis.
        names = [name for name in (node.name, f"{node.name}_weights") if name in parts]
        took = measure_nodes([NodeSpec(name, *parts[name]) for name in names], jobs=1).values()
        costs = LaneCosts(default_model(), layer)
        memory = costs.memory(said.simd, said.lanes, said.memory)
        cost = add((costs.compute(said.simd, said.lanes), memory))
        assert cost.dsp == sum(run.dsp for run in took)
        assert cost.bram == sum(run.bram36 for run in took)
        assert cost.lut == pytest.approx(sum(run.lut_sites for run in took), rel=0.1, abs=4)
