"""Layers that upstream would send to Vitis HLS get the RTL that finn-plus gives them."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import helper
from qonnx.core.onnx_exec import execute_onnx

from msq_finn.finn_compat.convert import InferPixelSkips
from msq_finn.finn_compat.specialize import SpecializeWideMVAU

from .test_stand_ins import model_of, node

DOMAIN = "finn.custom_op.fpgadataflow"


def patches(kernel, stride, datatype="INT4", size=(5, 5), pad=0):
    out = [(n + 2 * pad - kernel) // stride + 1 for n in size]
    return model_of(
        [node("Im2Col", ["x"], "z", domain="qonnx.custom_op.general", kernel_size=[kernel] * 2,
              stride=[stride] * 2, pad_amount=[pad] * 4, input_shape=str((1, *size, 3)))],
        {"x": [1, *size, 3]}, {"z": [1, *out, 3 * kernel**2]}, {}, {"x": datatype},
    )  # fmt: skip


@pytest.mark.parametrize("size", [(5, 5), (6, 4), (7, 1)])
def test_single_pixels_get_window_generators_as_finn_plus_makes_them(finn, size):
    from finn.transformation.fpgadataflow.convert_to_hw.conv_inp_gen import InferConvInpGen

    model = patches(1, 2, size=size)
    ours, theirs = (model.transform(t()) for t in (InferPixelSkips, InferConvInpGen))
    [made], [expected] = ours.graph.node, theirs.graph.node
    assert made.op_type == expected.op_type == "ConvolutionInputGenerator"
    assert attributes(made) == attributes(expected)
    feed = {"x": np.random.default_rng(0).integers(-8, 8, (1, *size, 3)).astype(np.float32)}
    assert np.array_equal(execute_onnx(ours, feed)["z"], execute_onnx(model, feed)["z"])


@pytest.mark.parametrize(
    "model",
    [patches(1, 1), patches(2, 2), patches(1, 2, "FLOAT32"), patches(1, 2, pad=1)],
    ids=["no stride", "windows", "floats", "padding"],
)
def test_other_patches_are_left_to_finn(finn, model):
    changed = model.transform(InferPixelSkips())
    assert [n.op_type for n in changed.graph.node] == ["Im2Col"]


def attributes(made):
    return {a.name: helper.get_attribute_value(a) for a in made.attribute}


def unit(acts="UINT10", weights="INT8", least=-127, sums="INT24", **options):
    """An MVAU of 6 columns and 4 rows, whose least weight is given."""
    values = np.random.default_rng(0).integers(least, -least, (6, 4))
    values[0, 0] = least
    made = node(
        "MVAU", ["x", "w"], "z", domain=DOMAIN, backend="fpgadataflow", MW=6, MH=4, SIMD=1, PE=1,
        inputDataType=acts, weightDataType=weights, outputDataType=sums, numInputVectors=[1],
        **({"noActivation": 1} | options),
    )  # fmt: skip
    types = {"x": acts, "w": weights}
    return model_of([made], {"x": [1, 6]}, {"z": [1, 4]}, {"w": values}, types)


E1, E2 = "xc7z020clg400-1", "xczu3eg-sbva484-1-e"

#: (part, what differs, whether RTL has it).
UNITS = {
    "10 bits": (E1, {}, True),
    "most that a port takes": (E1, {"acts": "UINT17"}, True),
    "one more": (E1, {"acts": "UINT18"}, False),
    "signed": (E1, {"acts": "INT18"}, True),
    "wide weights": (E1, {"weights": "INT12", "least": -2000}, True),
    "too wide weights": (E1, {"weights": "INT28", "least": -(2**26) - 1}, False),
    "weights of few bits": (E1, {"weights": "INT3", "least": -3}, False),
    "the least weight of its type": (E1, {"least": -128}, False),
    "the same on UltraScale+": (E2, {"least": -128}, True),
    "too wide sums": (E1, {"sums": "INT49"}, False),
    "thresholds inside": (E1, {"noActivation": 0}, False),
    "HLS chosen": (E1, {"preferred_impl_style": "hls"}, False),
}


@pytest.mark.parametrize("name", UNITS)
def test_wide_units_get_rtl_where_finn_plus_has_it(finn, name):
    from finn.transformation.fpgadataflow.specialize_layers import SpecializeLayers

    part, options, rtl = UNITS[name]
    model = unit(**options)
    [ours] = model.transform(SpecializeWideMVAU(part)).graph.node
    [theirs] = model.transform(SpecializeLayers(part)).graph.node
    assert theirs.op_type == ("MVAU_rtl" if rtl else "MVAU_hls")
    assert (ours.op_type, ours.domain) == (
        ("MVAU_rtl", f"{DOMAIN}.rtl") if rtl else ("MVAU", DOMAIN)
    )
