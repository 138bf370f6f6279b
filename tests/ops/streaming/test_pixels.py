"""Windows and pools of several pixels a cycle, against windows cut out of a map pixel by pixel."""

from __future__ import annotations

import numpy as np
import pytest

from msq_finn.errors import MsqError
from msq_finn.rtl.pixel_words import pixel_words

from .nodes import (
    executed,
    generated,
    one_node,
    op_of,
    random_integers,
    streamed,
    through_finn,
)

pytestmark = pytest.mark.usefixtures("finn")

# rows, pixels of a row, channels, kernel, stride, zeros before and behind a row, pixels of a word
CASES = [
    (5, 16, 3, (3, 3), 1, (1, 1), 2),
    (5, 16, 2, (3, 3), 1, (1, 1), 4),
    (6, 16, 3, (3, 3), 2, (1, 1), 2),
    (7, 32, 2, (3, 3), 2, (1, 1), 4),
    (4, 16, 2, (2, 2), 2, (0, 0), 4),
    (4, 16, 2, (1, 1), 2, (0, 0), 2),
    (6, 16, 2, (5, 3), 1, (0, 0), 2),
    (5, 14, 1, (4, 4), 1, (1, 2), 2),
    (24, 1, 3, (3, 1), 1, (1, 1), 4),
    (24, 1, 2, (2, 1), 2, (0, 0), 2),
]


def some(cases, *fast):
    """Cases of which only a few are for every run."""
    return [
        case if index in fast else pytest.param(case, marks=pytest.mark.slow)
        for index, case in enumerate(cases)
    ]


def is_signal(case):
    return case[1] == 1


def words_of(case):
    height, width, _, (k_h, k_w), stride, pad, pixels = case
    along, kernel = (height, k_h) if is_signal(case) else (width, k_w)
    return pixel_words(along, kernel, stride, pad, pixels)


def padded_words(case, image):
    """An image [1, H, W, C] in words, zeros around rows as hardware puts them."""
    words, axis = words_of(case), 1 if is_signal(case) else 2
    shape = list(image.shape)
    shape[axis] //= words.pixels
    shape[3] *= words.pixels
    zeros = [(0, 0)] * 4
    zeros[axis] = words.before, words.after
    return np.pad(image.reshape(shape), zeros)


def windows(case, image):
    """All windows of an image [1, H, W, C]: [1, rows, columns, pixels, C]."""
    _, _, channels, (k_h, k_w), stride, pad, _ = case
    zeros = [(0, 0)] * 4
    zeros[1 if is_signal(case) else 2] = pad
    image = np.pad(image, zeros)[0]
    return np.array([[
        [image[y : y + k_h, x : x + k_w].reshape(-1, channels)
         for x in range(0, image.shape[1] - k_w + 1, stride)]
        for y in range(0, image.shape[0] - k_h + 1, stride)
    ]])  # fmt: skip


def generator(case, datatype="UINT4", depthwise=0):
    height, width, channels, (k_h, k_w), stride, _, pixels = case
    words = words_of(case)
    reach = words.before + words.after
    if is_signal(case):
        dim, kernel = (height // pixels + reach, 1), (words.kernel, 1)
        out, steps = (words.results, 1), (1, 1)
    else:
        dim, kernel = (height, width // pixels + reach), (k_h, words.kernel)
        out, steps = ((height - k_h) // stride + 1, words.results), (stride, 1)
    taken = words.windows * k_h * k_w * channels
    return one_node(
        "ConvolutionInputGeneratorPixels_rtl",
        [([1, *dim, pixels * channels], datatype)],
        [([1, *out, taken], datatype)],
        ConvKernelDim=kernel,
        IFMChannels=pixels * channels,
        IFMDim=dim,
        OFMDim=out,
        SIMD=pixels * channels,
        Stride=steps,
        Dilation=[1, 1],
        inputDataType=datatype,
        outputDataType=datatype,
        parallel_window=1,
        depthwise=depthwise,
        Pixels=pixels,
        Windows=words.windows,
        First=words.first,
        PixelKernel=k_h if is_signal(case) else k_w,
        PixelStride=stride,
    )


def images(rng, case, frames, datatype="UINT4"):
    return random_integers(rng, datatype, (frames, 1, *case[:3]))


@pytest.mark.parametrize("case", CASES)
def test_windows_are_those_of_single_pixels(rng, case):
    model, image = generator(case), images(rng, case, 1)[0]
    (found,) = executed(model, padded_words(case, image))
    np.testing.assert_array_equal(found.reshape(-1), windows(case, image).reshape(-1))


@pytest.mark.parametrize("case", some([CASES[0], CASES[3]], 0))
def test_for_a_depthwise_layer_windows_of_a_word_are_one_of_more_channels(rng, case):
    model, image = generator(case, depthwise=1), images(rng, case, 1)[0]
    expected = windows(case, image)
    _, rows, _, taps, channels = expected.shape
    side_by_side = words_of(case).windows
    expected = expected.reshape(rows, -1, side_by_side, taps, channels).swapaxes(2, 3)
    sent = padded_words(case, image)
    (found,) = executed(model, sent)
    np.testing.assert_array_equal(found.reshape(-1), expected.reshape(-1))
    run = streamed(model, sent[None])
    np.testing.assert_array_equal(run.outputs[0].reshape(-1), expected.reshape(-1))


@pytest.mark.parametrize("case", some(CASES, 1, 3, 8))
def test_the_rtl_gives_the_same_under_stalls(rng, case):
    model, frames = generator(case), images(rng, case, 4)
    sent = np.stack([padded_words(case, image) for image in frames])
    run = streamed(model, sent, stall_in=0.3, stall_out=0.4, seed=3)
    expected = np.stack([windows(case, image) for image in frames])
    np.testing.assert_array_equal(run.outputs[0].reshape(-1), expected.reshape(-1))


@pytest.mark.parametrize("case", some([CASES[0], CASES[3], CASES[8]], 1))
def test_a_frame_takes_a_cycle_a_word(rng, case):
    model = generator(case)
    sent = np.stack([padded_words(case, image) for image in images(rng, case, 4)])
    words = int(np.prod(sent.shape[2:4]))
    assert words <= streamed(model, sent).interval() <= words + 2
    assert op_of(model).get_exp_cycles() == words + 2


@pytest.mark.parametrize(
    ("row", "kernel", "stride", "pad", "pixels"),
    [(33, 3, 1, (1, 1), 2), (32, 3, 1, (0, 0), 4), (32, 3, 4, (1, 1), 2), (30, 3, 3, (0, 0), 2),
     (4, 3, 1, (1, 1), 2)],
)  # fmt: skip
def test_maps_that_do_not_come_out_even_have_no_words(row, kernel, stride, pad, pixels):
    assert pixel_words(row, kernel, stride, pad, pixels) is None


# windows of a word, pixels of a window, channels, function, input type, output type, right shift
POOLS = [
    (2, 4, 3, "MaxPool", "UINT4", "UINT4", 0),
    (1, 2, 5, "MaxPool", "INT5", "INT5", 0),
    (2, 6, 2, "AccPool", "INT4", "INT7", 0),
    (4, 4, 1, "QuantAvgPool", "INT4", "INT6", 2),
    (1, 9, 2, "MaxPool", "INT3", "INT3", 0),
    (2, 1, 2, "MaxPool", "UINT4", "UINT4", 0),
]


def pool(windows, pixels, channels, function, source, result, size):
    return one_node(
        "PoolPixels_rtl",
        [([1, 2, 3, windows * pixels * channels], source)],
        [([1, 2, 3, windows * channels], result)],
        Function=function,
        InputDataType=source,
        OutputDataType=result,
        Channels=channels,
        PE=channels,
        KernelSize=[pixels, 1],
        OutImgDims=[2, 3],
        Size=size,
        Windows=windows,
    )


@pytest.mark.parametrize("case", some(POOLS, 0, 2))
def test_pools_equal_numpy_under_stalls(rng, case):
    windows, pixels, channels, function, source, _, size = case
    values = random_integers(rng, source, (6, 1, 2, 3, windows, pixels, channels))
    expected = values.max(-2) if function == "MaxPool" else values.sum(-2) // 2**size
    model = pool(*case)
    assert op_of(model).get_exp_cycles() == 6
    sent = values.reshape(6, 1, 2, 3, -1)
    (found,) = executed(model, sent[0])
    np.testing.assert_array_equal(found.reshape(-1), expected[0].reshape(-1))
    run = streamed(model, sent, stall_in=0.3, stall_out=0.5, seed=3)
    np.testing.assert_array_equal(run.outputs[0].reshape(-1), expected.reshape(-1))
    assert streamed(model, sent).interval() == 6


def test_a_type_that_is_no_integer_is_refused():

    with pytest.raises(MsqError, match="PoolPixels_rtl_0: FLOAT32 is no integer type"):
        generated(pool(2, 4, 3, "MaxPool", "FLOAT32", "FLOAT32", 0))


def test_finns_rtlsim_gives_the_same(rng):
    case = CASES[2]
    model, image = generator(case), images(rng, case, 1)[0]
    (found,) = through_finn(model, padded_words(case, image))
    np.testing.assert_array_equal(found.reshape(-1), windows(case, image).reshape(-1))
