"""Networks whose PE and SIMD do not divide rows and columns: bit for bit, as fast as predicted."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from torch import nn

from msq_finn.build.generate import generate
from msq_finn.build.summary import layers_of
from msq_finn.build.verdict.judge import judge
from msq_finn.lanes import LaneCounts
from msq_finn.lowering.lower import Target
from msq_finn.models import LayerFactory
from msq_finn.quant import MSQWeightPerChannelFloat
from msq_finn.training.assign import assign_rows
from msq_finn.training.couple import coupled_layers

from .networks import Residual, _settled, exported
from .whole import same_in_rtl


def prime_mlp():
    """Layers of 13 and 11 rows."""
    torch.manual_seed(3)
    make = LayerFactory(MSQWeightPerChannelFloat, {})
    hidden = [make.identity(), *make.linear_relu(10, 13), *make.linear_relu(13, 11)]
    model = nn.Sequential(*hidden, make.classifier(11, 4))
    assign_rows(model, 7 / 13)
    return _settled(model, (16, 10))


def seven_channels():
    """A convolution of 7 channels, one that reads them, and a flattened classifier."""
    torch.manual_seed(4)
    make = LayerFactory(MSQWeightPerChannelFloat, {})
    layers = [make.identity(), make.conv_relu(2, 7), make.conv_relu(7, 5), nn.Flatten()]
    model = nn.Sequential(*layers, make.classifier(80, 4))
    assign_rows(model, 3 / 7)
    return _settled(model, (16, 2, 4, 4))


def padded_pool():
    """A convolution of 3 channels in front of a pool with padding."""
    torch.manual_seed(6)
    make = LayerFactory(MSQWeightPerChannelFloat, {})
    layers = [make.identity(), make.conv_relu(2, 3), nn.MaxPool2d(3, 1, 1), nn.Flatten()]
    return _settled(nn.Sequential(*layers, make.classifier(48, 4)), (16, 2, 4, 4))


def residual():
    """A residual block of 5 channels."""
    torch.manual_seed(5)
    model = Residual(5)
    assign_rows(model, 0.5, coupled=coupled_layers(model))
    return _settled(model, (16, 1, 4, 4))


def lanes(simd, **counts):
    held = LaneCounts(counts).is_constant
    return {
        "SIMD": simd,
        "PE": sum(counts.values()),
        "laneKinds": list(counts),
        "lanePE": list(counts.values()),
        "mem_mode": "internal_embedded" if held else "internal_decoupled",
        "ram_style": "distributed",
    }


#: Network, input, folding by node (of a layer, SIMD and its lanes), columns and rows of the layers.
CASES = {
    # PE 4 of 13 and 3 of 11 rows, SIMD 3 of 10, 4 of 13 (13 as padded by PE), 2 of 11 columns.
    "mlp": (
        prime_mlp,
        (1, 10),
        {
            "MVAU_MSQ_rtl_0": lanes(3, sp2_4_lut=2, fixed_4_dsp=2),
            "Thresholding_rtl_0": {"PE": 3},
            "MVAU_MSQ_rtl_1": lanes(4, embedded_lut=3),
            "Thresholding_rtl_1": {"PE": 3},
            "MVAU_MSQ_rtl_2": lanes(2, fixed_4_dsp=2),
        },
        [(10, 13), (13, 11), (11, 4)],
    ),
    # The same on chains of DSP slices: of three and two, four and three, four.
    "chains": (
        prime_mlp,
        (1, 10),
        {
            "MVAU_MSQ_rtl_0": lanes(5, sp2_4_lut=2, fixed_4_dsp_chain=2),
            "Thresholding_rtl_0": {"PE": 3},
            "MVAU_MSQ_rtl_1": lanes(7, sp2_4_lut=2, fixed_4_dsp_chain=2),
            "Thresholding_rtl_1": {"PE": 3},
            "MVAU_MSQ_rtl_2": lanes(4, fixed_4_dsp_chain=4),
        },
        [(10, 13), (13, 11), (11, 4)],
    ),
    # PE 3 of 7 and 2 of 5 channels; SIMD 4 of 18, 16 of 63, 7 of 80 columns.
    "channels": (
        seven_channels,
        (1, 2, 4, 4),
        {
            "MVAU_MSQ_rtl_0": lanes(4, sp2_4_lut=1, fixed_4_lut=2),
            "Thresholding_rtl_0": {"PE": 3},
            "MVAU_MSQ_rtl_1": lanes(16, serial_lut=2),
            "Thresholding_rtl_1": {"PE": 2},
            "MVAU_MSQ_rtl_2": lanes(7, fixed_4_dsp=2),
        },
        [(18, 7), (63, 5), (80, 4)],
    ),
    # PE 2 of 3 channels; the pool's padding takes one, its windows three.
    "padded pool": (
        padded_pool,
        (1, 2, 4, 4),
        {
            "MVAU_MSQ_rtl_0": lanes(2, sp2_4_lut=1, fixed_4_dsp=1),
            "Thresholding_rtl_0": {"PE": 2},
            "FMPadding_rtl_1": {"SIMD": 1},
            "ConvolutionInputGenerator_rtl_1": {"SIMD": 3},
            "Pool_rtl_0": {"PE": 3},
            "MVAU_MSQ_rtl_1": lanes(2, fixed_4_dsp=2),
        },
        [(18, 3), (48, 4)],
    ),
    # PE 3 of 5 channels in both layers that are added.
    "residual": (
        residual,
        (1, 1, 4, 4),
        {
            "MVAU_MSQ_rtl_0": lanes(2, sp2_4_lut=1, fixed_4_dsp=2),
            "MVAU_MSQ_rtl_1": lanes(4, sp2_4_lut=1, fixed_4_dsp=2),
            "Thresholding_rtl_0": {"PE": 3},
        },
        [(9, 5), (45, 5), (80, 3)],
    ),
}


@pytest.mark.parametrize(
    "case",
    [
        "mlp",
        "padded pool",
        "chains",
        *(pytest.param(c, marks=pytest.mark.slow) for c in ("channels", "residual")),
    ],
)
def test_a_network_all_the_way(tmp_path, case):
    make, shape, folding, sizes = CASES[case]
    source = exported(make(), tmp_path / "model.onnx", shape)
    (tmp_path / "folding.json").write_text(json.dumps(folding))
    target = Target("Pynq-Z1", target_fps=100_000, folding_config=tmp_path / "folding.json")
    lowered = generate(source, target, tmp_path)
    _, images, found, _ = same_in_rtl(lowered, tmp_path, 6, rel=0.02)
    assert [(la.mw, la.mh) for la in layers_of(lowered.model, None)] == sizes
    if case == "mlp":
        # What looks into differences leaves padding out, and finds nothing in any tensor.
        verdict = judge(lowered, images, found, np.ones(len(images), dtype=bool))
        assert verdict.faults == verdict.ties == []
