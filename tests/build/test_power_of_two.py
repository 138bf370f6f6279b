"""Scales that are powers of two, where halves are common: the exported file is followed."""

from __future__ import annotations

import brevitas.nn as qnn
import numpy as np
import pytest
import torch
from brevitas.quant import (
    Int8ActPerTensorFixedPoint,
    Int8WeightPerTensorFixedPoint,
    Int32Bias,
    Uint8ActPerTensorFixedPoint,
)
from torch import nn

from msq_finn.build.differences import differ
from msq_finn.build.generate import generate
from msq_finn.build.simulate import accelerator_inputs, executed, reference_outputs
from msq_finn.build.verdict.reference import Reference
from msq_finn.lowering.host_side import Host
from msq_finn.lowering.lower import Target

from .networks import exported

FIXED = {"weight_quant": Int8WeightPerTensorFixedPoint, "weight_bit_width": 4}
BIAS = {**FIXED, "bias": True, "bias_quant": Int32Bias}


def layers(kind):
    """A layer with a bias, a quantizer of 3 bits, and a layer without."""
    quantizer = qnn.QuantReLU(Uint8ActPerTensorFixedPoint, bit_width=3)
    last = qnn.QuantLinear(8, 4, bias=False, **FIXED)
    if kind == "linear":
        return [qnn.QuantLinear(8, 8, **BIAS), quantizer, last]
    return [qnn.QuantConv2d(8, 8, 1, **BIAS), quantizer, nn.Flatten(), last]


@pytest.mark.parametrize("kind", ["linear", "convolution"])
def test_halves_behind_a_bias_are_rounded_to_even(tmp_path, kind):
    torch.manual_seed(0)
    pixels = qnn.QuantIdentity(Int8ActPerTensorFixedPoint, bit_width=4, return_quant_tensor=True)
    model = nn.Sequential(pixels, *layers(kind))
    rng = np.random.default_rng(0)
    shape = (8,) if kind == "linear" else (8, 1, 1)
    images = rng.integers(-8, 8, (200, *shape)).astype(np.float32) / 8
    with torch.no_grad():
        weights = torch.tensor(rng.integers(-2, 8, (8, 8)) / 8).reshape(model[1].weight.shape)
        model[1].weight.copy_(weights)
        model[1].bias.fill_(-1)
        for _ in range(60):
            model(torch.tensor(images))
    source = exported(model.eval(), tmp_path / "model.onnx", (1, *shape))
    network = generate(source, Target("Pynq-Z1"), tmp_path, stop_before="step_msq_insert_streams")
    raw = executed(network, accelerator_inputs(network, images))
    host = Host(network.parent)
    outputs = np.stack([host.after(r[None].astype(np.float32))[0] for r in raw])
    expected = reference_outputs(source, images)
    assert halves(source, images) >= 3
    assert not differ(outputs, expected, host.output_step()).any()


def halves(source, images):
    """How many values of the inner quantizer lie halfway between an even level and the next."""
    reference = Reference(source)
    quantizer = list(reference.quantizers.values())[1]
    count = 0
    for image in images:
        last = len(reference.model.graph.node) - 1
        context = reference.run(reference.started(image), 0, last)
        steps = context[quantizer.node.input[0]] / context[quantizer.node.input[1]]
        count += int(((steps % 2 == 0.5) & (steps < quantizer.high)).sum())
    return count
