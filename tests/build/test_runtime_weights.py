"""Memories that the processor writes: what is written, and in which of FINN's kernels."""

from __future__ import annotations

import json

import numpy as np
import pytest

from msq_finn.build.run import build
from msq_finn.errors import MsqError
from msq_finn.lowering.lower import Target, lowered_of

from .networks import exported, residual_cnn, small_cnn


def test_weights_that_can_be_written_at_run_time_are_in_the_package(tmp_path):
    """In the codes of their lanes, with thresholds that have the lanes' constants."""
    from qonnx.core.modelwrapper import ModelWrapper
    from qonnx.custom_op.registry import getCustomOp

    from msq_finn.build.deploy import deploy
    from msq_finn.lowering.lower import configure

    source = exported(small_cnn(), tmp_path / "model.onnx", (1, 1, 6, 6))
    config = tmp_path / "folding.json"
    names = ("MVAU_MSQ_rtl_0", "Thresholding_rtl_0")
    writeable = {"runtime_writeable_weights": 1}
    lanes = {"SIMD": 3, "PE": 2, "laneKinds": ["sp2_4_lut", "fixed_4_lut"], "lanePE": [1, 1]}
    lanes |= {"mem_mode": "internal_decoupled", "ram_style": "block"}
    config.write_text(json.dumps({names[0]: writeable | lanes, names[1]: writeable}))
    target, work = Target("Pynq-Z1", target_fps=10_000, folding_config=config), tmp_path / "work"
    work.mkdir()
    images = np.random.default_rng(3).random((3, 1, 6, 6), dtype=np.float32)
    assert build(source, target, tmp_path, work, images, until="simulate").rtl_mismatches == 0
    model = ModelWrapper(str(work / "dataflow.onnx"))
    folder = deploy(lowered_of(model, configure(source, target, work)))
    layer, thresholding = (model.get_node_from_name(name) for name in names)
    op = getCustomOp(layer)
    assert op.get_nodeattr("offsetOutput") == 1
    files = {
        file.name.split("_0_")[1]: file for file in (folder / "driver/runtime_weights").iterdir()
    }
    assert set(files) == {f"{node.name}.dat" for node in (layer, thresholding)}
    # Whatever the lanes, the codes of a word say the integers of its rows again.
    bits, simd, pe = 4, op.get_nodeattr("SIMD"), op.get_nodeattr("PE")
    registers = 2 ** max(0, int(np.ceil(np.log2(pe * simd * bits / 32))))
    words = [int(word, 16) for word in files[f"{layer.name}.dat"].read_text().split()]
    folds = [
        sum(word << 32 * i for i, word in enumerate(words[k : k + registers]))
        for k in range(0, len(words), registers)
    ]
    codes = np.array([[fold >> bits * i & 15 for i in range(pe * simd)] for fold in folds])
    rows = codes.reshape(-1, op.get_nodeattr("MW") // simd, pe, simd).transpose(0, 2, 1, 3)
    rows = rows.reshape(op.get_nodeattr("MH"), -1)
    decoded = [op.lanes().per_lane[r % pe].scheme.decode(row) for r, row in enumerate(rows)]
    np.testing.assert_array_equal(np.stack(decoded, 1), model.get_initializer(layer.input[1]))


def test_kernels_are_numbered_as_finn_cuts_a_network_with_branches(tmp_path):
    """0 is the input DMA, 1 what comes before the first memory, and so on along the graph."""
    from qonnx.core.modelwrapper import ModelWrapper
    from qonnx.custom_op.registry import getCustomOp

    from msq_finn.build.kernels import runtime_kernels

    source = exported(residual_cnn(), tmp_path / "model.onnx", (1, 1, 4, 4))
    # With a folding file, thresholds are those of FINN that can be written.
    (config := tmp_path / "folding.json").write_text("{}")
    (work := tmp_path / "work").mkdir()
    target = Target("Pynq-Z1", target_fps=10_000, folding_config=config)
    build(source, target, tmp_path, work, 2, until="estimate")
    model = ModelWrapper(str(work / "dataflow.onnx"))
    assert model.get_nodes_by_op_type("DuplicateStreams_rtl")
    assert runtime_kernels(model, "Pynq-Z1") == {}

    def write(*names):
        for name in names:
            getCustomOp(model.get_node_from_name(name)).set_nodeattr("runtime_writeable_weights", 1)

    write("MVAU_MSQ_rtl_0", "Thresholding_rtl_0", "MVAU_MSQ_rtl_2")
    numbers = {"MVAU_MSQ_rtl_0": 2, "Thresholding_rtl_0": 3, "MVAU_MSQ_rtl_2": 4}
    assert runtime_kernels(model, "Pynq-Z1") == numbers
    # Cut out, the branch's layer would need the kernel of the fork, which the sum waits in.
    write("Thresholding_rtl_1")
    with pytest.raises(
        MsqError, match=r"Thresholding_rtl_1, .*: FINN cannot cut runtime-writeable"
    ):
        runtime_kernels(model, "Pynq-Z1")


def test_what_cannot_be_cut_is_refused_before_there_is_rtl(tmp_path):
    source = exported(residual_cnn(), tmp_path / "model.onnx", (1, 1, 4, 4))
    config = tmp_path / "folding.json"
    names = ("MVAU_MSQ_rtl_0", "Thresholding_rtl_1")
    config.write_text(json.dumps({name: {"runtime_writeable_weights": 1} for name in names}))
    (work := tmp_path / "work").mkdir()
    target = Target("Pynq-Z1", target_fps=10_000, folding_config=config)
    with pytest.raises(MsqError, match="FINN cannot cut runtime-writeable weights"):
        build(source, target, tmp_path, work, 2, until="deploy")
    assert not list(work.rglob("step_msq_place_rows.onnx"))
