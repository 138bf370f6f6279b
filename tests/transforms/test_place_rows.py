import json

import numpy as np
import pytest
from onnx import TensorProto, helper
from qonnx.core.datatype import DataType
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from qonnx.custom_op.registry import getCustomOp
from qonnx.util.basic import qonnx_make_model

from msq_finn.errors import MsqError
from msq_finn.lanes import LaneCounts
from msq_finn.transforms.reorder_on_host import ReorderOnHost

from .graphs import DOMAIN, FIXED_VALUES, mixed_weights, mvau, thresholding, two_layers

pytestmark = pytest.mark.usefixtures("finn")
KINDS = ["fixed", "sp2", "sp2", "fixed", "fixed", "sp2", "sp2", "fixed"]


def placed(model, lanes, fold=True):
    from msq_finn.transforms.fold_row_offsets import FoldRowOffsets
    from msq_finn.transforms.infer_mvau_msq import InferMVAUMSQ
    from msq_finn.transforms.place_rows import PlaceRows

    model = model.transform(InferMVAUMSQ())
    for node, folding in zip(model.get_nodes_by_op_type("MVAU_MSQ"), lanes, strict=True):
        simd, sp2, fixed, *held = folding
        lanes_of = {"sp2_4_lut": sp2, "fixed_4_dsp": fixed, "embedded_lut": sum(held)}
        getCustomOp(node).set_lanes(simd, LaneCounts(lanes_of))
    model = model.transform(PlaceRows())
    return model.transform(FoldRowOffsets()) if fold else model


@pytest.mark.parametrize("lanes", [(3, 4, 4), (3, 2, 2), (12, 1, 1), (6, 0, 4, 4), (6, 0, 0, 4)])
@pytest.mark.parametrize("fold", [False, True])
def test_outputs_do_not_change(rng, lanes, fold):
    model = two_layers(rng, KINDS)
    images = {"inp": rng.integers(0, 16, (1, 12)).astype(np.float32)}
    before = execute_onnx(model, images)["outp"]
    model = placed(model, [lanes, (1, 0, 4)], fold)
    np.testing.assert_array_equal(execute_onnx(model, images)["outp"], before)


def test_every_row_lies_on_a_lane_of_its_scheme(rng):
    model = placed(two_layers(rng, KINDS), [(3, 2, 2), (1, 0, 4)])
    op = getCustomOp(model.graph.node[0])
    weights = model.get_initializer("w0")
    for row in range(8):
        on_sp2_lane = row % 4 < 2
        assert (np.abs(weights[:, row]).max() == 8) == on_sp2_lane
        assert op.row_schemes()[row] == (("sp2_4",) if on_sp2_lane else ("fixed_4",))


def test_rows_on_embedded_lanes_keep_their_schemes(rng):
    model = placed(two_layers(rng, KINDS), [(6, 0, 2, 2), (1, 0, 4)])
    op = getCustomOp(model.graph.node[0])
    weights = model.get_initializer("w0")
    for row in range(8):
        sp2 = np.abs(weights[:, row]).max() == 8
        assert not (sp2 and row % 4 < 2)
        assert ("sp2_4" in op.row_schemes()[row]) == sp2


def test_channels_behind_a_window_are_permuted_block_by_block(rng):
    model = two_layers(rng, KINDS, vectors=(1, 3, 1), blocks=3)
    images = {"inp": rng.integers(0, 16, (1, 3, 1, 12)).astype(np.float32)}
    before = execute_onnx(model, images)["outp"]
    model = placed(model, [(3, 2, 2), (1, 0, 4)])
    np.testing.assert_array_equal(execute_onnx(model, images)["outp"], before)


def test_offsets_move_into_the_thresholds(rng):
    plain = two_layers(rng, KINDS)
    model = placed(plain, [(3, 2, 2), (1, 0, 4)])
    op = getCustomOp(model.graph.node[0])
    weights = model.get_initializer("w0")
    # A negative SP2 weight turns each row of a product into its one's complement: for 4-bit
    # activations (2**6 - 1) for the first term and 4 * (2**4 - 1) for the second.
    by_hand = [(weights[:, row] < 0).sum() * (63 + 60) if row % 4 < 2 else 0 for row in range(8)]
    assert op.get_nodeattr("offsetOutput") == 1
    np.testing.assert_array_equal(op.row_offsets(weights.astype(np.int64)), by_hand)
    assert getCustomOp(model.graph.node[2]).get_nodeattr("offsetOutput") == 0


@pytest.mark.parametrize("thresholds", [0, 1])
def test_offsets_move_where_new_weights_can_have_new_thresholds(rng, thresholds):
    model = two_layers(rng, KINDS)
    for node, writeable in zip(model.graph.node, (1, thresholds, 0), strict=True):
        getCustomOp(node).set_nodeattr("runtime_writeable_weights", writeable)
    before = model.get_initializer("t0").sum()
    model = placed(model, [(3, 2, 2), (1, 0, 4)])
    assert getCustomOp(model.graph.node[0]).get_nodeattr("offsetOutput") == thresholds
    assert (model.get_initializer("t0").sum() != before) == bool(thresholds)


def test_output_type_holds_the_extremes(rng):
    model = placed(two_layers(rng, KINDS), [(3, 2, 2), (1, 0, 4)])
    op = getCustomOp(model.graph.node[0])
    weights = model.get_initializer("w0")
    accumulator = op.minimize_accumulator_width(model)
    sums = []
    for row in range(8):
        for worst in (weights[:, row] > 0, weights[:, row] < 0):
            context = {"inp": np.where(worst, 15, 0)[None].astype(np.float32), "w0": weights}
            context["sums"] = np.zeros((1, 8), dtype=np.float32)
            op.execute_node(context, model.graph)
            sums.append(context["sums"])
    assert accumulator.min() <= np.min(sums) and np.max(sums) <= accumulator.max()
    assert accumulator.bitwidth() == int(np.max(sums)).bit_length() + (np.min(sums) < 0)


def mixed_last_layer(rng):
    model = two_layers(rng, KINDS, outputs=4)
    weights = model.get_initializer("w1").copy()
    weights[:, 1] = np.where(weights[:, 1] > 0, 8, 0)
    weights[0, 1] = 8
    weights[0, 2] = 7
    model.set_initializer("w1", weights)
    return model


def test_a_mixed_last_layer_leaves_its_order_for_the_host(rng):
    model = mixed_last_layer(rng)
    images = {"inp": rng.integers(0, 16, (1, 12)).astype(np.float32)}
    before = execute_onnx(model, images)["outp"]
    model = placed(model, [(3, 2, 2), (1, 1, 3)])
    (order,) = json.loads(model.get_metadata_prop("msq_output_order")).values()
    assert sorted(order) == [0, 1, 2, 3] and order[0] == 1  # the one row that only SP2 holds
    after = execute_onnx(model, images)["outp"]
    assert (after != before).any()
    np.testing.assert_array_equal(after, before[:, order])


def around(width):
    """An accelerator between a first and a last multiplication."""
    info = helper.make_tensor_value_info
    shape = [1, width]
    nodes = [
        helper.make_node("Mul", ["inp", "double"], ["first"], name="Mul_0"),
        helper.make_node(
            "StreamingDataflowPartition",
            ["first"],
            ["raw"],
            name="partition",
            domain="finn.custom_op.fpgadataflow",
        ),
        helper.make_node("Mul", ["raw", "half"], ["outp"], name="Mul_1"),
    ]
    graph = helper.make_graph(
        nodes,
        "parent",
        [info("inp", TensorProto.FLOAT, shape)],
        [info("outp", TensorProto.FLOAT, shape)],
        value_info=[info(name, TensorProto.FLOAT, shape) for name in ("first", "raw")],
    )
    model = ModelWrapper(qonnx_make_model(graph))
    model.set_initializer("double", np.full(1, 2, dtype=np.float32))
    model.set_initializer("half", np.full(1, 0.5, dtype=np.float32))
    return model


def test_the_host_reorders_inputs_and_outputs():
    from msq_finn.lowering.host_side import Host

    model, truth = around(4), np.array([[10, 11, 12, 13]], dtype=np.float32)
    # A repeated step replaces what it did, or takes it back.
    for order in ([1, 3, 0, 2], [2, 0, 3, 1], None):
        model = model.transform(ReorderOnHost(*[{0: order} if order else {}] * 2))
        host, moved = Host(model), truth[:, order or range(4)]
        gathers = ["Gather"] if order else []
        assert host.operations == ["Mul", *gathers, *gathers, "Mul"]
        np.testing.assert_array_equal(host.before(truth), 2 * moved)
        np.testing.assert_array_equal(host.after(2 * moved), truth)


def test_what_cannot_be_reordered_on_the_host_is_refused():
    for orders in ([{0: range(5)}, {}], [{}, {0: range(5)}]):
        with pytest.raises(MsqError, match="does not end in the 5 channels"):
            around(4).transform(ReorderOnHost(*orders))


def test_rows_that_do_not_fit_the_lanes_are_refused(rng):
    with pytest.raises(MsqError, match=r"MVAU_0: the rows do not fit the lanes, .*'sp2_4': 2"):
        placed(two_layers(rng, KINDS), [(3, 1, 3), (1, 0, 4)])


def residual(rng, first, second):
    """Two layers on one input whose outputs are added, and a layer that reads the sum."""
    info = helper.make_tensor_value_info
    add = helper.make_node(
        "ElementwiseAdd",
        ["a0", "a1"],
        ["sum"],
        name="Add_0",
        domain=DOMAIN,
        backend="fpgadataflow",
        lhs_shape=[1, 8],
        rhs_shape=[1, 8],
        out_shape=[1, 8],
        lhs_dtype="UINT4",
        rhs_dtype="UINT4",
        out_dtype="UINT5",
        lhs_style="input",
        rhs_style="input",
    )
    nodes = [
        *(mvau(f"MVAU_{i}", "inp", f"w{i}", f"s{i}", 12, 8, [1]) for i in range(2)),
        *(thresholding(f"Thresholding_{i}", f"s{i}", f"t{i}", f"a{i}", 8, [1]) for i in range(2)),
        add,
        mvau("MVAU_2", "sum", "w2", "outp", 8, 4, [1], act="UINT5"),
    ]
    tensors = [info(f"{t}{i}", TensorProto.FLOAT, [1, 8]) for t in "sa" for i in range(2)]
    graph = helper.make_graph(
        nodes,
        "residual",
        [info("inp", TensorProto.FLOAT, [1, 12])],
        [info("outp", TensorProto.FLOAT, [1, 4])],
        value_info=[*tensors, info("sum", TensorProto.FLOAT, [1, 8])],
    )
    model = ModelWrapper(qonnx_make_model(graph))
    model.set_tensor_datatype("inp", DataType["UINT4"])
    weights = [mixed_weights(rng, 12, first), mixed_weights(rng, 12, second)]
    weights.append(rng.choice(FIXED_VALUES, (8, 4)))
    for i, values in enumerate(weights):
        model.set_initializer(f"w{i}", values.astype(np.float32))
        model.set_tensor_datatype(f"w{i}", DataType["INT5"])
    model.set_tensor_datatype("sum", DataType["UINT5"])
    for i in range(2):
        thresholds = np.sort(rng.integers(-400, 400, (8, 15)), axis=1)
        model.set_initializer(f"t{i}", thresholds.astype(np.float32))
        model.set_tensor_datatype(f"a{i}", DataType["UINT4"])
    return model


def test_layers_that_meet_in_an_add_are_permuted_alike(rng):
    model = residual(rng, KINDS, KINDS)
    images = {"inp": rng.integers(0, 16, (1, 12)).astype(np.float32)}
    before = execute_onnx(model, images)["outp"]
    model = placed(model, [(3, 2, 2), (4, 2, 2), (1, 0, 4)])
    np.testing.assert_array_equal(execute_onnx(model, images)["outp"], before)


def test_layers_that_meet_in_an_add_must_agree(rng):
    other = ["sp2"] * 4 + ["fixed"] * 4
    with pytest.raises(MsqError, match="MVAU_0 and MVAU_1: the rows do not fit the lanes"):
        placed(residual(rng, KINDS, other), [(3, 2, 2), (4, 2, 2), (1, 0, 4)])


def concat(number, inputs, output, channels):
    return helper.make_node(
        "StreamingConcat",
        inputs,
        [output],
        name=f"Concat_{number}",
        domain=DOMAIN,
        backend="fpgadataflow",
        SIMD=1,
        ChannelsPerStream=channels,
        inputDataTypes=["UINT4", "UINT4"],
        numInputVectors=[1],
    )


def concatenation(rng, behind=True, nested=False):
    """Two layers of other row orders, their channels one behind the other, thresholds, a layer.

    Args:
        behind: with the thresholds and the layer.
        nested: with the network's input beside what is joined, once more.
    """
    info = helper.make_tensor_value_info
    width = 24 if nested else 12
    nodes, tensors = [], []
    for i, kinds in enumerate((KINDS[:4], KINDS[::-1])):
        nodes.append(mvau(f"MVAU_{i}", "inp", f"w{i}", f"s{i}", 12, len(kinds), [1]))
        nodes.append(thresholding(f"Thresholding_{i}", f"s{i}", f"t{i}", f"a{i}", len(kinds), [1]))
        tensors += [info(f"{name}{i}", TensorProto.FLOAT, [1, len(kinds)]) for name in "sa"]
    nodes.append(concat(0, ["a0", "a1"], "joined", [4, 8]))
    if nested:
        nodes.append(concat(1, ["inp", "joined"], "all", [12, 12]))
        tensors.append(info("all", TensorProto.FLOAT, [1, 24]))
    if behind:
        last = "all" if nested else "joined"
        nodes.append(thresholding("Thresholding_2", last, "t2", "acts", width, [1]))
        nodes.append(mvau("MVAU_2", "acts", "w2", "outp", width, 4, [1]))
        tensors += [info("joined", TensorProto.FLOAT, [1, 12])]
        tensors += [info("acts", TensorProto.FLOAT, [1, width])]
    last = info("outp", TensorProto.FLOAT, [1, 4]) if behind else info("joined", 1, [1, 12])
    first = info("inp", TensorProto.FLOAT, [1, 12])
    graph = helper.make_graph(nodes, "concatenation", [first], [last], value_info=tensors)
    model = ModelWrapper(qonnx_make_model(graph))
    for name in ("inp", "a0", "a1", "joined", *["all"] * nested, *["acts"] * behind):
        model.set_tensor_datatype(name, DataType["UINT4"])
    weights = [mixed_weights(rng, 12, KINDS[:4]), mixed_weights(rng, 12, KINDS[::-1])]
    weights += [rng.choice(FIXED_VALUES, (width, 4))] * behind
    for i, values in enumerate(weights):
        model.set_initializer(f"w{i}", values.astype(np.float32))
        model.set_tensor_datatype(f"w{i}", DataType["INT5"])
    for i, (channels, span) in enumerate([(4, 400), (8, 400), (width, 16)][: len(weights)]):
        thresholds = np.sort(rng.integers(-span, span, (channels, 15)), axis=1)
        model.set_initializer(f"t{i}", thresholds.astype(np.float32))
        model.set_tensor_datatype(f"t{i}", DataType["INT32"])
    return model


@pytest.mark.parametrize("nested", [False, True])
def test_what_is_behind_a_concatenation_follows_each_of_its_inputs(rng, nested):
    plain = concatenation(rng, nested=nested)
    model = placed(plain, [(3, 1, 1), (4, 2, 2), (1, 0, 4)])
    moved = set()
    for _ in range(20):
        images = {"inp": rng.integers(0, 16, (1, 12)).astype(np.float32)}
        before = execute_onnx(plain, images, return_full_exec_context=True)
        after = execute_onnx(model, images, return_full_exec_context=True)
        np.testing.assert_array_equal(after["outp"], before["outp"])
        np.testing.assert_array_equal(after["a0"][0], before["a0"][0, [1, 0, 2, 3]])
        np.testing.assert_array_equal(np.sort(after["a1"]), np.sort(before["a1"]))
        moved |= {name for name in ("a0", "a1") if (after[name] != before[name]).any()}
    assert moved == {"a0", "a1"}


def test_a_concatenation_that_leaves_the_graph_keeps_its_order(rng):
    text = r"MVAU_0: .* reordered, which Concat_0 \(StreamingConcat\) does not allow"
    with pytest.raises(MsqError, match=text):
        placed(concatenation(rng, behind=False), [(3, 1, 1), (4, 2, 2)])


def test_the_fewest_rows_move():
    from msq_finn.transforms.place_rows import placement

    # Positions 0 and 1 want what row 2 and row 1 are; row 1 stays where it is.
    allowed = np.array([[0, 1, 1], [0, 1, 1], [1, 0, 0]], dtype=bool)
    np.testing.assert_array_equal(placement(allowed, "layer", ["a", "a", "b"]), [2, 1, 0])
