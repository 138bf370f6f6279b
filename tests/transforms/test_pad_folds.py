"""PadFolds and InsertConverters: same results, whole folds, and converters only where needed."""

from __future__ import annotations

import numpy as np
import pytest
from qonnx.core.onnx_exec import execute_onnx
from qonnx.custom_op.registry import getCustomOp
from qonnx.transformation.infer_datatypes import InferDataTypes

from .graphs import two_layers
from .test_place_rows import placed

pytestmark = pytest.mark.usefixtures("finn")

KINDS = ["fixed", "sp2", "sp2", "sp2", "fixed", "sp2", "sp2"]
CONVERTER = "StreamingDataWidthConverterVector_rtl"


def folded(model, *parts):
    """Set SIMD of every layer, and PE of its thresholds, and pad."""
    from msq_finn.transforms.pad_folds import PadFolds

    for node, (attribute, value) in zip(model.graph.node, parts, strict=True):
        getCustomOp(node).set_nodeattr(attribute, value)
    return model.transform(InferDataTypes()).transform(PadFolds())


def converters(model):
    found = [getCustomOp(node) for node in model.get_nodes_by_op_type(CONVERTER)]
    return [
        (*(op.get_nodeattr(f"{side}Shape")[-1] for side in ("in", "out")),
         op.get_nodeattr("elements")) for op in found
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("lanes", "parts", "blocks", "expected"),
    [
        # 7 rows of 3 and 12 columns of 5 a cycle; thresholds and the next layer take 9 as well.
        ([(5, 2, 1), (3, 0, 4)], (5, 3, 3), 1, [(12, 15, 12)]),
        # Thresholds of another width, and a layer that needs 10 columns.
        ([(4, 2, 1), (5, 0, 4)], (4, 2, 5), 1, [(9, 8, 7), (8, 10, 7)]),
        # No padding but between the two.
        ([(4, 5, 2), (1, 0, 4)], (4, 4, 1), 1, [(7, 8, 7), (8, 7, 7)]),
        # The next layer reads three pixels: padding goes before they are one vector.
        ([(4, 2, 1), (7, 0, 4)], (4, 3, 7), 3, [(9, 7, 7)]),
        ([(4, 2, 1), (5, 0, 4)], (4, 3, 5), 3, [(9, 7, 7), (7, 25, 21)]),
        # Nothing to do.
        ([(4, 5, 2), (7, 0, 4)], (4, 7, 7), 1, []),
    ],
)
@pytest.mark.parametrize("fold", [False, True])
def test_results_do_not_change(rng, lanes, parts, blocks, expected, fold):
    vectors = (1,) if blocks == 1 else (1, blocks)
    model = two_layers(rng, KINDS, vectors=vectors, blocks=blocks)
    images = {"inp": rng.integers(0, 16, (*vectors, 12)).astype(np.float32)}
    before = execute_onnx(model, images)["outp"]
    model = placed(model, lanes, fold)
    model = folded(model, *zip(("SIMD", "PE", "SIMD"), parts, strict=True))
    np.testing.assert_array_equal(execute_onnx(model, images)["outp"], before)
    assert converters(model) == expected
    for node in model.graph.node:
        op = getCustomOp(node)
        for shape, folding, tensor in (
            (op.get_normal_input_shape(), op.get_folded_input_shape(), node.input[0]),
            (op.get_normal_output_shape(), op.get_folded_output_shape(), node.output[0]),
        ):
            assert np.prod(folding) == np.prod(shape) == np.prod(model.get_tensor_shape(tensor))


def test_what_is_added_is_zero_and_no_row_of_the_network(rng):
    model = placed(two_layers(rng, KINDS), [(5, 2, 1), (3, 0, 4)])
    model = folded(model, ("SIMD", 5), ("PE", 3), ("SIMD", 3))
    op, weights = getCustomOp(model.graph.node[1]), model.get_initializer("w0")
    assert weights.shape == (15, 9)
    assert not weights[12:].any() and not weights[:, 7:].any()
    assert (op.get_nodeattr("zeroColumns"), op.get_nodeattr("zeroRows")) == (3, 2)
    assert len(op.row_schemes()) == 7


def test_converters_are_ours(rng):
    from msq_finn.transforms.insert_converters import InsertConverters

    model = two_layers(rng, ["sp2", "fixed"] * 4)
    images = {"inp": rng.integers(0, 16, (1, 12)).astype(np.float32)}
    before = execute_onnx(model, images)["outp"]
    model = placed(model, [(4, 2, 2), (2, 0, 4)])
    model = folded(model, ("SIMD", 4), ("PE", 8), ("SIMD", 2)).transform(InsertConverters())
    assert converters(model) == [(8, 8, 8), (8, 8, 8)]
    np.testing.assert_array_equal(execute_onnx(model, images)["outp"], before)


def test_two_converters_stand_for_one_of_odd_widths_where_there_is_time(rng):
    from msq_finn.transforms.insert_converters import InsertConverters

    model = two_layers(rng, ["sp2", "fixed"] * 3)
    images = {"inp": rng.integers(0, 16, (1, 12)).astype(np.float32)}
    before = execute_onnx(model, images)["outp"]
    for simd, expected in (
        # Nine cycles a vector: six words of one element are fast enough.
        (4, [(2, 1), (1, 3), (3, 1), (1, 2)]),
        # Three cycles a vector are not.
        (12, [(2, 3), (3, 2)]),
    ):
        changed = placed(model, [(simd, 1, 1), (2, 0, 4)])
        changed = folded(changed, ("SIMD", simd), ("PE", 3), ("SIMD", 2))
        changed = changed.transform(InsertConverters())
        words = [
            (op.get_folded_input_shape()[-1], op.get_folded_output_shape()[-1])
            for op in map(getCustomOp, changed.get_nodes_by_op_type(CONVERTER))
        ]
        assert words == expected
        np.testing.assert_array_equal(execute_onnx(changed, images)["outp"], before)
