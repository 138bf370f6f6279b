"""Small row-mixed networks for build tests."""

from __future__ import annotations

import brevitas.nn as qnn
import torch
from brevitas.export import export_qonnx
from torch import nn

from msq_finn.models import ActQuant, PixelQuant
from msq_finn.quant import FixedWeightPerTensorFloat, MSQWeightPerChannelFloat


def small_cnn(seed=0):
    """Two row-mixed convolutions and a classifier with random weights, for 6x6 images."""
    torch.manual_seed(seed)
    msq = {"bias": False, "weight_quant": MSQWeightPerChannelFloat}
    model = nn.Sequential(
        qnn.QuantIdentity(act_quant=PixelQuant),
        qnn.QuantConv2d(1, 8, 3, padding=1, **msq),
        nn.BatchNorm2d(8),
        qnn.QuantReLU(act_quant=ActQuant),
        qnn.QuantConv2d(8, 8, 3, stride=2, padding=1, **msq),
        nn.BatchNorm2d(8),
        qnn.QuantReLU(act_quant=ActQuant),
        nn.Flatten(),
        qnn.QuantLinear(72, 5, bias=False, weight_quant=FixedWeightPerTensorFloat),
    )
    model.train()
    with torch.no_grad():
        for _ in range(60):
            model(torch.rand(32, 1, 6, 6))
    return model.eval()


def exported(model, path, shape=(1, 1, 6, 6)):
    export_qonnx(model, torch.rand(shape), str(path), dynamo=False, opset_version=13)
    return path
