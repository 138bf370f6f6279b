"""FMPadding_Pixel_rtl against zeros placed by NumPy's strides."""

from __future__ import annotations

import numpy as np
import pytest

from msq_finn.errors import MsqError

from .nodes import executed, generated, one_node, op_of, random_integers, streamed, through_finn

pytestmark = pytest.mark.usefixtures("finn")

# height, width, channels, strides, SIMD, type
CASES = [
    (3, 2, 6, (2, 2), 2, "UINT4"),
    (1, 3, 1, (3, 5), 1, "INT3"),
    (3, 1, 5, (1, 3), 5, "INT5"),
    (2, 3, 3, (3, 1), 1, "UINT8"),
]


def pixel_padding(h, w, channels, strides, simd, datatype, op_type="FMPadding_Pixel_rtl", **more):
    return one_node(
        op_type,
        [([1, h, w, channels], datatype)],
        [([1, *spread_size(h, w, strides), channels], datatype)],
        ImgDim=[h, w],
        Stride=list(strides),
        SIMD=simd,
        NumChannels=channels,
        inputDataType=datatype,
        **more,
    )


def spread_size(h, w, strides):
    return (h - 1) * strides[0] + 1, (w - 1) * strides[1] + 1


def spread(values, strides):
    *frames, h, w, channels = values.shape
    result = np.zeros((*frames, *spread_size(h, w, strides), channels), values.dtype)
    result[..., :: strides[0], :: strides[1], :] = values
    return result


def drawn(rng, case, frames):
    return random_integers(rng, case[5], (frames, *case[:3]))


@pytest.mark.parametrize("case", CASES[:2])
def test_finns_rtlsim_and_python_equal_numpy(rng, case):
    values = drawn(rng, case, 1)
    for run in (through_finn, executed):
        np.testing.assert_array_equal(run(pixel_padding(*case), values)[0], spread(values, case[3]))


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("stalls", [(0.0, 0.6), (0.4, 0.4)])
def test_stalls_change_nothing(rng, case, stalls):
    values = drawn(rng, case, 5)
    run = streamed(pixel_padding(*case), values, stall_in=stalls[0], stall_out=stalls[1], seed=3)
    np.testing.assert_array_equal(run.outputs[0].squeeze(1), spread(values, case[3]))


@pytest.mark.parametrize("case", CASES[1:3])
def test_a_frame_takes_the_expected_cycles(rng, case):
    model = pixel_padding(*case)
    assert streamed(model, drawn(rng, case, 4)).interval() == op_of(model).get_exp_cycles()


def test_simd_has_to_divide_the_channels():
    with pytest.raises(MsqError, match="FMPadding_Pixel_rtl_0: SIMD=4 does not divide elements=6"):
        generated(pixel_padding(3, 2, 6, (2, 2), 4, "UINT4"))
