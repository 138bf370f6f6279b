"""Layers of several vectors a word through FINN's own rtlsim, against integer matrix products."""

from __future__ import annotations

import numpy as np
import pytest
from qonnx.core.datatype import DataType
from qonnx.core.onnx_exec import execute_onnx
from qonnx.custom_op.registry import getCustomOp

from msq_finn.errors import MsqError
from msq_finn.lanes import LaneCounts

from .test_mvau_msq_rtl import PART, layer, simulated

pytestmark = pytest.mark.usefixtures("finn")

WORDS = 5


def side_by_side(rng, pixels, mw, lanes, act, **attributes):
    """A one-node model of whole vectors, so many a word, and its weights."""
    model, weights = layer(rng, mw, mw, lanes, 1, act, vectors=WORDS, **attributes)
    getCustomOp(model.graph.node[0]).set_nodeattr("pixels", pixels)
    for tensor, elements in (("inp", mw), ("outp", len(weights[0]))):
        model.set_tensor_shape(tensor, [WORDS, pixels * elements])
    return model, weights


@pytest.mark.parametrize(
    ("pixels", "mw", "lanes", "act", "offset"),
    [
        (2, 9, (0, 0, 0, 5), "UINT4", 1),
        (4, 7, (0, 0, 0, 3), "INT3", 0),
        # Codes of one memory for all.
        (3, 6, (2, 1, 2), "UINT4", 1),
    ],
)
def test_rtl_and_python_equal_integer_arithmetic(rng, pixels, mw, lanes, act, offset):
    model, weights = side_by_side(rng, pixels, mw, lanes, act, offsetOutput=offset)
    op, kind = getCustomOp(model.graph.node[0]), DataType[act]
    vectors = rng.integers(int(kind.min()), int(kind.max()) + 1, (WORDS * pixels, mw))
    vectors[0], vectors[1] = kind.min(), kind.max()
    expected = vectors @ weights + (op.row_offsets(weights) if offset else 0)
    words = vectors.reshape(WORDS, -1).astype(np.float32)
    for found in (execute_onnx(model, {"inp": words})["outp"], simulated(model, words)):
        np.testing.assert_array_equal(found, expected.reshape(WORDS, -1))
    assert op.get_exp_cycles() == WORDS
    macs = WORDS * pixels * weights.size
    assert macs in op.get_op_and_param_counts().values()


def test_slices_are_those_of_all_vectors(rng):
    one, two = (side_by_side(rng, n, 8, (0, 0, 4), "UINT4")[0] for n in (1, 2))
    counts = [getCustomOp(m.graph.node[0]).dsp_estimation(PART) for m in (one, two)]
    assert counts == [8, 16]


def test_folds_are_refused(rng):
    model, _ = side_by_side(rng, 2, 8, (0, 0, 0, 4), "UINT4")
    op = getCustomOp(model.graph.node[0])
    op.set_lanes(4, LaneCounts({"embedded_lut": 4}))
    with pytest.raises(MsqError, match=r"MVAU_MSQ_rtl_0: pixels=2, .* set SIMD to MW") as refused:
        op.check_pixels()
    assert refused.value.field == "pixels"
