"""Recurrent layers in QONNX: standard nodes, and the numbers that torch computes."""

import warnings

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
from msq_finn.layer_notes import ROWS, noted
from msq_finn.nn import QuantGRU
from msq_finn.quant import MSQWeightPerChannelFloat

KINDS = {"lstm": QuantLSTM, "gru": QuantGRU}


class Recurrent(nn.Module):
    def __init__(self, kind, last, **options):
        super().__init__()
        self.rnn = KINDS[kind](5, 6, **options, weight_quant=MSQWeightPerChannelFloat)
        self.last = last

    def forward(self, x):
        states, last = self.rnn(x)
        if not self.last:
            return states
        return last[0] if isinstance(last, tuple) else last


def settled(kind, last=False, steps=3, **options):
    torch.manual_seed(0)
    with warnings.catch_warnings():  # Brevitas warns of keywords for quantizers that are shared
        warnings.simplefilter("ignore")
        model = Recurrent(kind, last, **options)
    shape = (1, steps, 5) if options.get("batch_first") else (steps, 1, 5)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    for _ in range(8):
        model(torch.randn(shape)).sum().backward()
        optimizer.step()
    return model.eval(), shape


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dynamo", [False, pytest.param(True, marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    ("last", "options"),
    [
        (False, {"batch_first": True}),
        (True, {}),
        (False, {"num_layers": 2, "bidirectional": True}),
    ],
)
def test_unrolled_file_computes_what_torch_does(kind, dynamo, last, options, tmp_path):
    model, shape = settled(kind, last, **options)
    path = tmp_path / "model.onnx"
    opset = 18 if dynamo else 13
    export_qonnx(model, torch.randn(shape), str(path), dynamo=dynamo, opset_version=opset)
    exported = ModelWrapper(str(path))
    assert {node.domain for node in exported.graph.node} <= {"", "qonnx.custom_op.general"}
    matrices = [n.input[1] for n in exported.graph.node if n.op_type == "MatMul"]
    assert len(matrices) == 3 * len(set(matrices))  # one for all steps
    ready = cleanup_model(exported)
    x = torch.randn(shape)
    (found,) = execute_onnx(ready, {ready.graph.input[0].name: x.numpy()}).values()
    expected = model(x).detach().numpy()
    # Sums of float32 in another order may round a tie the other way, here and there.
    assert (np.abs(found - expected) > 1e-6).mean() < 0.02


def test_rows_are_noted_on_weights(tmp_path):
    model, shape = settled("gru", batch_first=True)
    path = tmp_path / "model.onnx"
    export_qonnx(model, torch.randn(shape), str(path), dynamo=False, opset_version=13)
    graph = ModelWrapper(str(path)).graph
    weights = {n.input[1] for n in graph.node if n.op_type == "MatMul"}
    assert len(weights) == 6
    for name in weights:
        assert noted(graph, name, ROWS).count("sp2_4") == 3


def test_cells_that_are_quantized_in_part_are_refused(tmp_path):
    model, shape = settled("gru", tanh_quant=None)
    with pytest.raises(MsqError, match="candidate_tanh_quant is disabled"):
        export_qonnx(model, torch.randn(shape), str(tmp_path / "m.onnx"), dynamo=False)
    model, shape = settled("lstm", coupled_input_forget_gates=True)
    with pytest.raises(MsqError, match="coupled input and forget gates"):
        export_qonnx(model, torch.randn(shape), str(tmp_path / "m.onnx"), dynamo=False)
