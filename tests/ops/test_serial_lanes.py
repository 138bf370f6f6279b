"""Layers of serial lanes through FINN's own rtlsim, against integer matrix products."""

from __future__ import annotations

import numpy as np
import pytest
from qonnx.core.datatype import DataType
from qonnx.custom_op.registry import getCustomOp

from msq_finn import schemes
from msq_finn.errors import MsqError
from msq_finn.lanes import LaneCounts

from .test_mvau_msq_rtl import PART, ZYNQ_US, layer, simulated

pytestmark = pytest.mark.usefixtures("finn")

SCHEMES = ("sp2_4", "fixed_8", "pot_4", "apot_6", "sp2_5", "fixed_3")


def serial_layer(rng, mw, simd, pe, fold, act, **attributes):
    """A one-node model whose rows are of several schemes, in turn, and its weights."""
    model, _ = layer(rng, mw, simd, (0, 0, 0, pe), fold, act, **attributes)
    op = getCustomOp(model.graph.node[0])
    names = (SCHEMES * pe)[: pe * fold]
    grids = [schemes.get(name).grid() for name in names]
    weights = np.stack([rng.choice(grid, size=mw) for grid in grids], axis=1)
    model.set_initializer("w", weights.astype(np.float32))
    op.set_nodeattr("weightDataType", "INT8")
    op.set_nodeattr("rowSchemes", list(names))
    op.set_lanes(simd, LaneCounts({"serial_lut": pe}))
    op.minimize_accumulator_width(model)
    return model, weights


@pytest.mark.parametrize(
    ("mw", "simd", "pe", "fold", "act", "part", "offset"),
    [
        (14, 14, 6, 1, "UINT4", PART, 1),
        (18, 6, 3, 2, "INT3", ZYNQ_US, 0),
    ],
)
def test_rtl_equals_integer_arithmetic(rng, mw, simd, pe, fold, act, part, offset):
    model, weights = serial_layer(rng, mw, simd, pe, fold, act, offsetOutput=offset)
    kind, op = DataType[act], getCustomOp(model.graph.node[0])
    assert op.get_exp_cycles() == 5 * mw // simd * fold * kind.bitwidth()
    inputs = rng.integers(int(kind.min()), int(kind.max()) + 1, (5, mw))
    inputs[0], inputs[1] = kind.min(), kind.max()
    expected = inputs @ weights
    if offset:
        expected = expected + op.row_offsets(weights)
    np.testing.assert_array_equal(simulated(model, inputs, part), expected)


def test_other_lanes_beside_are_refused(rng):
    model, _ = serial_layer(rng, 12, 6, 3, 2, "UINT4")
    op = getCustomOp(model.graph.node[0])
    op.set_nodeattr("laneKinds", ["serial_lut", "fixed_4_dsp"])
    op.set_nodeattr("lanePE", [2, 1])
    with pytest.raises(MsqError, match=r"MVAU_MSQ_rtl_0: serial_lut lanes take .* no others"):
        op.lanes()


def test_weights_cannot_be_written_at_run_time(rng):
    model, _ = serial_layer(rng, 12, 6, 3, 2, "UINT4", runtime_writeable_weights=1)
    with pytest.raises(MsqError, match="embedded lanes have no runtime-writeable weights"):
        getCustomOp(model.graph.node[0])._check_supported(PART)
