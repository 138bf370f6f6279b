"""Steps of unrolled layers are found, compared and rolled up."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from brevitas.export import export_qonnx
from brevitas.nn import QuantLSTM
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from qonnx.util.cleanup import cleanup_model
from torch import nn

from msq_finn.errors import MsqError
from msq_finn.nn import QuantGRU
from msq_finn.quant import MSQWeightPerChannelFloat
from msq_finn.training.assign import assign_rows
from msq_finn.training.couple import coupled_layers
from msq_finn.transforms.join_last_states import JoinLastStates
from msq_finn.transforms.merge_quantizers import MergeQuantizers
from msq_finn.transforms.quantizer_notes import NoteQuantizers
from msq_finn.transforms.roll_recurrent import RollRecurrentLayers

pytestmark = pytest.mark.usefixtures("finn")


#: What networks take of the last states of all layers and directions.
LAST = {
    True: lambda h: h,
    "the last layer": lambda h: h[-1],
    "both directions": lambda h: torch.cat([h[-2], h[-1]], 1),
    "turned": lambda h: h.transpose(0, 1).flatten(1),
}


class Recurrent(nn.Module):
    def __init__(self, kind, last, **options):
        super().__init__()
        options = {"batch_first": True, "weight_quant": MSQWeightPerChannelFloat} | options
        self.rnn = kind(6, 6, **options)
        self.last = last

    def forward(self, x):
        states, last = self.rnn(x)
        if self.last:
            return LAST[self.last](last[0] if isinstance(last, tuple) else last)
        return states


def exported(path, kind, last=False, **options):
    torch.manual_seed(0)
    model = Recurrent(kind, last, **options)
    assign_rows(model, 0.5, coupled=coupled_layers(model))
    shape = (1, 3, 6) if options.get("batch_first", True) else (3, 1, 6)
    for _ in range(10):
        model(torch.randn(shape))
    export_qonnx(model.eval(), torch.randn(shape), str(path), dynamo=False, opset_version=13)
    return shape


def rolled(path, edit=lambda model: None):
    model = ModelWrapper(str(path))
    edit(model)
    for step in (MergeQuantizers(), NoteQuantizers(), JoinLastStates(), RollRecurrentLayers()):
        model = model.transform(step)
    return model


@pytest.mark.parametrize(
    ("kind", "options", "layers"),
    [
        (QuantLSTM, {}, 1),
        (QuantGRU, {"last": True, "bias": False}, 1),
        (QuantLSTM, {"last": True, "batch_first": False}, 1),
        (QuantGRU, {"num_layers": 2}, 2),
    ],
)
def test_a_rolled_layer_computes_what_its_steps_do(kind, options, layers, tmp_path):
    shape = exported(tmp_path / "m.onnx", kind, **options)
    model = rolled(tmp_path / "m.onnx")
    name = {QuantLSTM: "LSTM_MSQ", QuantGRU: "GRU_MSQ"}[kind]
    ops = [n.op_type for n in model.graph.node if n.op_type != "Transpose"]
    assert ops == ["Quant", *["Div", name, "Mul"] * layers]
    same_outputs(tmp_path / "m.onnx", model, shape)


def same_outputs(path, model, shape, count=8):
    """The model computes what the exported file does, of random sequences."""
    plain = cleanup_model(ModelWrapper(str(path)))
    rng, seen = np.random.default_rng(0), set()
    for _ in range(count):
        x = rng.normal(size=shape).astype(np.float32)
        (expected,) = execute_onnx(plain, {plain.graph.input[0].name: x}).values()
        (found,) = execute_onnx(model, {model.graph.input[0].name: x}).values()
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)
        seen |= set(found.ravel().tolist())
    assert len(seen) > 2 * count


LAST_STATES = {
    "the last layer": ({"num_layers": 2}, ["Div", "GRU_MSQ", "Mul"] * 2),
    "both directions": (
        {"bidirectional": True},
        ["Div", "GRU_MSQ", "Mul", "ReverseSteps", "GRU_MSQ", "Mul", "Concat"],
    ),
    "turned": (
        {"bidirectional": True},
        ["Div", "GRU_MSQ", "Mul", "ReverseSteps", "GRU_MSQ", "Mul", "Concat"],
    ),
}


@pytest.mark.parametrize(
    "form", [n if n != "turned" else pytest.param(n, marks=pytest.mark.slow) for n in LAST_STATES]
)
def test_last_states_are_joined_side_by_side(form, tmp_path):
    options, ops = LAST_STATES[form]
    exported(tmp_path / "m.onnx", QuantGRU, last=form, **options)
    model = rolled(tmp_path / "m.onnx")
    assert sorted(n.op_type for n in model.graph.node) == sorted(["Quant", *ops])
    same_outputs(tmp_path / "m.onnx", model, (1, 3, 6), count=3)


REVERSED = ["ReverseSteps", "GRU_MSQ", "ReverseSteps"]


@pytest.mark.parametrize("layers", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_backward_layer_is_rolled_up_between_reversals(layers, tmp_path):
    exported(tmp_path / "m.onnx", QuantGRU, bidirectional=True, num_layers=layers)
    model = rolled(tmp_path / "m.onnx")
    ops = [n.op_type for n in model.graph.node]
    rolled_up = ["Div", "GRU_MSQ", "Mul", *REVERSED, "Mul", "Concat"]
    assert sorted(ops) == sorted(["Quant", *rolled_up * layers])
    same_outputs(tmp_path / "m.onnx", model, (1, 3, 6), count=3)


def swap_weights(model):
    """The second step's first gate multiplies its inputs by the weights of states."""
    inputs, states = [n for n in model.graph.node if n.op_type == "MatMul"][8:10]
    inputs.input[1], states.input[1] = states.input[1], inputs.input[1]


def scale_a_gate(model):
    node = [n for n in model.graph.node if n.op_type == "Quant" and "input_sigmoid" in n.output[0]][
        1
    ]
    model.set_initializer("other", 2 * model.get_initializer(node.input[1]))
    node.input[1] = "other"


def begin_elsewhere(model):
    """The memory before the first step is not 0."""
    name = next(n for n in model.graph.node if n.op_type == "Mul").input[1]
    model.set_initializer(name, np.ones_like(model.get_initializer(name)))


@pytest.mark.parametrize(
    ("edit", "text"),
    [
        (swap_weights, "its steps are not all the same computation"),
        (scale_a_gate, "its steps are not all the same computation"),
        (begin_elsewhere, "its first state is not 0"),
    ],
)
def test_steps_that_differ_are_refused_by_name(edit, text, tmp_path):
    exported(tmp_path / "m.onnx", QuantLSTM)
    with pytest.raises(MsqError, match=rf"rnn\.layers\.0\.0: {text}"):
        rolled(tmp_path / "m.onnx", edit)
