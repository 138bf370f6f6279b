"""A whole network: exported by Brevitas, lowered by FINN, stitched, simulated, bit for bit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from qonnx.custom_op.registry import getCustomOp

from msq_finn.build import fifos
from msq_finn.build.differences import mismatches
from msq_finn.build.generate import generate
from msq_finn.build.simulate import accelerator_inputs, reference_outputs, run_accelerator, simulate
from msq_finn.build.stitch import stitch
from msq_finn.errors import MsqError
from msq_finn.lowering.host_side import Host
from msq_finn.lowering.lower import Target

from .networks import exported, small_cnn

IMAGES = 6


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    folder = tmp_path_factory.mktemp("network")
    source = exported(small_cnn(), folder / "model.onnx")
    lowered = generate(source, Target("Pynq-Z1", target_fps=300_000), folder)
    rng = np.random.default_rng(1)
    images = rng.random((IMAGES, 1, 6, 6), dtype=np.float32)
    # Extremes: a black and a white image.
    images[0], images[1] = 0, 1
    depths = fifos.size_fifos(lowered, folder / "sizing")
    return lowered, stitch(lowered.model, folder), images, depths


def test_every_convolution_is_mixed(network):
    lowered, *_ = network
    mixed = lowered.model.get_nodes_by_op_type("MVAU_MSQ_rtl")
    layouts = [getCustomOp(node).lanes() for node in mixed]
    for node in mixed[:2]:
        rows = getCustomOp(node).row_schemes()
        assert ("sp2_4",) in rows and ("fixed_4",) in rows
    # The first is fast enough to hold its weights.
    assert layouts[0].is_constant
    assert layouts[1]["sp2_4_lut"] > 0
    assert any(name.startswith("fixed_4_") for name in layouts[1])
    assert getCustomOp(mixed[0]).get_nodeattr("offsetOutput") == 1
    assert getCustomOp(mixed[2]).get_nodeattr("offsetOutput") == 0


def test_rtl_equals_the_exported_model(network):
    lowered, design, images, _ = network
    result = simulate(lowered, design, images)
    reference = reference_outputs(lowered.source, images)
    step = Host(lowered.parent).output_step()
    assert mismatches(result.outputs, reference, step) == 0
    assert np.ptp(reference) > 10 * step.max()  # the outputs say something
    assert result.cycles_per_image <= 1.05 * fifos.predicted_interval(lowered.model)


def test_windows_wait_in_their_ring(network):
    """The padding is in the generators, and no FIFO is between them and width converters."""
    model = network[0].model
    rings = model.get_nodes_by_op_type("ConvolutionInputGeneratorPadded_rtl")
    assert rings and not model.get_nodes_by_op_type("FMPadding_rtl")
    behind = [model.find_consumer(node.output[0]) for node in rings]
    for fifo in (node for node in behind if node.op_type == "StreamingFIFO_rtl"):
        assert not model.find_consumer(fifo.output[0]).op_type.startswith("StreamingDataWidth")


@pytest.mark.parametrize("seed", [1, 2])
def test_stalls_change_nothing(network, seed):
    lowered, design, images, _ = network
    inputs = accelerator_inputs(lowered, images)
    smooth, _ = run_accelerator(lowered.model, design, inputs)
    stalled, _ = run_accelerator(
        lowered.model, design, inputs, stall_in=0.3, stall_out=0.4, seed=seed
    )
    np.testing.assert_array_equal(stalled, smooth)


def test_a_wrong_weight_in_memory_is_seen(network):
    lowered, design, images, _ = network
    node = lowered.model.get_nodes_by_op_type("MVAU_MSQ_rtl")[1]
    memory = Path(getCustomOp(node).get_nodeattr("code_gen_dir_ipgen")) / "memblock.dat"
    good = memory.read_text()
    first, rest = good.split("\n", 1)
    memory.write_text(f"{int(first, 16) ^ 8:0{len(first)}x}\n{rest}")  # one sign bit
    try:
        result = simulate(lowered, design, images)
    finally:
        memory.write_text(good)
    reference = reference_outputs(lowered.source, images)
    assert mismatches(result.outputs, reference, Host(lowered.parent).output_step()) > 0


def test_waveforms_on_request(network, tmp_path):
    lowered, design, images, _ = network
    found = simulate(lowered, design, images[:2], waveform=tmp_path / "design.vcd")
    np.testing.assert_array_equal(found.raw, simulate(lowered, design, images[:2]).raw)
    with (tmp_path / "design.vcd").open() as file:
        names = {line.split()[4] for line in file if line.split()[:1] == ["$var"]}
    assert {"ap_clk", "in0_V_TDATA", "out0_V_TVALID"} <= names


def test_fifos_are_as_deep_as_they_were_full(network):
    lowered, _, _, depths = network
    kept = {n.name: n for n in lowered.model.graph.node if n.op_type == "StreamingFIFO_rtl"}
    assert set(kept) == set(depths)
    assert all(getCustomOp(n).get_nodeattr("depth") == depths[name] for name, n in kept.items())
    assert min(depths.values()) >= 2
    assert len(depths) < 14  # one a stream before


def test_a_row_no_scheme_holds_is_refused(tmp_path):
    source = exported(small_cnn(), tmp_path / "model.onnx")
    model = onnx.load(str(source))
    quants = [n for n in model.graph.node if n.op_type == "Quant"]
    weights = {i.name: i for i in model.graph.initializer}
    name = next(n.input[0] for n in quants if n.input[0] in weights)
    scale = next(n.input[1] for n in quants if n.input[0] == name)
    values = numpy_helper.to_array(weights[name]).copy()
    steps = numpy_helper.to_array(weights[scale])
    values[2].flat[:2] = (8 * steps[2].item(), 7 * steps[2].item())
    weights[name].CopyFrom(numpy_helper.from_array(values, name))
    onnx.save(model, str(source))
    with pytest.raises(MsqError, match=r"MVAU_0: no scheme holds row 2, whose weights are .*7, 8"):
        generate(source, Target("Pynq-Z1"), tmp_path)
