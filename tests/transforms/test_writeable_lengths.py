"""Which recurrent layers read padding first, and where shorter sequences cannot be right."""

from __future__ import annotations

import pytest
from onnx import TensorProto, helper
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp
from qonnx.util.basic import qonnx_make_model

from msq_finn.errors import MsqError
from msq_finn.transforms.writeable_lengths import NotePadding, WriteLengths

pytestmark = pytest.mark.usefixtures("finn")


def layer(source, target, **attributes):
    options = {"Steps": 4, "allStates": 1, "runtime_writeable_length": 1} | attributes
    return "LSTM_MSQ", [source, "weights"], [target], options


def turned(source, target):
    return "ReverseSteps", [source], [target], {"Steps": 4}


def joined(*sources):
    return "StreamingConcat", list(sources), ["end"], {}


def graph(*nodes):
    """A dataflow graph from ``in0`` to ``end``."""
    made = [
        helper.make_node(
            op, inputs, outputs, name=f"node{i}", domain="finn.custom_op.fpgadataflow", **attributes
        )
        for i, (op, inputs, outputs, attributes) in enumerate(nodes)
    ]
    ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [1, 4, 6]) for n in ("in0", "end")]
    return ModelWrapper(qonnx_make_model(helper.make_graph(made, "g", ends[:1], ends[1:])))


def noted(*nodes):
    """``paddingFirst`` of every recurrent layer."""
    model = graph(*nodes).transform(NotePadding())
    return [
        getCustomOp(node).get_nodeattr("paddingFirst")
        for node in model.graph.node
        if node.op_type == "LSTM_MSQ"
    ]


def test_a_layer_behind_a_reversal_reads_padding_first():
    both = [layer("in0", "a"), turned("in0", "b"), layer("b", "c")]
    assert noted(*both, turned("c", "d"), joined("a", "d")) == [0, 1]
    assert noted(layer("in0", "a"), layer("a", "end")) == [0, 0]
    # Turned round by the user: a layer that reads what the one before has left in that order.
    reread = [turned("in0", "a"), layer("a", "b"), layer("b", "c"), turned("c", "d")]
    assert noted(*reread, layer("d", "end", allStates=0)) == [1, 1, 0]
    # A last state has no steps: it can be joined, and leave.
    last = [layer("in0", "a", allStates=0), turned("in0", "b"), layer("b", "c", allStates=0)]
    assert noted(*last, joined("a", "c")) == [0, 1]


def test_nothing_is_noted_where_no_length_is_written():
    assert noted(turned("in0", "a"), layer("a", "end", runtime_writeable_length=0)) == [0]


@pytest.mark.parametrize(
    ("nodes", "text"),
    [
        (
            [layer("in0", "a"), turned("in0", "b"), layer("b", "c"), joined("a", "c")],
            "node3: runtime_writeable_length: it joins sequences in opposite orders",
        ),
        (
            [turned("in0", "a"), layer("a", "end")],
            "node1: runtime_writeable_length: states leave from the last step to the first",
        ),
        (
            [layer("in0", "a"), layer("a", "end", runtime_writeable_length=0)],
            "node1: runtime_writeable_length=0, but 1 of node0; all recurrent layers have it",
        ),
        (
            [layer("in0", "a"), layer("a", "end", Steps=3)],
            "node1: Steps=3, but 4 of node0; with runtime_writeable_length, frames of all",
        ),
    ],
)
def test_what_shorter_sequences_would_make_wrong_is_refused(nodes, text):
    with pytest.raises(MsqError) as refused:
        noted(*nodes)
    assert text in str(refused.value)


def test_the_lengths_of_all_layers_are_written_or_there_are_none():
    model = graph(
        layer("in0", "a", runtime_writeable_length=0),
        layer("a", "end", runtime_writeable_length=0),
    ).transform(WriteLengths())
    assert all(getCustomOp(n).get_nodeattr("runtime_writeable_length") for n in model.graph.node)
    with pytest.raises(MsqError, match="runtime_length: the accelerator has no recurrent layer"):
        graph(turned("in0", "end")).transform(WriteLengths())
