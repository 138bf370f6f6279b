"""ConvolutionInputGeneratorPadded_rtl against windows cut out of padded maps by hand."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from msq_finn.errors import MsqError
from msq_finn.lowering.cycles import node_cycles

from .nodes import executed, generated, one_node, op_of, random_integers, streamed, through_finn

pytestmark = pytest.mark.usefixtures("finn")


@dataclass(frozen=True)
class Case:
    dim: tuple[int, int]
    channels: int
    kernel: tuple[int, int]
    simd: int
    datatype: str = "UINT4"
    stride: tuple[int, int] = (1, 1)
    pads: tuple[int, int, int, int] = (0, 0, 0, 0)
    dilation: tuple[int, int] = (1, 1)
    depthwise: int = 0
    style: str = "distributed"

    @property
    def out(self):
        around = [n + self.pads[axis] + self.pads[axis + 2] for axis, n in enumerate(self.dim)]
        sizes = zip(around, self.kernel, self.stride, self.dilation, strict=True)
        return [(n - (k - 1) * d - 1) // s + 1 for n, k, s, d in sizes]


CASES = [
    Case((4, 5), 6, (3, 3), 2, "INT3", pads=(1, 1, 1, 1)),
    Case((5, 4), 4, (2, 3), 2, stride=(2, 1), pads=(0, 2, 1, 0), depthwise=1, style="block"),
    Case((7, 1), 3, (3, 1), 1, "INT5", pads=(1, 0, 2, 0)),
    Case((6, 6), 2, (2, 2), 2, dilation=(3, 2), stride=(1, 3)),
]


def generator(case, **more):
    pixels = case.kernel[0] * case.kernel[1]
    return one_node(
        "ConvolutionInputGeneratorPadded_rtl",
        [([1, *case.dim, case.channels], case.datatype)],
        [([1, *case.out, pixels * case.channels], case.datatype)],
        **{
            "ConvKernelDim": case.kernel,
            "IFMChannels": case.channels,
            "IFMDim": case.dim,
            "OFMDim": case.out,
            "SIMD": case.simd,
            "Stride": case.stride,
            "Dilation": case.dilation,
            "Padding": case.pads,
            "depthwise": case.depthwise,
            "ram_style": case.style,
            "inputDataType": case.datatype,
            "outputDataType": case.datatype,
        }
        | more,
    )


def windows(values, case):
    """[frames, rows, pixels, channels] to [frames, rows, pixels, elements of a window]."""
    top, left, bottom, right = case.pads
    values = np.pad(values, ((0, 0), (top, bottom), (left, right), (0, 0)))
    found = np.empty((len(values), *case.out, *case.kernel, case.channels), values.dtype)
    for y, x, ky, kx in np.ndindex(*case.out, *case.kernel):
        row, pixel = y * case.stride[0] + ky * case.dilation[0], x * case.stride[1]
        found[:, y, x, ky, kx] = values[:, row, pixel + kx * case.dilation[1]]
    if case.depthwise:
        groups = found.reshape(*found.shape[:-1], -1, case.simd)
        found = np.moveaxis(groups, -2, 3)
    return found.reshape(len(values), *case.out, -1)


def drawn(rng, case, frames):
    return random_integers(rng, case.datatype, (frames, *case.dim, case.channels))


@pytest.mark.parametrize("case", CASES[:2])
def test_finns_rtlsim_and_python_equal_numpy(rng, case):
    values = drawn(rng, case, 1)
    for run in (through_finn, executed):
        np.testing.assert_array_equal(run(generator(case), values)[0], windows(values, case))


@pytest.mark.parametrize("case", CASES[2:])
def test_python_equals_numpy(rng, case):
    values = drawn(rng, case, 1)
    np.testing.assert_array_equal(executed(generator(case), values)[0], windows(values, case))


@pytest.mark.parametrize("case", CASES[2:])
def test_stalls_change_nothing(rng, case):
    values = drawn(rng, case, 4)
    run = streamed(generator(case), values, stall_in=0.4, stall_out=0.3, seed=3)
    np.testing.assert_array_equal(run.outputs[0].squeeze(1), windows(values, case))


@pytest.mark.parametrize("case", CASES[1:3])
def test_a_frame_takes_the_expected_cycles(rng, case):
    model = generator(case)
    sent = streamed(model, drawn(rng, case, 4)).interval()
    assert sent == op_of(model).get_exp_cycles() == node_cycles(op_of(model))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"SIMD": 4}, "SIMD=4 does not divide elements=6"),
        ({"inputDataType": "BIPOLAR"}, "BIPOLAR is no integer type"),
    ],
)
def test_what_the_hardware_cannot_do_is_refused(changes, message):
    model = generator(CASES[0], **changes)
    with pytest.raises(MsqError, match=f"ConvolutionInputGeneratorPadded_rtl_0: {message}"):
        generated(model)


def test_block_ram_is_counted():
    case = replace(CASES[0], dim=(32, 32), channels=64, simd=8, style="block")
    assert op_of(generator(case)).depth() == 1024  # of 8 * 68 + 2 words of 32 bits
    assert op_of(generator(case)).bram_estimation() == 2
    assert op_of(generator(replace(case, style="distributed"))).bram_estimation() == 0
