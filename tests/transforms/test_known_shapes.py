"""Pads that torch's exporter computes in the graph leave nothing of unknown size behind them."""

from __future__ import annotations

import numpy as np
import torch
from brevitas.export import export_qonnx
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from torch import nn
from torch.nn import functional

from msq_finn.transforms.known_shapes import KnownShapes

from ..build.map_networks import conv


class Padded(nn.Module):
    """Quantizers, whose shapes the exporter writes down, behind a pad."""

    def __init__(self):
        super().__init__()
        self.first, self.second = conv(2, 3), conv(3, 4)

    def forward(self, x):
        x = self.second(functional.pad(self.first(x), (1, 0, 0, 1)))
        return torch.flatten(x, 1)


def test_every_shape_is_known(tmp_path):
    torch.manual_seed(0)
    network, x = Padded().eval(), torch.rand(1, 2, 5, 6)
    export_qonnx(network, x, str(tmp_path / "m.onnx"), dynamo=False, opset_version=13)
    given = ModelWrapper(str(tmp_path / "m.onnx"))
    result = given.graph.output[0].name
    before = {name: given.get_tensor_shape(name) for name in given.get_all_tensor_names()}
    assert any(shape and 0 in shape for shape in before.values())
    model = given.transform(KnownShapes())
    for node in model.graph.node:
        if node.op_type != "Constant":
            assert all(size > 0 for size in model.get_tensor_shape(node.output[0])), node.name
    assert model.get_tensor_shape(result) == [1, 4 * 6 * 7]
    assert not model.get_nodes_by_op_type("ConstantOfShape")
    found = execute_onnx(model, {model.graph.input[0].name: x.numpy()})[result]
    np.testing.assert_allclose(found, network(x).detach().numpy(), atol=1e-5)
