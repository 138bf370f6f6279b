"""Depthwise layers on lanes that were set, and that the planner chose, compute the same."""

import numpy as np
import pytest
from qonnx.core.onnx_exec import execute_onnx
from qonnx.custom_op.registry import getCustomOp

from msq_finn.lanes import LaneCounts

from .graphs import depthwise

pytestmark = pytest.mark.usefixtures("finn")
PART = "xc7z020clg400-1"
KINDS = ["fixed", "sp2", "sp2", "fixed", "fixed", "sp2", "sp2", "fixed"]
OTHER = ["sp2", "sp2", "sp2", "sp2", "fixed", "fixed", "fixed", "fixed"]


def specialized(model, producer=(2, 2)):
    """The graph before its depthwise layer is folded; ``producer`` is (SP2, fixed) lanes."""
    from finn.transformation.fpgadataflow.set_exec_mode import SetExecMode
    from finn.transformation.fpgadataflow.specialize_layers import SpecializeLayers

    from msq_finn.transforms.infer_mvau_msq import InferMVAUMSQ
    from msq_finn.transforms.infer_vvau_msq import InferVVAUMSQ

    model = model.transform(InferMVAUMSQ()).transform(InferVVAUMSQ())
    model = model.transform(SpecializeLayers(PART)).transform(SetExecMode("cppsim"))
    first, last = (getCustomOp(model.graph.node[i]) for i in (0, 5))
    first.set_lanes(3, LaneCounts(dict(zip(("sp2_4_lut", "fixed_4_lut"), producer, strict=True))))
    last.set_lanes(1, LaneCounts({"fixed_4_lut": 4}))
    return model


def placed(model):
    from msq_finn.transforms.fold_row_offsets import FoldRowOffsets
    from msq_finn.transforms.place_rows import PlaceRows

    return model.transform(PlaceRows()).transform(FoldRowOffsets())


@pytest.mark.parametrize(
    ("producer", "simd", "lanes", "channelwise"),
    [
        ((2, 2), 1, {"int_5_dsp": 4}, KINDS),
        ((2, 2), 1, {"int_5_dsp": 4}, OTHER),
        ((2, 2), 1, {"sp2_4_lut": 2, "int_5_dsp": 2}, KINDS),
        ((4, 4), 1, {"sp2_4_lut": 4, "fixed_4_lut": 2, "int_5_dsp": 2}, KINDS),
        ((4, 4), 3, {"sp2_4_lut": 4, "fixed_4_lut": 4}, KINDS),
    ],
)
def test_outputs_do_not_change(rng, producer, simd, lanes, channelwise):
    plain = depthwise(rng, KINDS, channelwise)
    images = {"inp": rng.integers(0, 16, (1, 4, 4, 12)).astype(np.float32)}
    before = execute_onnx(plain, images)["outp"]
    assert np.ptp(before) > 50
    model = specialized(plain, producer)
    op = getCustomOp(model.graph.node[3])
    op.set_lanes(simd, LaneCounts(lanes))
    window = getCustomOp(model.graph.node[2])
    window.set_nodeattr("SIMD", op.lanes().pe)
    window.set_nodeattr("parallel_window", int(simd > 1))
    model = placed(model)
    np.testing.assert_array_equal(execute_onnx(model, images)["outp"], before)
    op = getCustomOp(model.graph.node[3])
    assert op.get_nodeattr("offsetOutput") == 1
    weights = model.get_initializer("w1").reshape(8, 9)
    for row, kind in enumerate(op.lanes().row_kinds(8)):
        if kind.engine == "lut":
            assert kind.scheme.name == ("sp2_4" if np.abs(weights[row]).max() == 8 else "fixed_4")


@pytest.mark.parametrize(("cycles", "pe"), [(2**40, 1), (200, 2), (100, 4), (50, 8)])
def test_the_planner_folds_for_a_target(rng, cycles, pe):
    from msq_finn.plan.apply import fold_for

    plain = depthwise(rng, KINDS, OTHER)
    images = {"inp": rng.integers(0, 16, (1, 4, 4, 12)).astype(np.float32)}
    before = execute_onnx(plain, images)["outp"]
    model = fold_for(specialized(plain), cycles, PART)
    op, window = (getCustomOp(model.graph.node[i]) for i in (3, 2))
    assert dict(op.lanes()) == {"int_5_dsp": pe}
    assert (op.get_nodeattr("SIMD"), window.get_nodeattr("SIMD")) == (1, pe)
    assert max(op.get_exp_cycles(), window.get_exp_cycles()) <= cycles
    assert op.dsp_estimation(PART) == -(-pe // 2)
    np.testing.assert_array_equal(execute_onnx(placed(model), images)["outp"], before)
