"""Weights and thresholds that the processor writes: in simulation and netlist as on a board."""

from __future__ import annotations

import json

import numpy as np
import pytest

from msq_finn.build import gate, node_resources, run_time
from msq_finn.build import simulate as simulation
from msq_finn.build.differences import mismatches
from msq_finn.build.gate import gate_level
from msq_finn.build.generate import generate
from msq_finn.build.run import build
from msq_finn.build.simulate import (
    accelerator_inputs,
    finished_by_host,
    reference_outputs,
    run_accelerator,
)
from msq_finn.build.stitch import stitch
from msq_finn.errors import MsqError
from msq_finn.lowering.host_side import Host
from msq_finn.lowering.lower import Target

from .networks import exported, tiny_mlp

#: UltraRAM starts with nothing that can be relied on; block RAM with the network that was built.
PLACES = {"ultra": ("ZCU104", "xczu7ev-ffvc1156-2-e"), "block": ("Pynq-Z1", "xc7z020clg400-1")}


def folding(folder, style, pe=4, **more):
    """The first layer's weights, and the thresholds behind it, can be written."""
    written = {"runtime_writeable_weights": 1}
    lanes = {"SIMD": 4, "PE": pe, "laneKinds": ["sp2_4_lut", "fixed_4_lut"]}
    lanes |= {"lanePE": [pe // 2, pe - pe // 2], "ram_style": style}
    layer = written | lanes | {"mem_mode": "internal_decoupled"} | more
    path = folder / "folding.json"
    path.write_text(json.dumps({"MVAU_MSQ_rtl_0": layer, "Thresholding_rtl_0": written}))
    return path


def lowered_to(folder, style, model, **more):
    folder.mkdir()
    source = exported(model, folder / "model.onnx", (1, 4))
    config = folding(folder, style, **more)
    return source, generate(source, Target(PLACES[style][0], folding_config=config), folder)


def other_weights():
    """The same network with the first layer's weights negated, so that rows keep their places."""
    model = tiny_mlp()
    model[1].weight.data.neg_()
    return model


def images(count=24):
    return np.random.default_rng(3).random((count, 4), dtype=np.float32)


def differing(lowered, design, source, given):
    """Images for which hardware written with a network's words differs from its exported model."""
    raw, _ = run_accelerator(
        lowered.model, design, accelerator_inputs(lowered, given), stall_in=0.2, stall_out=0.2
    )
    outputs = finished_by_host(lowered, raw)
    step = Host(lowered.parent).output_step()
    return mismatches(outputs, reference_outputs(source, given), step)


@pytest.fixture(scope="module", params=PLACES)
def networks(tmp_path_factory, request):
    """Exported files and lowered networks: the one that is built, and one of other weights."""
    folder = tmp_path_factory.mktemp(request.param)
    built = lowered_to(folder / "built", request.param, tiny_mlp())
    return request.param, built, lowered_to(folder / "other", request.param, other_weights())


def test_hardware_computes_with_the_weights_that_are_written(networks):
    """Each image takes a word of weights."""
    _, (built, own), (other, written) = networks
    design = stitch(own.model, own.folder)
    assert differing(own, design, built, images()) == 0
    assert differing(written, design, other, images()) == 0
    assert differing(own, design, other, images()) > 5


def test_so_does_the_netlist(networks, tmp_path):
    style, (built, own), (other, written) = networks
    design = stitch(own.model, own.folder)
    runs = node_resources.synthesize(design, PLACES[style][1])
    primitive = {"ultra": "URAM288", "block": "RAMB"}[style]
    assert any(primitive in run.netlist.text for run in runs.values())
    gates = gate_level(design, {n: run.netlist for n, run in runs.items()}, tmp_path / "gate")
    assert differing(own, gates, built, images()) == 0
    assert differing(written, gates, other, images()) == 0


def test_a_wrong_word_is_seen(tmp_path, monkeypatch):
    source, lowered = lowered_to(tmp_path / "built", "ultra", tiny_mlp())
    design = stitch(lowered.model, lowered.folder)

    def flipped(model):
        words = run_time.contents(model)
        words["MVAU_MSQ_rtl_0"][0] ^= 4
        return words

    monkeypatch.setattr(simulation, "contents", flipped)
    assert differing(lowered, design, source, images()) > 0


def test_words_from_before_take_several_images(tmp_path, monkeypatch):
    """One is enough where an image reads many words, but not where it reads one."""
    source, lowered = lowered_to(tmp_path / "one", "ultra", tiny_mlp())
    assert run_time.stale_images(lowered.model) == 16
    design = stitch(lowered.model, lowered.folder)
    monkeypatch.setattr(simulation, "stale_images", lambda model: 1)
    assert differing(lowered, design, source, images()) > 0
    _, folded = lowered_to(tmp_path / "four", "ultra", tiny_mlp(), pe=2, SIMD=1, lanePE=[1, 1])
    assert run_time.stale_images(folded.model) == 4  # 8 words of weights, 4 of thresholds


def test_a_memory_that_does_not_read_as_written_is_named(tmp_path, monkeypatch):
    _, lowered = lowered_to(tmp_path / "built", "block", tiny_mlp())
    design = stitch(lowered.model, lowered.folder)
    top = design.path.read_text()
    wired = ".s_axilite_RDATA(s_axilite_MVAU_MSQ_rtl_0_RDATA)"
    assert wired in top
    design.path.write_text(top.replace(wired, ".s_axilite_RDATA()"))
    inputs = accelerator_inputs(lowered, images(2))
    with pytest.raises(MsqError, match=r"s_axilite_MVAU_MSQ_rtl_0 reads 0x.* for 0x.* at word"):
        run_accelerator(lowered.model, design, inputs)
    design.path.write_text(top.replace("(s_axilite_MVAU_MSQ_rtl_0_BVALID)", "()"))
    with pytest.raises(MsqError, match="s_axilite_MVAU_MSQ_rtl_0 does not answer"):
        run_accelerator(lowered.model, design, inputs)


@pytest.mark.slow
@pytest.mark.parametrize("style", PLACES)
def test_memories_read_at_twice_the_clock(tmp_path, style):
    source = exported(tiny_mlp(), tmp_path / "model.onnx", (1, 4))
    config = folding(tmp_path, style, pumpedMemory=1)
    (work := tmp_path / "work").mkdir()
    target = Target(PLACES[style][0], folding_config=config)
    summary = build(source, target, tmp_path, work, images(), until="gate")
    assert (summary.rtl_mismatches, summary.gate_mismatches) == (0, 0)
    assert summary.gate_images == gate.IMAGES
