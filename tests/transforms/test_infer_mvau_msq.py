import numpy as np
import pytest
from qonnx.core.datatype import DataType
from qonnx.core.onnx_exec import execute_onnx
from qonnx.custom_op.registry import getCustomOp

from msq_finn.errors import MsqError

from .graphs import two_layers

pytestmark = pytest.mark.usefixtures("finn")
KINDS = ["sp2", "fixed", "sp2", "fixed"]


def infer(model):
    from msq_finn.transforms.infer_mvau_msq import InferMVAUMSQ

    return model.transform(InferMVAUMSQ())


def test_nodes_are_replaced_and_compute_the_same(rng):
    model = two_layers(rng, KINDS)
    images = {"inp": rng.integers(0, 16, (1, 12)).astype(np.float32)}
    before = execute_onnx(model, images)["outp"]
    model = infer(model)
    assert [n.op_type for n in model.graph.node] == ["MVAU_MSQ", "Thresholding", "MVAU_MSQ"]
    op = getCustomOp(model.graph.node[0])
    assert op.row_schemes() == [(f"{k}_4",) for k in KINDS]
    assert op.get_nodeattr("MW") == 12
    np.testing.assert_array_equal(execute_onnx(model, images)["outp"], before)


def test_layers_with_larger_weights_stay_finns(rng):
    model = two_layers(rng, KINDS)
    weights = model.get_initializer("w1").copy()
    weights[0] = 100
    model.set_initializer("w1", weights)
    assert [n.op_type for n in infer(model).graph.node] == ["MVAU_MSQ", "Thresholding", "MVAU"]


def with_wide_rows(rng):
    """Rows of PoT(4), of Fixed(4) and a few of 8 bits, as RMSMP trains them."""
    model = two_layers(rng, KINDS * 2, mw=48)
    weights = model.get_initializer("w0").copy()
    powers = np.array([0, 1, 2, 4, 8, 16, 32, 64])
    for row in (0, 2, 4, 6):
        weights[:, row] = rng.choice(powers, 48) * rng.choice([-1, 1], 48)
        weights[row, row] = 64
    weights[:, 5] = rng.integers(-127, 128, 48)
    weights[0, 5] = 101
    model.set_initializer("w0", weights)
    model.set_tensor_datatype("w0", DataType["INT8"])
    return model


def test_a_few_rows_of_larger_grids_come_along(rng):
    op = getCustomOp(infer(with_wide_rows(rng)).graph.node[0])
    assert [names[0] for names in op.row_schemes()] == ["pot_4", "fixed_4"] * 2 + [
        "pot_4", "fixed_8", "pot_4", "fixed_4"
    ]  # fmt: skip


@pytest.mark.parametrize("lane", ["fixed_8_dsp", "fixed_8_lut"])
def test_such_rows_get_lanes_and_compute_the_same(rng, lane):
    from msq_finn.lanes import LaneCounts
    from msq_finn.transforms.fold_row_offsets import FoldRowOffsets
    from msq_finn.transforms.place_rows import PlaceRows

    model = with_wide_rows(rng)
    images = {"inp": rng.integers(0, 16, (1, 48)).astype(np.float32)}
    before = execute_onnx(model, images)["outp"]
    model = infer(model)
    op = getCustomOp(model.graph.node[0])
    op.set_lanes(4, LaneCounts({"pot_4_lut": 4, "fixed_4_lut": 3, lane: 1}))
    last = getCustomOp(model.graph.node[2])
    last.set_lanes(last.get_nodeattr("MW"), LaneCounts({"embedded_lut": last.get_nodeattr("MH")}))
    assert op.dsp_estimation("xc7z020clg400-1") == (4 if lane == "fixed_8_dsp" else 0)
    model = model.transform(PlaceRows()).transform(FoldRowOffsets())
    np.testing.assert_array_equal(execute_onnx(model, images)["outp"], before)


# In both, the first row lies on no 4-bit grid.
INT4, SP2_5 = np.arange(-8, 8), np.array([-8, -6, -3, 0, 1, 2, 3, 4, 5, 6, 8])


@pytest.mark.parametrize("values", [INT4, SP2_5])
def test_uniform_layers_off_the_4_bit_grids_take_wider_lanes(rng, values):
    model = two_layers(rng, KINDS)
    weights = rng.choice(values, (12, 4))
    weights[:2, 0] = (-8, 3)
    model.set_initializer("w0", weights.astype(np.float32))
    images = {"inp": rng.integers(0, 16, (1, 12)).astype(np.float32)}
    before = execute_onnx(model, images)["outp"]
    model = infer(model)
    first, second = (getCustomOp(model.graph.node[n]).row_schemes() for n in (0, 2))
    assert {names[0] for names in first} == {"fixed_5"}
    assert {name for row in second for name in row} <= {"sp2_4", "fixed_4"}
    np.testing.assert_array_equal(execute_onnx(model, images)["outp"], before)


def test_small_weights_of_a_wide_type_take_wider_lanes(rng):
    """Of 8-bit weights that happen to be small, a row may have both 7 and 8."""
    model = two_layers(rng, KINDS)
    weights = model.get_initializer("w0").copy()
    weights[:2, 0] = 7, 8
    model.set_initializer("w0", weights)
    model.set_tensor_datatype("w0", DataType["INT8"])
    op = getCustomOp(infer(model).graph.node[0])
    assert all("fixed_5" in names for names in op.row_schemes())


def test_rows_of_4_bit_integers_may_have_been_negated(rng):
    """FINN multiplies signs of gains into them, so that -8 becomes 8."""
    from msq_finn.transforms.make_weights_negatable import MakeWeightsNegatable

    model = two_layers(rng, KINDS)
    weights = rng.choice(INT4, (12, 4))
    weights[:2, 0] = (-8, 3)
    model.set_initializer("w0", weights.astype(np.float32))
    model.set_tensor_datatype("w0", DataType["INT4"])
    model.graph.node[0].op_type = "MatMul"  # as it is when FINN streamlines
    model = model.transform(MakeWeightsNegatable())
    model.graph.node[0].op_type = "MVAU"
    model.set_initializer("w0", -weights.astype(np.float32))
    op = getCustomOp(infer(model).graph.node[0])
    assert all(names[0] == "fixed_5" for names in op.row_schemes())


def test_a_row_no_scheme_holds_names_the_layer(rng):
    model = two_layers(rng, KINDS)
    weights = model.get_initializer("w0").copy()
    weights[:2, 1] = (8, 7)
    model.set_initializer("w0", weights)
    with pytest.raises(MsqError, match="MVAU_0: no scheme holds row 1"):
        infer(model)


def test_fused_thresholds_are_refused(rng):
    model = two_layers(rng, KINDS)
    getCustomOp(model.graph.node[0]).set_nodeattr("noActivation", 0)
    with pytest.raises(MsqError, match=r"MVAU_0: .*standalone_thresholds"):
        infer(model)


@pytest.mark.parametrize(("kind", "taken"), [("UINT8", True), ("UINT10", False), ("BINARY", False)])
def test_activations_that_lanes_do_not_take_stay_finns(rng, kind, taken):
    model = two_layers(rng, KINDS)
    model.set_tensor_datatype("acts", DataType[kind])
    assert model.graph.node[2].op_type == "MVAU"
    assert (infer(model).graph.node[2].op_type == "MVAU_MSQ") == taken
