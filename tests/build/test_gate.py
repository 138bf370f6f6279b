"""A network in four states, as RTL with primitives and as a netlist: right, known after any reset.

Icarus simulates; every internal stream is watched. What is broken on purpose is seen.
"""

from __future__ import annotations

import itertools
import json
import re
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from click.testing import CliRunner

from msq_finn.build import gate, node_resources
from msq_finn.build.differences import mismatches
from msq_finn.build.gate import gate_level, run_in_four_states
from msq_finn.build.generate import generate
from msq_finn.build.simulate import accelerator_inputs, finished_by_host, reference_outputs
from msq_finn.build.stitch import stitch
from msq_finn.cli import main
from msq_finn.lowering.host_side import Host
from msq_finn.lowering.lower import Target
from msq_finn.sim import four_state, primitives

from .networks import exported, tiny_mlp
from .rtl_in_verilog import in_verilog

PART = "xc7z020clg400-1"


def folding(folder):
    """A layer of parallel lanes that hold their weights, with adders, and one of serial lanes."""
    lanes = {"SIMD": 4, "PE": 1, "lanePE": [1], "mem_mode": "internal_embedded"}
    kinds = {"MVAU_MSQ_rtl_0": "embedded_lut", "MVAU_MSQ_rtl_1": "serial_lut"}
    path = folder / "folding.json"
    path.write_text(json.dumps({name: lanes | {"laneKinds": [k]} for name, k in kinds.items()}))
    return path


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """The network with its RTL and netlists, images for it and what the exported model gives."""
    four_state.version()
    folder = tmp_path_factory.mktemp("gate")
    source = exported(tiny_mlp(), folder / "model.onnx", (1, 4))
    lowered = generate(source, Target("Pynq-Z1", folding_config=folding(folder)), folder)
    design = stitch(lowered.model, folder)
    images = np.random.default_rng(2).random((6, 4), dtype=np.float32)
    return lowered, design, images, reference_outputs(source, images)


@pytest.fixture(scope="module")
def netlists(network):
    _, design, *_ = network
    return {name: run.netlist for name, run in node_resources.synthesize(design, PART).items()}


def differing(network, design, **options):
    """Images that differ from the exported model, and what is unknown."""
    lowered, _, images, reference = network
    inputs = accelerator_inputs(lowered, images)
    raw, found = run_in_four_states(lowered.model, design, inputs, **options)
    outputs = finished_by_host(lowered, raw)
    return mismatches(outputs, reference, Host(lowered.parent).output_step()), found.unknown


def broken(netlist, text):
    """A netlist of another name, as parts that are the same share theirs."""
    return replace(netlist, module="broken", text=text.replace(netlist.module, "broken"))


def gates(network, netlists, folder, **changed):
    return gate_level(network[1], netlists | changed, folder / "gate", four_states=True)


@pytest.mark.parametrize("stall", [0.0, 0.3])
def test_rtl_with_primitives_is_right_and_known(network, tmp_path, stall):
    text = in_verilog(network[1], tmp_path)
    assert "LUT6_2" in primitives.used(text)
    design = replace(network[1], sources=[tmp_path / "primitives.v", tmp_path / "rtl.v"])
    assert differing(network, design, stall_in=stall, stall_out=stall) == (0, [])


def test_the_netlist_is_right_and_known_whenever_it_is_reset(network, netlists, tmp_path):
    design = gates(network, netlists, tmp_path)
    assert set(design.streams) >= {"in0_V", "out0_V"} and len(design.streams) > 6
    assert differing(network, design, stall_in=0.2, stall_out=0.3) == (0, [])
    # Reset in every cycle of the first images, so to speak.
    assert differing(network, design, restarts=range(1, 60, 3)) == (0, [])


def layer_of(netlists):
    return next(name for name in netlists if name.startswith("MVAU_MSQ"))


def test_a_flipped_bit_of_a_lut_is_seen(network, netlists, tmp_path):
    """One of the adders."""
    name = layer_of(netlists)
    good = netlists[name]

    def seen(init):
        start, end = init.span(1)
        # A sum's bit, where the fifth input is 1 as it always is.
        wrong = f"{int(init[1], 16) ^ 1 << 32:016x}"
        bad = broken(good, good.text[:start] + wrong + good.text[end:])
        return differing(network, gates(network, netlists, tmp_path, **{name: bad}))[0] > 0

    inits = re.finditer(r"LUT6_2 #\(\n\s+\.INIT\(64'h([0-9a-f]+)\)", good.text)
    # Not every entry of every table is looked up.
    assert any(map(seen, itertools.islice(inits, 4)))


@pytest.mark.parametrize("kind", ["StreamingFIFO", "MVAU_MSQ"])
def test_a_register_that_is_not_reset_is_seen(network, netlists, tmp_path, kind):
    """A FIFO's pointer, or a layer's output register."""
    name = next(name for name in netlists if name.startswith(kind))
    good = netlists[name]
    register = r"genSRL.Ptr \[0\]" if kind == "StreamingFIFO" else "out0_V_TVALID"
    bad = re.sub(rf"(\.Q\(\S*{register}\),\s+\.[RS]\()\w+\)", r"\g<1>1'h0)", good.text)
    assert bad != good.text
    design = gates(network, netlists, tmp_path, **{name: broken(good, bad)})
    _, unknown = differing(network, design, stall_out=0.5, max_cycles=3000)
    assert any("handshake" in line for line in unknown)


def test_a_missing_reset_is_seen_on_every_stream(network, netlists, tmp_path):
    design = gates(network, netlists, tmp_path)
    top = design.path.read_text().replace(".ap_rst_n(ap_rst_n)", ".ap_rst_n(1'b1)")
    design.path.write_text(top)
    _, unknown = differing(network, design, max_cycles=500)
    assert unknown


@pytest.mark.slow
@pytest.mark.parametrize("wrong", [False, True])
def test_the_stage_tells_a_wrong_netlist(tmp_path, monkeypatch, wrong):
    """Adders' tables are other ones, behind the back of the stage."""

    def changed(design, netlists, folder):
        result = gate_level(design, netlists, folder)
        if wrong:
            name = next(name for name in netlists if name.startswith("MVAU_MSQ"))
            path = folder / f"{netlists[name].module}.v"
            flip = partial(re.sub, r"(LUT6_2 #\(\n\s+\.INIT\(64'h)(\w{8})", r"\g<1>ffff0000")
            path.write_text(flip(path.read_text()))
        return result

    monkeypatch.setattr(gate, "gate_level", changed)
    source = exported(tiny_mlp(), tmp_path / "model.onnx", (1, 4))
    out = tmp_path / "out"
    options = ["build", str(source), "-o", str(out), "--until", "gate", "--images", "4"]
    options += ["--folding-config", str(folding(tmp_path))]
    done = CliRunner().invoke(main, options)
    summary = json.loads((out / "summary.json").read_text())
    assert (summary["gate_images"], summary["rtl_mismatches"]) == (3, 0)
    assert done.exit_code == (summary["gate_mismatches"] > 0) == wrong, done.output
    assert ("differ between the synthesised netlist and the RTL" in done.stderr) == wrong
    assert "images through the synthesised netlist" in (out / "report.html").read_text()
    assert list((out / "build/gate").glob("netlist_*.v"))
    # A later build of an earlier stage takes nothing over.
    done = CliRunner().invoke(main, [*options[:4], "--until", "estimate"])
    assert json.loads((out / "summary.json").read_text())["gate_images"] is None
