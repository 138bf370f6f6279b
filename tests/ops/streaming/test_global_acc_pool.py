"""GlobalAccPool_rtl against NumPy sums."""

from __future__ import annotations

import numpy as np
import pytest

from msq_finn.errors import MsqError

from .nodes import executed, generated, one_node, op_of, random_integers, streamed, through_finn

pytestmark = pytest.mark.usefixtures("finn")

# batch, height, width, channels, PE, input type, output type
CASES = [
    (1, 3, 4, 6, 2, "UINT4", "UINT8"),
    (2, 2, 2, 5, 5, "INT4", "INT6"),
    (1, 1, 1, 4, 1, "UINT3", "UINT3"),
]


def global_pool(n, h, w, channels, pe, source, result, op_type="GlobalAccPool_rtl", **attributes):
    return one_node(
        op_type,
        [([n, h, w, channels], source)],
        [([n, 1, 1, channels], result)],
        NumChannels=channels,
        PE=pe,
        inputDataType=source,
        numInputVectors=[n, h, w],
        **attributes,
    )


def images(rng, case, frames):
    n, h, w, channels, _, source, _ = case
    return random_integers(rng, source, (frames, n, h, w, channels))


@pytest.mark.parametrize("case", CASES)
def test_finns_rtlsim_and_python_equal_numpy(rng, case):
    values = images(rng, case, 1)[0]
    for run in (through_finn, executed):
        (out,) = run(global_pool(*case), values)
        np.testing.assert_array_equal(out, values.sum(axis=(1, 2), keepdims=True))


@pytest.mark.parametrize("case", CASES)
def test_extremes_fit(case):
    """All pixels at the type's end: the largest sums there are."""
    n, h, w, channels, _, source, _ = case
    low, high = (-8, 7) if source == "INT4" else (0, 2 ** int(source[4:]) - 1)
    values = np.stack([np.full((n, h, w, channels), v) for v in (low, high)])
    run = streamed(global_pool(*case), values)
    np.testing.assert_array_equal(run.outputs[0], values.sum(axis=(2, 3), keepdims=True))


@pytest.mark.parametrize("case", CASES)
def test_stalls_change_nothing(rng, case):
    values = images(rng, case, 6)
    run = streamed(global_pool(*case), values, stall_in=0.3, stall_out=0.7, seed=1)
    np.testing.assert_array_equal(run.outputs[0], values.sum(axis=(2, 3), keepdims=True))


@pytest.mark.parametrize("case", CASES)
def test_a_frame_takes_the_expected_cycles(rng, case):
    model = global_pool(*case)
    assert streamed(model, images(rng, case, 4)).interval() == op_of(model).get_exp_cycles()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({4: 4}, "GlobalAccPool_rtl_0: PE=4 does not divide elements=6"),
        ({5: "FLOAT32"}, "GlobalAccPool_rtl_0: FLOAT32 is no integer type"),
    ],
)
def test_what_the_hardware_cannot_do_is_refused(changes, message):
    case = [changes.get(i, value) for i, value in enumerate(CASES[0])]
    with pytest.raises(MsqError, match=message):
        generated(global_pool(*case))


def test_vectors_without_an_image_are_refused():
    model = global_pool(*CASES[0])
    op_of(model).set_nodeattr("numInputVectors", [12])
    with pytest.raises(MsqError, match=r"GlobalAccPool_rtl_0: numInputVectors=\[12\]"):
        generated(model)
