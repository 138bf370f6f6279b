"""Joins of unequal scales are refused by their quantizers' names; others are not."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto, helper
from qonnx.core.datatype import DataType
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.util.basic import qonnx_make_model

from msq_finn.errors import MsqError

pytestmark = pytest.mark.usefixtures("finn")

GENERAL = "qonnx.custom_op.general"


def joined(op_type="Add", layer=True, quantized=True, scales=(0.5, 0.25)):
    """Two branches of integers, scaled and joined; a layer behind them if asked for."""
    from msq_finn.transforms.quantizer_notes import QuantizerNote, note_quantizer

    info, nodes = helper.make_tensor_value_info, []
    for branch in "ab":
        kinds = {"domain": GENERAL, "out_dtype": "UINT2"} if quantized else {}
        op = "MultiThreshold" if quantized else "Sin"
        inputs = [f"x{branch}", "t"] if quantized else [f"x{branch}"]
        nodes.append(helper.make_node(op, inputs, [f"q{branch}"], **kinds))
        nodes.append(helper.make_node("Mul", [f"q{branch}", f"s{branch}"], [f"m{branch}"]))
    more = {"axis": 1} if op_type == "Concat" else {}
    nodes.append(helper.make_node(op_type, ["ma", "mb"], ["j"], name=f"{op_type}_7", **more))
    nodes.append(helper.make_node("Transpose", ["j"], ["p"], perm=[0, 1]))
    nodes.append(helper.make_node("MatMul" if layer else "Tanh", ["p", "w"][: 1 + layer], ["y"]))
    ends = [info(f"x{b}", TensorProto.FLOAT, [1, 3]) for b in "ab"]
    graph = helper.make_graph(nodes, "joined", ends, [info("y", TensorProto.FLOAT, None)])
    model = ModelWrapper(qonnx_make_model(graph))
    for branch, scale in zip("ab", scales, strict=True):
        model.set_initializer(f"s{branch}", np.float32(scale))
        if quantized:
            model.set_tensor_datatype(f"q{branch}", DataType["UINT2"])
    model.set_initializer("t", np.array([[0.0, 1.0, 2.0]], np.float32))
    model.set_initializer("w", np.ones((6 if op_type == "Concat" else 3, 2), np.float32))
    note_quantizer(model, "t", QuantizerNote("/block/first/act_quant/Quant_output_0"))
    return model


@pytest.mark.parametrize("op_type", ["Add", "Concat"])
def test_the_branches_are_named_and_the_cure_with_them(op_type):
    from msq_finn.transforms.refuse_unequal_scales import RefuseUnequalScales

    with pytest.raises(MsqError) as refused:
        joined(op_type).transform(RefuseUnequalScales())
    text = str(refused.value)
    assert text.startswith(f"{op_type}_7 ({op_type}): the branches that are ")
    assert "(block.first, scale 0.5; block.first, scale 0.25)" in text
    call = "torch.cat([self.join(a), self.join(b)], 1)"
    call = "self.join(a) + self.join(b)" if op_type == "Add" else call
    assert "in __init__: self.join = qnn.QuantIdentity(" in text
    assert text.endswith(f"in forward: {call}")
    assert len(text.splitlines()) == 1


@pytest.mark.parametrize("given", [{"layer": False}, {"quantized": False}])
def test_joins_on_the_host_and_of_floats_are_left_to_later_checks(given):
    from msq_finn.transforms.refuse_unequal_scales import RefuseUnequalScales

    joined(**given).transform(RefuseUnequalScales())


def test_equal_scales_move_on():
    from msq_finn.transforms.refuse_unequal_scales import RefuseUnequalScales
    from msq_finn.transforms.streamline_joins import StreamlineJoins

    model = joined(scales=(0.5, 0.5))
    with pytest.raises(MsqError):
        model.transform(RefuseUnequalScales())
    model.transform(StreamlineJoins()).transform(RefuseUnequalScales())
