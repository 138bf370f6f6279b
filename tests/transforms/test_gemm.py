"""Linear layers with biases, which torch exports as Gemm with transposed weights."""

from __future__ import annotations

import brevitas.nn as qnn
import numpy as np
import onnx
import pytest
import torch
from qonnx.core.onnx_exec import execute_onnx
from qonnx.custom_op.registry import getCustomOp
from torch import nn

from msq_finn.build.differences import mismatches
from msq_finn.build.generate import generate
from msq_finn.build.simulate import reference_outputs
from msq_finn.lowering.host_side import Host
from msq_finn.lowering.lower import Target
from msq_finn.models import ActQuant, PixelQuant
from msq_finn.quant import FixedWeightPerTensorFloat, MSQWeightPerChannelFloat

from ..build.networks import exported

pytestmark = pytest.mark.usefixtures("finn")


def perceptron():
    torch.manual_seed(0)
    model = nn.Sequential(
        qnn.QuantIdentity(act_quant=PixelQuant),
        qnn.QuantLinear(12, 8, bias=True, weight_quant=MSQWeightPerChannelFloat),
        qnn.QuantReLU(act_quant=ActQuant),
        qnn.QuantLinear(8, 4, bias=True, weight_quant=FixedWeightPerTensorFloat),
    )
    model.train()
    with torch.no_grad():
        for _ in range(60):
            model(torch.rand(32, 12))
    return model.eval()


def test_gemm_becomes_a_matrix_product_with_its_bias_in_the_thresholds(tmp_path, rng):
    from finn.transformation.fpgadataflow.set_exec_mode import SetExecMode

    source = exported(perceptron(), tmp_path / "model.onnx", (1, 12))
    gemms = [node for node in onnx.load(str(source)).graph.node if node.op_type == "Gemm"]
    assert len(gemms) == 2 and all(a.i for n in gemms for a in n.attribute if a.name == "transB")
    target = Target("Pynq-Z1", target_fps=1_000_000)
    lowered = generate(source, target, tmp_path, stop_before="step_msq_insert_streams")
    operations = [node.op_type for node in lowered.model.graph.node]
    assert operations == ["MVAU_MSQ_rtl", "ThresholdingSerial_rtl", "MVAU_MSQ_rtl"]
    rows = getCustomOp(lowered.model.graph.node[0]).row_schemes()
    assert ("sp2_4",) in rows and ("fixed_4",) in rows
    images = rng.random((20, 12), dtype=np.float32)
    host, accelerator = Host(lowered.parent), lowered.model.transform(SetExecMode("cppsim"))
    source_name, result = accelerator.graph.input[0].name, accelerator.graph.output[0].name
    outputs = [
        host.after(execute_onnx(accelerator, {source_name: host.before(image[None])})[result])[0]
        for image in images
    ]
    reference = reference_outputs(source, images)
    assert np.ptp(reference) > 10 * host.output_step().max()
    assert mismatches(np.stack(outputs), reference, host.output_step()) == 0
