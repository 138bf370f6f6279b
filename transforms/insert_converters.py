"""Width converters of ours between all nodes."""

from __future__ import annotations

import copy
import math
from typing import Any

from finn.transformation.fpgadataflow.insert_dwc import InsertDWC
from onnx import helper
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp
from qonnx.transformation.base import Transformation

from msq_finn.lanes.divisors import padded
from msq_finn.rtl.routes import route
from msq_finn.transforms.channel_spaces import WITH_WEIGHTS

#: Our converter, in SystemVerilog.
CONVERTER = "StreamingDataWidthConverterVector_rtl"


def converter(
    tensors: tuple[str, str],
    shapes: tuple[list[int], list[int]],
    words: tuple[int, int],
    elements: int,
    datatype: Any,
) -> Any:
    """A node of our converter.

    Args:
        tensors: what it reads and what it writes.
        shapes: of the two.
        words: elements of a word of either.
        elements: of a vector that are carried over.
        datatype: of an element.
    """
    return helper.make_node(
        CONVERTER,
        [tensors[0]],
        [tensors[1]],
        name=f"{CONVERTER}_{tensors[0]}",
        domain="finn.custom_op.fpgadataflow.rtl",
        backend="fpgadataflow",
        inShape=shapes[0],
        outShape=shapes[1],
        inWidth=words[0] * datatype.bitwidth(),
        outWidth=words[1] * datatype.bitwidth(),
        elements=elements,
        dataType=datatype.name,
    )


class InsertConverters(Transformation):
    """Put a converter wherever words differ in width, and ours in place of FINN's.

    FINN's InsertDWC finds the places. Its converters take more LUT sites, as
    ``benchmarks/width_converters.py`` counts them; upstream's RTL knows whole ratios only. Where
    neither width divides the other, two converters stand for one, if the layers' speed allows. Run
    it before SpecializeLayers.
    """

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        """Insert the nodes; no second pass is needed."""
        model = model.transform(InsertDWC())
        for node in model.get_nodes_by_op_type("StreamingDataWidthConverter"):
            op = getCustomOp(node)
            bits = op.get_input_datatype().bitwidth()
            words = [op.get_nodeattr(f"{side}Width") // bits for side in ("in", "out")]
            shapes = op.get_normal_input_shape(), op.get_normal_output_shape()
            node.op_type, node.domain = CONVERTER, f"{node.domain}.rtl"
            ours = getCustomOp(node)
            for name, value in zip(("inShape", "outShape"), shapes, strict=True):
                ours.set_nodeattr(name, [int(size) for size in value])
            ours.set_nodeattr("elements", math.lcm(*words))
        slowest = max(map(_cycles, model.graph.node), default=0)
        for node in model.get_nodes_by_op_type(CONVERTER):
            _split(model, node, slowest)
        return model, False


def _cycles(node: Any) -> int:
    """Cycles a frame of a layer; FINN's estimates for other nodes may be more than they take."""
    layer = node.op_type.startswith((*WITH_WEIGHTS, "VVAU", "Thresholding"))
    return int(getCustomOp(node).get_exp_cycles()) if layer else 0


def _split(model: ModelWrapper, node: Any, cycles: int) -> None:
    """Put two converters in the place of one, where that is cheaper and fast enough."""
    op = getCustomOp(node)
    _, vectors, _, taken = op.get_folded_input_shape()
    given, elements = op.get_folded_output_shape()[-1], op.get_nodeattr("elements")
    hops = route(taken, given, elements, cycles // vectors)
    if len(hops) < 2:
        return
    between, word = f"{node.output[0]}_narrow", hops[1][0]
    bits, shape = op.get_input_datatype().bitwidth(), [1, vectors, padded(elements, word)]
    second = copy.deepcopy(node)
    second.name = f"{node.name}_wide"
    for half, attributes in (
        (node, {"outShape": shape, "outWidth": word * bits}),
        (second, {"inShape": shape, "inWidth": word * bits}),
    ):
        for name, value in attributes.items():
            getCustomOp(half).set_nodeattr(name, value)
    node.output[0] = second.input[0] = between
    model.set_tensor_shape(between, shape)
    model.set_tensor_datatype(between, op.get_input_datatype())
    model.graph.node.insert(list(model.graph.node).index(node) + 1, second)
