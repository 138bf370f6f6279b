"""Networks with several heads or inputs, all the way to a board's code."""

from __future__ import annotations

import json
import shutil
import sys

import numpy as np
import pytest
import torch
from onnx import helper
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from qonnx.util.cleanup import cleanup_model

import msq_finn
from msq_finn.build.deploy import deploy
from msq_finn.build.end_ports import input_ports, output_ports
from msq_finn.build.report_files import REFERENCE, load_ends
from msq_finn.errors import MsqError
from msq_finn.lowering.inputs import check_images, load_images, load_network
from msq_finn.lowering.lower import Target, configure, lower, lowered_of
from msq_finn.plan.frontend.source import network_of_module

from ..board import fake_pynq
from . import several_ends as ends
from .networks import exported
from .whole import all_the_way, same_in_python

SHAPES = [(1, 1, 4, 6), (1, 2, 2, 3)]


def test_two_heads_on_a_flattened_map(tmp_path):
    """FINN's own conversion lets only one of them read it."""
    source = exported(ends.flat_heads(), tmp_path / "model.onnx", (1, 1, 2, 3))
    lowered = lower(source, Target("Pynq-Z1"), tmp_path)
    _, reference, _ = same_in_python(lowered, source)
    assert all(np.ptp(values) > 0 for values in reference)


def test_two_heads(tmp_path):
    source = exported(ends.two_heads(), tmp_path / "model.onnx", (1, 6))
    assert len(all_the_way(source, tmp_path, 1_000_000).model.graph.output) == 2


@pytest.mark.slow
def test_three_heads_of_different_rates(tmp_path):
    source = exported(ends.three_heads(), tmp_path / "model.onnx", (1, 2, 4, 6))
    model = all_the_way(source, tmp_path, 100_000).model
    assert sorted(port.words for port in output_ports(model))[0] < 24
    assert len({port.words for port in output_ports(model)}) > 1


@pytest.mark.slow
@pytest.mark.parametrize("make", [ends.added_inputs, ends.concatenated_inputs])
def test_two_inputs(tmp_path, make):
    source = exported(make(), tmp_path / "model.onnx", *SHAPES)
    assert len(all_the_way(source, tmp_path, 100_000).model.graph.input) == 2


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    """Two inputs and two heads with names of their own, compiled to a deployment package."""
    folder = tmp_path_factory.mktemp("compiled")
    names = {"input_names": ["near", "far"], "output_names": ["where", "what"]}
    source = exported(ends.small_inputs(), folder / "model.onnx", (1, 5), (1, 3), **names)
    rng = np.random.default_rng(3)
    images = {"near": rng.random((5, 5), np.float32), "far": rng.random((5, 3), np.float32)}
    np.savez(folder / "images.npz", **images)
    out = folder / "out"
    done = msq_finn.compile(source, out=out, images=folder / "images.npz", target_fps=100_000)
    model = ModelWrapper(str(out / "dataflow.onnx"))
    deploy(lowered_of(model, configure(source, done.target, out / "build")))
    return done, images, source


def expected(source, images):
    model = cleanup_model(ModelWrapper(str(source)))
    rows = [
        execute_onnx(
            model,
            {
                info.name: array[i : i + 1]
                for info, array in zip(model.graph.input, images.values(), strict=True)
            },
        )
        for i in range(5)
    ]
    return {
        name: np.concatenate([list(row.values())[number] for row in rows])
        for number, name in enumerate(("where", "what"))
    }


def test_a_compiled_network_has_the_names_of_the_exported_one(compiled):
    done, images, source = compiled
    assert done.summary.rtl_mismatches == 0 and done.summary.images_simulated == 5
    assert list(done.images) == ["near", "far"] and list(done.outputs) == ["where", "what"]
    for name, values in expected(source, images).items():
        np.testing.assert_allclose(done.outputs[name], values, rtol=1e-5, atol=1e-6)
    again = done.predict({name: images[name][:2] for name in ("far", "near")})
    for name in ("where", "what"):
        np.testing.assert_allclose(again[name], done.outputs[name][:2], rtol=1e-5, atol=1e-6)


def board_of(done):
    """The dataflow graph behind DMAs, from packed bytes to packed bytes."""
    from finn.transformation.fpgadataflow.set_exec_mode import SetExecMode

    model = ModelWrapper(str(done.folder / "dataflow.onnx")).transform(SetExecMode("cppsim"))
    sources, results = input_ports(model), output_ports(model)

    def compute(given):
        frames = [
            fake_pynq.unpacked(words, port.kind.bitwidth(), port.kind.signed(), port.elements)
            for words, port in zip(given, sources, strict=True)
        ]
        outputs = [[] for _ in results]
        for image in zip(*frames, strict=True):
            context = {
                info.name: array.reshape(model.get_tensor_shape(info.name)).astype(np.float32)
                for info, array in zip(model.graph.input, image, strict=True)
            }
            found = execute_onnx(model, context)
            for values, info, port in zip(outputs, model.graph.output, results, strict=True):
                values.append(found[info.name].astype(np.int64).reshape(port.folded[1:]))
        return [
            fake_pynq.packed(
                np.stack(values),
                port.kind.bitwidth(),
                -(-port.elements * port.kind.bitwidth() // 8),
            )
            for values, port in zip(outputs, results, strict=True)
        ]

    names = [[f"{side}dma{i}" for i in range(2)] for side in "io"]
    return fake_pynq.Board(compute, *names)


def test_a_package_runs_with_names_on_the_boards_code(compiled, tmp_path, monkeypatch):
    done, images, source = compiled
    folder = tmp_path / "deploy"
    shutil.copytree(done.folder / "build" / "deploy", folder)
    monkeypatch.syspath_prepend(str(folder / "driver"))
    for name in [name for name in sys.modules if name.startswith("msq_board")]:
        monkeypatch.delitem(sys.modules, name)
    for name, module in board_of(done).modules().items():
        monkeypatch.setitem(sys.modules, name, module)
    from msq_board import overlay, validate

    shapes = json.loads((folder / "driver/settings.json").read_text())["driver_information"]
    network = overlay.DeployedNetwork(
        folder / "driver",
        "fingerprint",
        sys.modules["pynq"].Overlay("none"),
        shapes["io_shape_dict"],
        sys.modules["pynq"].allocate,
        batch_size=5,
    )
    outputs = network.execute(images)
    assert list(outputs) == ["where", "what"]
    for name, values in expected(source, images).items():
        np.testing.assert_allclose(outputs[name], values, rtol=1e-5, atol=1e-6)
    in_order = network.execute([images["near"], images["far"]])
    np.testing.assert_array_equal(in_order["what"], outputs["what"])
    with pytest.raises(ValueError, match="1 arrays, but the network has 2 inputs"):
        network.execute(images["near"])
    with pytest.raises(ValueError, match="arrays near, but inputs near, far"):
        network.execute({"near": images["near"]})
    found = validate.validate(network, folder / "driver" / "reference.npz")
    assert (found["images"], found["mismatches"], found["raw_mismatches"]) == (5, 0, 0)
    readme = (folder / "README.md").read_text()
    assert "| | input `near` | input `far` | output `where` | output `what` |" in readme
    assert "| shape | [images, 5] | [images, 3] | [images, 2] | [images, 6] |" in readme
    assert "dictionary with an array for each input ('near', 'far')" in readme


def test_arrays_that_are_not_the_inputs_are_refused(compiled, tmp_path):
    _, images, source = compiled
    for wrong, text in (
        (images["near"], "one array, but the model has 2 inputs; give an .npz.*near, far"),
        ({"near": images["near"]}, "arrays near, but the inputs are near, far"),
        (images | {"far": images["far"][:3]}, "different numbers of images: near 5, far 3"),
        (images | {"far": images["near"]}, r"shape \(5, 5\), but the model wants"),
    ):
        with pytest.raises(MsqError, match=text):
            check_images(wrong, source, "images")
    np.save(tmp_path / "one.npy", images["near"])
    with pytest.raises(MsqError, match="one array, but the model has 2 inputs"):
        load_images(tmp_path / "one.npy", source)
    with pytest.raises(MsqError, match="the model has 2 outputs, and classes are those of one"):
        msq_finn.compile(source, out=tmp_path / "out", images=images, labels=np.zeros(5, np.int64))


def test_the_reference_keeps_arrays_apart(compiled):
    path = compiled[0].folder / "build" / REFERENCE
    assert [array.shape for array in load_ends(path, "images")] == [(5, 5), (5, 3)]
    assert [array.shape for array in load_ends(path, "outputs")] == [(5, 2), (5, 6)]


def test_a_plan_of_several_heads(tmp_path):
    network = network_of_module(ends.two_heads(), "heads", "Pynq-Z1", (6,))
    assert [layer.mh for layer in network.layers] == [8, 3, 5]


def test_floats_that_leave_and_go_on_are_refused(tmp_path):
    source = exported(ends.two_heads(), tmp_path / "model.onnx", (1, 6))
    model = ModelWrapper(str(source))
    relu = model.get_nodes_by_op_type("Relu")[0]
    model.graph.output.append(helper.make_tensor_value_info(relu.output[0], 1, [1, 8]))
    model.save(str(source))
    with pytest.raises(MsqError, match=r"\(Relu\): its result .* is read by .*\(Quant\) too"):
        load_network(source)


def test_random_rows_are_coupled_over_several_inputs():
    torch.manual_seed(0)
    model = ends.TwoInputs("add")
    assert len(ends.coupled_layers(model, tuple(torch.rand(s) for s in SHAPES))) == 1
