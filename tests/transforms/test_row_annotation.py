"""Annotated rows from the exported file to the matrix-vector unit."""

from __future__ import annotations

import pytest
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp

from msq_finn.errors import MsqError
from msq_finn.layer_notes import ROWS
from msq_finn.transforms.tensor_notes import write_note

from ..build.networks import depthwise_cnn, exported

pytestmark = pytest.mark.usefixtures("finn")


@pytest.fixture
def source(tmp_path):
    return exported(depthwise_cnn(), tmp_path / "model.onnx")


def quantized_weights(model):
    """Outputs of the weights' quantizers, in the order of the layers."""
    return [
        node.output[0]
        for node in model.graph.node
        if node.op_type == "Quant" and model.get_initializer(node.input[0]) is not None
    ]


def annotated(source, layer, schemes):
    """Write the annotation of one layer into the file; give the file's rows to ``schemes``."""
    model = ModelWrapper(str(source))
    write_note(model, quantized_weights(model)[layer], ROWS, ",".join(schemes))
    model.save(str(source))


def kinds_of(source, folder):
    """Per row-mixed layer, the first scheme that holds each row."""
    from msq_finn.lowering.lower import Target, lower

    model = lower(source, Target("Pynq-Z1"), folder).model
    ops = [getCustomOp(node) for node in model.graph.node if "VAU_MSQ" in node.op_type]
    return [[names[0] for names in op.row_schemes()] for op in ops]


@pytest.mark.parametrize("layer", [0, 1])
def test_it_survives_finns_steps_and_is_compared(source, tmp_path, layer):
    """In a dense and in a depthwise layer."""
    schemes = kinds_of(source, tmp_path / "plain")[layer]
    annotated(source, layer, schemes)
    assert kinds_of(source, tmp_path / "right")[layer] == schemes
    row = schemes.index("fixed_4")
    wrong = [*schemes[:row], "sp2_4", *schemes[row + 1 :]]
    annotated(source, layer, wrong)
    text = rf"VAU_0: row {row} is annotated sp2_4, which does not hold its weights \[.*\]; export"
    with pytest.raises(MsqError, match=text):
        kinds_of(source, tmp_path / "wrong")
    annotated(source, layer, ["fixed_8"] * len(schemes))  # which holds 4-bit integers too
    assert kinds_of(source, tmp_path / "wide")[layer] == schemes
    annotated(source, layer, ["sp3_4"] * len(schemes))
    with pytest.raises(MsqError, match="sp3_4"):
        kinds_of(source, tmp_path / "unknown")
    annotated(source, layer, schemes[1:])
    with pytest.raises(MsqError, match="VAU_0: 7 rows are annotated, but it has 8"):
        kinds_of(source, tmp_path / "short")


def test_an_annotation_replaces_an_earlier_one_and_leaves_others(source):
    model = ModelWrapper(str(source))
    name = quantized_weights(model)[0]
    model.set_tensor_sparsity(name, {"a": 1})
    for schemes in (["sp2_4"], ["fixed_4", "sp2_4"]):
        write_note(model, name, ROWS, ",".join(schemes))
    entries = next(
        a.quant_parameter_tensor_names
        for a in model.graph.quantization_annotation
        if a.tensor_name == name
    )
    assert [(e.key, e.value) for e in entries if e.key == ROWS] == [(ROWS, "fixed_4,sp2_4")]
    assert model.get_tensor_sparsity(name) == {"a": 1}
