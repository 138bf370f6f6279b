"""From an exported model to a plan, and back into the model's folding."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

pytest.importorskip("finn")

from msq_finn.errors import MsqError
from msq_finn.lanes.demand import PAIR
from msq_finn.plan.frontend.graph import network_of_file
from msq_finn.plan.frontend.request import shares_of
from msq_finn.plan.making import make_plan
from msq_finn.plan.report.outcome import Outcome
from tests.build.networks import (
    dense_cnn,
    exported,
    fixed_branch_cnn,
    residual_cnn,
    small_cnn,
)

PART = "xc7z020clg400-1"


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> Path:
    return exported(small_cnn(), tmp_path_factory.mktemp("plan") / "model.onnx")


@pytest.fixture(scope="module")
def planned(source: Path) -> tuple[Outcome, Path]:
    network, shares = network_of_file(source, "Pynq-Z1"), shares_of("lut=0.5")
    plan = make_plan(network, "Pynq-Z1", PART, "DSP48E1", target_fps=300_000, shares=shares)
    path = source.with_name("plan.yaml")
    plan.save(path)
    return plan, path


@pytest.mark.usefixtures("finn")
def test_finns_build_folder_is_given_back(source: Path, tmp_path: Path):
    from msq_finn.sim.finn_env import prepare

    prepare(tmp_path / "own")
    network_of_file(source, "Pynq-Z1")
    assert Path(os.environ["FINN_BUILD_DIR"]) == tmp_path / "own"
    assert (tmp_path / "own").is_dir()


def test_the_models_layers_are_found(planned):
    outcome, _ = planned
    plan = outcome.plan
    # Two convolutions of 8 rows on 6x6 and 3x3 pixels, and a classifier that thresholds nothing.
    shapes = [(la.mw, la.mh, la.vectors, la.threshold_pe > 0) for la in plan.layers]
    assert shapes == [(9, 8, 36, True), (72, 8, 9, True), (72, 5, 1, False)]
    assert [la.name for la in plan.layers] == ["1", "4", "8"]
    assert [min(la.rows[name] for name in PAIR) > 0 for la in plan.layers[:2]] == [True, True]
    assert plan.layers[2].rows.get("sp2_4", 0) in (0, 5)
    assert [la.window is not None for la in plan.layers] == [True, True, False]
    assert outcome.totals.fps >= 300_000


def test_concatenations_are_nodes_of_the_plan(tmp_path: Path):
    source = exported(dense_cnn(), tmp_path / "model.onnx", (1, 1, 4, 4))
    network = network_of_file(source, "Pynq-Z1")
    assert [layer.mh for layer in network.layers] == [4, 8, 4, 8, 3]
    concats = [node for node in network.nodes if node.kind == "StreamingConcat"]
    assert [(node.name, node.what) for node in concats] == [
        ("StreamingConcat_rtl_0", "4+8 channels"),
        ("StreamingConcat_rtl_1", "12+4 channels"),
    ]


def test_a_layer_of_one_scheme_is_not_bound_by_what_is_added_to_it(tmp_path: Path):
    source = exported(fixed_branch_cnn(), tmp_path / "model.onnx", (1, 1, 4, 4))
    stem, branch, _ = network_of_file(source, "Pynq-Z1").layers
    assert not stem.group and not branch.group
    assert all(stem.demand.only(name) for name in PAIR)
    assert dict(branch.demand) == {("fixed_4",): 4}


def test_layers_are_called_as_their_modules_where_only_nodes_say_so(source: Path, tmp_path: Path):
    """Of a file that was exported without msq_finn; and as FINN's nodes, where nothing says."""
    import onnx

    model = onnx.load(source)
    del model.graph.quantization_annotation[:]
    onnx.save(model, tmp_path / "plain.onnx")
    network = network_of_file(tmp_path / "plain.onnx", "Pynq-Z1")
    assert [layer.name for layer in network.layers] == ["1", "4", "8"]
    named = {tensor.name: f"t{i}" for i, tensor in enumerate(model.graph.initializer)}
    for tensor in (*model.graph.initializer, *model.graph.input):
        tensor.name = named.get(tensor.name, tensor.name)
    for node in model.graph.node:
        node.name = ""
        node.input[:] = [named.get(name, name) for name in node.input]
    onnx.save(model, tmp_path / "nameless.onnx")
    network = network_of_file(tmp_path / "nameless.onnx", "Pynq-Z1")
    assert all(layer.name.startswith("MVAU_MSQ_rtl_") for layer in network.layers)


def test_the_plan_folds_the_model(source: Path, planned, tmp_path: Path):
    from qonnx.custom_op.registry import getCustomOp

    from msq_finn.build.fifos import predicted_interval
    from msq_finn.build.generate import generate
    from msq_finn.lowering.lower import Target
    from msq_finn.transforms.pad_in_windows import PadInWindows

    outcome, path = planned
    plan = outcome.plan
    target = Target("Pynq-Z1", plan=path)
    model = generate(source, target, tmp_path, stop_before="step_msq_place_rows").model
    nodes = model.get_nodes_by_op_type("MVAU_MSQ_rtl")
    for node, layer in zip(nodes, plan.layers, strict=True):
        op = getCustomOp(node)
        assert op.get_nodeattr("SIMD") == layer.simd
        assert op.lanes() == layer.lanes
        if layer.lanes.is_constant:
            assert op.get_nodeattr("mem_mode") == "internal_embedded"
        else:
            assert op.get_nodeattr("ram_style") == layer.memory
        behind = model.find_consumer(node.output[0])
        if layer.threshold_pe:
            assert getCustomOp(behind).get_nodeattr("PE") == layer.threshold_pe
        if layer.window:
            window = getCustomOp(model.find_producer(node.input[0]))
            assert window.get_nodeattr("SIMD") == layer.window.simd
            assert window.get_nodeattr("parallel_window") == layer.window.parallel
    # FINN's generators are slower than ours, which come to stand for them.
    model = model.transform(PadInWindows())
    assert predicted_interval(model) == outcome.totals.cycles


def test_nodes_between_layers_are_as_fast_as_planned(tmp_path: Path):
    from msq_finn.build.generate import generate
    from msq_finn.lowering.cycles import predicted_interval
    from msq_finn.lowering.lower import Target

    source = exported(residual_cnn(), tmp_path / "residual.onnx", (1, 1, 4, 4))
    network = network_of_file(source, "Pynq-Z1")
    # The shortcut is no layer: its thresholds are charged with the sum's, once.
    charged = [(la.adds, la.sum_steps, la.skip_steps) for la in network.layers if la.adds]
    assert charged == [(True, 15, 15)]
    # A 3x3 window of 6x6 pixels fills with 15 of them, which are 7 of the 4x4 without padding.
    (waiting,) = (la.skip_pixels for la in network.layers if la.adds)
    assert waiting == 7
    plan = make_plan(network, "Pynq-Z1", PART, "DSP48E1", shares=shares_of("lut=0.1,dsp=0.1"))
    path = tmp_path / "plan.yaml"
    plan.save(path)
    work = tmp_path / "work"
    model = generate(source, Target("Pynq-Z1", plan=path), work, stop_before="step_msq_place_rows")
    # A shortcut's thresholds and those of the sum are no layer's own.
    assert len(model.model.get_nodes_by_op_type("Thresholding_rtl")) > len(plan.layers)
    assert 0.95 <= predicted_interval(model.model) / plan.totals.cycles <= 1


def test_another_models_plan_is_refused(source: Path, planned, tmp_path: Path):
    from msq_finn.build.generate import generate
    from msq_finn.lowering.lower import Target

    outcome, _ = planned
    wrong = outcome.plan.model_copy(deep=True)
    wrong.layers[0].mh = 16
    wrong.layers[0].rows = {name: 2 * n for name, n in wrong.layers[0].rows.items()}
    path = tmp_path / "wrong.yaml"
    path.write_text(wrong.to_yaml())
    with pytest.raises(MsqError, match=r"wrong\.yaml: layer 1: "):
        generate(source, Target("Pynq-Z1", plan=path), tmp_path / "work")
