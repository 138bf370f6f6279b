"""ThresholdingSerial_rtl against a count of thresholds, which it compares one after another."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from msq_finn.errors import MsqError

from .nodes import (
    executed,
    generated,
    one_node,
    op_of,
    random_integers,
    stream,
    streamed,
    through_finn,
)

pytestmark = pytest.mark.usefixtures("finn")

# channels, PE, thresholds of a channel, type in, type out, ActVal, style
CASES = [
    (6, 2, 3, "INT8", "UINT2", 0, "distributed"),
    (8, 1, 15, "INT12", "UINT4", 0, "block"),
    (6, 3, 14, "INT7", "INT4", -7, "distributed"),
    (3, 1, 1, "UINT6", "UINT1", 0, "distributed"),
    (2, 2, 60, "UINT8", "INT7", -3, "block"),
]
SHAPE = (1, 2, 3)


def thresholds_of(case):
    """Sorted, the ends of the type and what no value reaches among them."""
    from qonnx.core.datatype import DataType

    channels, _, steps, kind = case[:4]
    low, high = int(DataType[kind].min()), int(DataType[kind].max())
    rng = np.random.default_rng(1)
    drawn = rng.integers(low, high + 2, (channels, steps))
    drawn[0, -1], drawn[-1, 0] = high + 1, low
    return np.sort(drawn, axis=1)


def node(case, thresholds=None, **more):
    channels, pe, steps, source, result, bias, style = case
    thresholds = thresholds_of(case) if thresholds is None else thresholds
    shape, like = [*SHAPE, channels], {"inputDataType": source, "outputDataType": result}
    model = one_node(
        "ThresholdingSerial_rtl", [(shape, source), (thresholds.shape, "INT16")], [(shape, result)],
        **{"NumChannels": channels, "PE": pe, "numSteps": steps, "ActVal": bias,
           "weightDataType": "INT16", "numInputVectors": list(SHAPE), "ram_style": style}
        | like | more,
    )  # fmt: skip
    model.graph.input.pop()
    model.set_initializer("in1", thresholds.astype(np.float32))
    return model


def drawn(rng, case, frames=1):
    """Values at random; in the first pixels thresholds, and what is one below them."""
    values = random_integers(rng, case[3], (frames, *SHAPE, case[0]))
    sharp = thresholds_of(case).T[rng.integers(0, case[2], 4)]
    for pixel, (row, below) in enumerate(zip(sharp, (0, 1, 0, 1), strict=True)):
        values[-1].reshape(-1, case[0])[pixel] = np.clip(row - below, values.min(), values.max())
    return values


def counted(values, case, thresholds=None):
    """Levels by definition."""
    thresholds = thresholds_of(case) if thresholds is None else thresholds
    return case[5] + (values[..., None] >= thresholds).sum(axis=-1)


@pytest.mark.parametrize("case", CASES[1:3])
def test_finns_rtlsim_and_python_equal_a_count(rng, case):
    values = drawn(rng, case)[0]
    for run in (through_finn, executed):
        model = node(case)
        np.testing.assert_array_equal(run(model, values)[0], counted(values, case))
        assert len(model.graph.node[0].input) == 2


@pytest.mark.parametrize("case", CASES)
def test_stalls_change_nothing_and_a_frame_takes_the_expected_cycles(rng, case):
    model, values = generated(node(case)), drawn(rng, case, 4)
    words = math.prod(SHAPE) * case[0] // case[1]
    assert op_of(model).get_exp_cycles() == words * math.ceil(math.log2(case[2] + 1))
    assert stream(model, values).interval() == op_of(model).get_exp_cycles()
    for stall_in, stall_out in ((0.6, 0.0), (0.4, 0.7)):
        run = stream(model, values, stall_in=stall_in, stall_out=stall_out, seed=3)
        np.testing.assert_array_equal(run.outputs[0].reshape(values.shape), counted(values, case))


def test_minus_one_and_one_travel_as_finns_do(rng):
    case = (4, 2, 1, "INT5", "BIPOLAR", 0, "distributed")
    values = drawn(rng, case)[0]
    expected = np.where(values >= thresholds_of(case)[:, 0], 1, -1)
    for run in (through_finn, executed):
        np.testing.assert_array_equal(run(node(case), values)[0], expected)


def test_channels_may_share_their_thresholds(rng):
    """One memory of one channel for every lane, whatever the fold."""
    case, shared = CASES[0], np.array([[-9, 0, 77]])
    model, values = generated(node(case, shared)), drawn(rng, CASES[0], 2)
    assert ".Folds(1)" in Path(op_of(model).get_rtl_file_list(abspath=True)[0]).read_text()
    run = stream(model, values, stall_out=0.3)
    expected = counted(values, case, shared)
    np.testing.assert_array_equal(run.outputs[0].reshape(values.shape), expected)


def test_fractions_and_any_order_are_as_good(rng):
    case = CASES[0]
    loose = thresholds_of(case)[:, [2, 0, 1]] - 0.25
    values = drawn(rng, case, 2)
    run = streamed(node(case, loose), values)
    np.testing.assert_array_equal(
        run.outputs[0].reshape(values.shape), counted(values, case, loose)
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"PE": 4}, "PE=4 does not divide elements=6"),
        ({"inputDataType": "FLOAT32"}, "FLOAT32 is no integer type that stream_thresholds takes"),
        ({"inputDataType": "BIPOLAR"}, "BIPOLAR is no integer type"),
        ({"outputDataType": "INT2"}, "levels 0 to 3 are not all of type INT2"),
        ({"ActVal": -1}, "levels -1 to 2 are not all of type UINT2"),
        (
            {"runtime_writeable_weights": 1},
            "stream_thresholds keeps one set of thresholds that nobody writes",
        ),
        ({"mlo_max_iter": 2}, "stream_thresholds keeps one set of thresholds that nobody writes"),
    ],
)
def test_what_the_hardware_cannot_do_is_refused(changes, message):
    with pytest.raises(MsqError, match=f"ThresholdingSerial_rtl_0: {message}"):
        generated(node(CASES[0], **changes))
