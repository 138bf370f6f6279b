"""When thresholds are planned to be compared one after another, and what that is worth."""

from __future__ import annotations

from dataclasses import replace

import pytest

from msq_finn.devices import DEVICES
from msq_finn.errors import MsqError
from msq_finn.plan.cost.cost_model import default_model
from msq_finn.plan.cost.memories import table_sites
from msq_finn.plan.cost.point_kinds import SerialThresholds, Thresholds
from msq_finn.plan.file.schema import Plan
from msq_finn.plan.fits import frame_cycles
from msq_finn.plan.frontend.network import Fold, Layer, Network, Node
from msq_finn.plan.frontend.zoo import resnet_cifar
from msq_finn.plan.making import layer_plan, make_plan
from msq_finn.plan.search.budget import Budget
from msq_finn.plan.search.candidates import Catalogue
from msq_finn.plan.search.design import DESIGNS, EDITED, MSQ
from msq_finn.plan.search.optimize import meet
from msq_finn.plan.search.streams import Streams

BUDGET, MODEL = Budget.of(DEVICES["xc7z045"]), default_model()
LAYER = Layer("conv", 144, 16, 64, acc_bits=15)
#: Thresholds that stand alone: of 64 pixels of 16 channels, 4 comparisons each or a pipeline.
ALONE = Node(
    "thresholds",
    "Thresholding",
    "8x8x16",
    (Fold(4096, serial=True), Fold(1024), Fold(512, 2)),
    channels=16,
    in_bits=12,
    steps=15,
)
NETWORK = Network("net", (LAYER, Layer("fc", 16, 4, 1, steps=0)), (ALONE,))


def are_serial(cycles, design=MSQ):
    found = meet(NETWORK, cycles, BUDGET, MODEL, design)
    return found.options[0].back.serial != "none", found.nodes[0][0].serial


def test_they_are_serial_where_there_is_time():
    assert are_serial(4096) == (True, True)
    # At 1024 cycles for the layer's 64 vectors there is time for 4 channels at once, not for one.
    found = meet(NETWORK, 1024, BUDGET, MODEL, MSQ)
    assert found.nodes[0][0] == Fold(1024)
    for option in found.options[:1]:
        planned = layer_plan(LAYER, option)
        assert planned.serial_thresholds == option.back.serial
        assert frame_cycles(planned, LAYER) == option.cycles <= 1024


@pytest.mark.parametrize("design", [DESIGNS["dsp_only"], EDITED], ids=lambda design: design.name)
def test_finns_layers_and_foldings_to_be_edited_have_finns(design):
    assert are_serial(4096, design) == (False, False)


def test_every_choice_meets_the_target_and_the_cheapest_is_there():
    streams = Streams(MODEL, True, True)
    for cycles in (256, 1024, 4096):
        backs = streams.backs(LAYER, 16, 0, cycles)
        for back in backs:
            words = LAYER.vectors * LAYER.mh // back.pe
            assert back.cycles == words * (1 if back.serial == "none" else 4) <= cycles
    assert {back.serial for back in backs} == {"distributed", "block"}
    finns = Streams(MODEL, True).backs(LAYER, 16, 0, 4096)
    assert min(b.cost.lut for b in backs) < min(b.cost.lut for b in finns) - 100


def test_sums_of_branches_are_serial_too():
    """Of a residual network only the lanes' own thresholds are in the plan, yet all count."""
    pipelined = replace(MSQ, serial_thresholds=False)
    network = resnet_cifar(1)
    adds = next(layer for layer in network.layers if layer.adds)
    costs = {
        design.serial_thresholds: Catalogue(network, design, MODEL)
        .streams._cheapest(adds.mh, 1, 5, 15, 10**6)
        .lut
        for design in (MSQ, pipelined)
    }
    assert costs[True] < costs[False] / 2


def test_they_cost_what_runs_say():
    """With 64 and 16 channels, 15 thresholds of 16 bits."""
    deep, shallow = (64, 1, 16), (16, 1, 16)
    in_block_ram = MODEL.cost(SerialThresholds(*deep, style="block"))
    assert in_block_ram.bram == 0.5
    assert in_block_ram.lut < 30 < MODEL.lut(Thresholds(*deep)) - 270
    assert MODEL.lut(SerialThresholds(*shallow)) < 85 < MODEL.lut(Thresholds(*shallow)) - 40


def test_tables_are_counted_as_they_are_laid_out():
    """Twice as many words take twice as many LUTs, and unlike halves one more to select."""
    assert [table_sites(2**k) for k in range(5, 9)] == [0.5, 1, 2, 4]
    assert table_sites(65) == 1 + 0.5 + 1
    assert table_sites(192) == 2 + 1 + 1


def test_a_plan_says_so_and_is_read_again(tmp_path):
    made = make_plan(NETWORK, "Pynq-Z1", "xc7z020clg400-1", "DSP48E1", target_fps=24_000)
    path = made.save(tmp_path / "plan.yaml").with_name("plan.yaml")
    style, last = (la.serial_thresholds for la in Plan.load(path).layers)
    assert style in ("distributed", "block") and last == "none"
    text = path.read_text()
    path.write_text(text.replace(f"serial_thresholds: {style}", "serial_thresholds: ultra"))
    with pytest.raises(MsqError, match="layer conv: serial_thresholds: input should be 'none'"):
        Plan.load(path)
    # Plans of before know nothing of it.
    lines = [line for line in text.splitlines() if "serial_thresholds" not in line]
    path.write_text("\n".join(lines))
    assert [la.serial_thresholds for la in Plan.load(path).layers] == ["none", "none"]
