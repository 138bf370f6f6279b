import numpy as np
import pytest
from qonnx.core.datatype import DataType
from qonnx.core.onnx_exec import execute_onnx
from qonnx.custom_op.registry import getCustomOp

from msq_finn import lanes
from msq_finn.errors import MsqError

from .graphs import depthwise

pytestmark = pytest.mark.usefixtures("finn")
KINDS = ["sp2", "fixed", "sp2", "fixed"]


def infer(model):
    from msq_finn.transforms.infer_vvau_msq import InferVVAUMSQ

    return model.transform(InferVVAUMSQ())


def test_nodes_are_replaced_and_compute_the_same(rng):
    model = depthwise(rng, KINDS, KINDS)
    images = {"inp": rng.integers(0, 16, (1, 4, 4, 12)).astype(np.float32)}
    before = execute_onnx(model, images)["outp"]
    model = infer(model)
    node = model.graph.node[3]
    assert node.op_type == "VVAU_MSQ"
    assert getCustomOp(node).row_schemes() == [(f"{k}_4",) for k in KINDS]
    assert getCustomOp(node).get_nodeattr("Channels") == 4
    np.testing.assert_array_equal(execute_onnx(model, images)["outp"], before)


@pytest.mark.parametrize(("largest", "row"), [(15, "fixed_5"), (-127, "fixed_8")])
def test_rows_off_the_4_bit_grids_are_wider_integers(rng, largest, row):
    model = depthwise(rng, KINDS, KINDS)
    weights = model.get_initializer("w1").copy()
    weights[2, 0, 1, 1] = largest
    model.set_initializer("w1", weights)
    op = getCustomOp(infer(model).graph.node[3])
    assert op.row_schemes() == [("sp2_4",), ("fixed_4",), (row,), ("fixed_4",)]
    rows = op.row_schemes()
    dsps = [kind for kind in lanes.kinds(lanes.DEPTHWISE) if kind.engine == "dsp"]
    taking = [kind.name for kind in dsps if all(map(kind.takes, rows))]
    assert taking[0] == f"int_{row[-1]}_dsp"


@pytest.mark.parametrize(("kind", "taken"), [("UINT8", True), ("UINT10", False), ("BINARY", False)])
def test_activations_that_lanes_do_not_take_stay_finns(rng, kind, taken):
    model = depthwise(rng, KINDS, KINDS)
    model.set_tensor_datatype("windows", DataType[kind])
    assert (infer(model).graph.node[3].op_type == "VVAU_MSQ") == taken


def test_larger_weights_stay_finns(rng):
    model = depthwise(rng, KINDS, KINDS)
    weights = model.get_initializer("w1").copy()
    weights[2, 0, 1, 1] = -128
    model.set_initializer("w1", weights)
    assert infer(model).graph.node[3].op_type == "VVAU"


@pytest.mark.parametrize(
    ("attribute", "value", "message"),
    [("noActivation", 0, "standalone_thresholds"), ("binaryXnorMode", 1, "binary layers")],
)
def test_what_has_no_lanes_is_refused(rng, attribute, value, message):
    model = depthwise(rng, KINDS, KINDS)
    getCustomOp(model.graph.node[3]).set_nodeattr(attribute, value)
    with pytest.raises(MsqError, match=f"VVAU_0: .*{message}"):
        infer(model)
