"""Several pixels a cycle: where windows lie in words, when they are planned, what is refused."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import yaml

from msq_finn.devices import DEVICES
from msq_finn.errors import MsqError
from msq_finn.lanes.demand import Demand
from msq_finn.plan.cost.cost_model import default_model
from msq_finn.plan.cost.lane_costs import LaneCosts
from msq_finn.plan.cost.point_kinds import Thresholds
from msq_finn.plan.file.schema import Plan
from msq_finn.plan.fits import fits_network, frame_cycles
from msq_finn.plan.frontend.network import Conv, Layer, Network
from msq_finn.plan.frontend.pixels import pixel_cycles, windows_at
from msq_finn.plan.frontend.zoo import resnet_cifar, vgg10_radioml
from msq_finn.plan.making import layer_plan, make_plan
from msq_finn.plan.search.budget import Budget
from msq_finn.plan.search.design import DESIGNS, EDITED, MSQ
from msq_finn.plan.search.optimize import meet
from msq_finn.rtl.pixel_words import pixel_words

BUDGET = Budget.of(DEVICES["xc7z045"])


@pytest.mark.parametrize("pixels", [2, 4, 8])
def test_windows_lie_where_they_do_in_single_pixels(pixels: int):
    """Each window's pixels, counted in the row of words, are those it has in the padded row."""
    found = 0
    shapes = product(range(8, 41), range(1, 8), range(1, 5), range(3), range(3))
    for row, kernel, stride, left, right in shapes:
        words = pixel_words(row, kernel, stride, (left, right), pixels)
        if words is None:
            continue
        found += 1
        starts = [
            group * pixels - words.before * pixels + place[0]
            for group in range(words.results)
            for place in words.places(kernel)
        ]
        assert starts == list(range(-left, row + right - kernel + 1, stride))
        length = words.before + row // pixels + words.after
        assert length == words.results - 1 + words.kernel
        assert max(max(place) for place in words.places(kernel)) < words.kernel * pixels
    assert found > 100


def pixels_of(network: Network, cycles: int, design: Any = MSQ) -> list[int] | None:
    found = meet(network, cycles, BUDGET, default_model(), design)
    return None if found is None else [option.pixels for option in found.options]


def test_as_few_pixels_are_taken_as_meet_the_target():
    """Rows of ResNet-8's largest maps are 34 words with padding, then 18 or 10 a row of 34."""
    network = resnet_cifar(1)
    assert set(pixels_of(network, 34 * 34 + 2) or ()) == {1}
    # Both readers of the map: the strided ones' windows leave one at a time.
    assert pixels_of(network, 34 * 34 - 1) == [2, 2, 2, 2, 1, 1, 1, 1, 1, 1]
    assert pixels_of(network, 34 * 18 + 2) == [2, 2, 2, 2, 1, 2, 1, 1, 1, 1]
    assert meet(network, 34 * 34 - 1, BUDGET, default_model(), DESIGNS["dsp_only"]) is None


def test_cycles_are_those_of_the_file_and_pools_keep_up():
    network = vgg10_radioml()
    found = meet(network, 520, BUDGET, default_model(), MSQ)
    assert found is not None
    layers = [layer_plan(*each) for each in zip(network.layers, found.options, strict=True)]
    assert [layer.pixels for layer in layers] == [2, *[1] * 9]
    spent = [frame_cycles(*each) for each in zip(layers, network.layers, strict=True)]
    assert max(spent) == max(option.cycles for option in found.options) == 516
    assert [fold.pixels for fold, _ in found.nodes] == [2, *[1] * 6]


def test_every_window_has_lanes_of_its_own():
    model, conv = default_model(), Conv(8, (16, 16), pad=(1, 1))
    layer = Layer("conv", 72, 8, 256, conv=conv)
    network = Network("net", (layer, Layer("fc", 8, 4, 1, steps=0)))
    found = meet(network, 200, BUDGET, model, MSQ)
    assert found is not None
    option = found.options[0]
    assert (option.pixels, option.simd, dict(option.lanes)) == (2, 72, {"embedded_lut": 8})
    each = LaneCosts(model, layer).compute(72, option.lanes).lut
    around = option.front.cost.lut + option.back.cost.lut
    assert option.cost.lut == pytest.approx(2 * each + around)
    # Thresholds are compared for all channels of both, in as many lanes.
    one = model.cost(Thresholds(8, 8, layer.acc_bits, 15)).lut
    assert option.back.cost.lut > 1.8 * one


def test_what_leaves_the_accelerator_or_is_dilated_takes_one_pixel():
    conv = Conv(8, (16, 16), pad=(1, 1))
    assert windows_at(Layer("conv", 72, 8, 256, conv=conv), 2) == 2
    assert windows_at(Layer("last", 72, 8, 256, conv=conv, steps=0), 2) is None
    dilated = Conv(8, (16, 16), pad=(1, 1), plain=False)
    assert windows_at(Layer("conv", 72, 8, 256, conv=dilated), 2) is None


def test_a_narrow_map_with_zeros_beside_it_is_no_signal():
    """Of its rows, words of several pixels would have the zeros between them."""
    signal = Conv(2, (16, 1), kernel=(3, 1), pad=(1, 0))
    assert windows_at(Layer("conv", 6, 4, 16, conv=signal), 2) == 2
    beside = Conv(2, (16, 1), kernel=(3, 3), pad=(1, 1))
    assert windows_at(Layer("conv", 18, 4, 16, conv=beside), 2) is None


def test_zeros_around_pixels_are_windows_of_one_pixel():
    """A 1x1 layer behind padding has a generator, which takes several pixels, or one."""
    zeros = Layer("conv", 2, 4, 512, conv=Conv(2, (14, 30), kernel=(1, 1), pad=(1, 1)))
    assert (windows_at(zeros, 2), pixel_cycles(zeros, 2)) == (2, 16 * 17 + 2)
    assert windows_at(zeros, 4) is None
    one_side = Conv(2, (16, 32), kernel=(1, 1), plain=False)
    assert windows_at(Layer("conv", 2, 4, 512, conv=one_side), 2) is None
    assert windows_at(Layer("conv", 2, 4, 512, conv=replace(one_side, plain=True)), 2) == 2


NETWORK = Network(
    "net",
    (
        Layer("conv", 36, 8, 256, conv=Conv(4, (16, 16), pad=(1, 1))),
        Layer("odd", 72, 8, 225, conv=Conv(8, (15, 15), pad=(1, 1))),
        Layer("half", 72, 8, 64, conv=Conv(8, (16, 16), stride=(2, 2), pad=(1, 1))),
        Layer("fc", 512, 4, 1, steps=0),
    ),
)


@pytest.mark.parametrize(
    ("layer", "changes", "why"),
    [
        ("conv", {"pixels": 2, "simd": 12}, "simd has to be 36"),
        ("conv", {"pixels": 2, "lanes": {"embedded_lut": 4}}, "the lanes 8"),
        ("conv", {"pixels": 2, "lanes": {"serial_lut": 8}}, "a word a cycle"),
        ("conv", {"pixels": 2, "lanes": {"fixed_4_dsp": 8}}, "hold their weights"),
        ("conv", {"pixels": 2, "threshold_pe": 4}, "threshold_pe has to be 8"),
        ("odd", {"pixels": 2}, "do not come out even"),
        ("half", {"pixels": 2, "window": {"parallel": False}}, "set window.parallel"),
        ("half", {"pixels": 4, "lanes": {"fixed_4_lut": 8}, "simd": 72}, "hold their weights"),
        ("fc", {"pixels": 2}, "do not come out even"),
    ],
)
def test_pixels_that_hardware_cannot_take_are_refused(
    layer: str, changes: dict[str, Any], why: str, tmp_path: Path
):
    made = make_plan(NETWORK, "ZCU104", "xczu7ev-ffvc1156-2-e", "DSP48E2", target_fps=340_000)
    assert [la.pixels for la in made.plan.layers] == [2, 1, 2, 1]
    fits_network(made.plan, NETWORK, "p")
    content = made.plan.model_dump()
    planned = next(la for la in content["layers"] if la["name"] == layer)
    if "window" in changes:
        planned["window"] |= changes.pop("window")
    planned |= changes
    planned["rows"] = {"fixed_4": planned["mh"]}
    path = tmp_path / "plan.yaml"
    path.write_text(yaml.safe_dump(content))
    with pytest.raises(MsqError, match=why) as refused:
        fits_network(Plan.load(path), NETWORK, "p")
    assert (refused.value.where, refused.value.field) == (f"p: layer {layer}", "pixels")


@pytest.mark.parametrize(("stride", "each"), [(1, 2), (2, 1)])
def test_depthwise_layers_take_whole_windows_on_lanes_of_one_kind(stride: int, each: int):
    conv = Conv(8, (16, 16), stride=(stride, stride), pad=(1, 1))
    layer = Layer("dw", 9, 8, 256 // stride**2, conv=conv, depthwise=True)
    network = Network("net", (layer, Layer("fc", 8, 4, 1, steps=0)))
    found = meet(network, 200, BUDGET, default_model(), MSQ)
    assert found is not None
    option = found.options[0]
    assert (option.pixels, option.simd, list(option.lanes.values())) == (2, 9, [8])
    assert option.lanes.of_engine("lut") == 8
    costs = LaneCosts(default_model(), layer)
    own = costs.compute(9, option.lanes).lut + costs.memory(9, option.lanes, option.memory).lut
    around = option.front.cost.lut + option.back.cost.lut
    assert option.cost.lut == pytest.approx(each * own + around)
    # Rows of several number systems have no lanes of one kind.
    mixed = replace(layer, demand=Demand({("sp2_4",): 4, ("fixed_4",): 4}))
    assert meet(replace(network, layers=(mixed,)), 200, BUDGET, default_model(), MSQ) is None


def test_every_generator_of_windows_is_planned(tmp_path: Path):
    conv = Conv(8, (16, 16), kernel=(1, 1), stride=(2, 2))
    network = Network("net", (Layer("half", 8, 8, 64, conv=conv), Layer("fc", 8, 4, 1, steps=0)))
    made = make_plan(network, "ZCU104", "xczu7ev-ffvc1156-2-e", "DSP48E2", target_fps=700_000)
    assert [la.pixels for la in made.plan.layers] == [2, 1]
    without = made.plan.model_dump()
    without["layers"][0]["window"] = None
    path = tmp_path / "plan.yaml"
    path.write_text(yaml.safe_dump(without))
    with pytest.raises(MsqError, match="half: window: none, but the layer is a convolution"):
        fits_network(Plan.load(path), network, "p")


@pytest.mark.parametrize(
    ("conv", "steps", "why"),
    [
        (Conv(8, (16, 16), pad=(1, 1)), 0, "no thresholds follow its sums, which leave one"),
        (Conv(8, (18, 18), plain=False), 15, "its windows are dilated, or padded with more zeros"),
        (Conv(8, (16, 16), pad=(1, 1)), 15, "do not come out even over so many, or are fewer than"),
    ],
)
def test_the_reason_why_no_windows_leave_is_true(conv: Conv, steps: int, why: str):
    layer = Layer("conv", 72, 8, 256, conv=conv, steps=steps)
    network = Network("net", (layer, Layer("fc", 8, 4, 1, steps=0)))
    made = make_plan(network, "ZCU104", "xczu7ev-ffvc1156-2-e", "DSP48E2", target_fps=1000)
    # Of 16 pixels, 8 are half a row; of other layers, 4 are too many for another reason.
    planned = made.plan.layers[0].model_copy(update={"pixels": 8 if "even" in why else 4})
    plan = made.plan.model_copy(update={"layers": [planned, made.plan.layers[1]]})
    with pytest.raises(MsqError, match=why):
        fits_network(plan, network, "p")


def test_foldings_to_be_edited_take_one_pixel():
    network = resnet_cifar(1)
    assert meet(network, 34 * 34 - 1, BUDGET, default_model(), EDITED) is None
    assert set(pixels_of(network, 34 * 34 + 2, EDITED) or ()) == {1}


def test_a_plan_of_depthwise_windows_of_one_pixel_may_be_read(tmp_path: Path):
    """They leave whole, though lanes take one element of each: it is all that there is."""
    skips = Conv(2, (8, 32), (1, 1), (1, 2))
    layer = Layer("skip", 1, 2, 8 * 16, conv=skips, depthwise=True)
    made = make_plan(Network("skips", (layer,)), "ZCU104", "xczu7ev-ffvc1156-2-e", "DSP48E2").plan
    assert (made.layers[0].simd, made.layers[0].pixels) == (1, 8)
    made.save(tmp_path / "plan.yaml")
    assert Plan.load(tmp_path / "plan.yaml") == made
