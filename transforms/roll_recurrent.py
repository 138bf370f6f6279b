"""Make one streaming layer of the steps of an unrolled LSTM or GRU."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
from onnx import NodeProto, helper
from qonnx.core.datatype import BaseDataType, DataType
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.base import Transformation
from qonnx.transformation.infer_shapes import InferShapes

from msq_finn.errors import MsqError
from msq_finn.layer_notes import MODULE, note, noted
from msq_finn.ops.recurrent.gated_cells import GATES, attributes
from msq_finn.ops.streaming.reverse import ReverseSteps
from msq_finn.transforms.infer_mvau_msq import rows_of
from msq_finn.transforms.recurrent_ends import (
    Unrolled,
    inputs_of,
    result_of,
    sequence_of,
    unrolled_layers,
)
from msq_finn.transforms.recurrent_numbers import check_levels, matrix, numbers
from msq_finn.transforms.recurrent_steps import CellStep, StepFinder
from msq_finn.transforms.remove_unread import remove_unread

_HARDWARE = "finn.custom_op.fpgadataflow"


class RollRecurrentLayers(Transformation):
    """Replace the steps of each unrolled layer by an LSTM_MSQ or GRU_MSQ node.

    The steps must compute the same with the same weights, each with the state of the one before,
    and the first with zeros. Integers go in and come out, with a Div before and a Mul behind the
    node, and where a layer reads its sequence from the end, a ReverseSteps before it; behind it,
    where its states are put back into the sequence's order. Run it on the exported model, its
    quantizers noted.
    """

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        """Replace the first layer, and ask for another pass."""
        if not any(node.op_type == "Tanh" for node in model.graph.node):
            return model, False
        shaped = model.transform(InferShapes())
        found = unrolled_layers(StepFinder(shaped))
        if not found:
            return model, False
        _replace(shaped, found[0])
        return shaped, True


def _replace(model: ModelWrapper, layer: Unrolled) -> None:
    first, states = layer.steps[0], layer.states
    where = _named(model, first)
    _check_alike(model, layer, where)
    source, steps_read = inputs_of(model, layer, where)
    weights, scales, biases, bits = matrix(model, first, where)
    check_levels(first, source, where)
    rows = rows_of(weights, bits, where)
    if rows is None:
        raise MsqError(
            "its weights have no 4-bit codes; train it with a quantizer of msq_finn.quant, such as "
            "MSQWeightPerChannelFloat",
            where=where,
        )
    units, steps = weights.shape[1] // GATES, len(states)
    inputs = len(weights) - units
    result = result_of(model, layer, units, where)
    shape = model.get_tensor_shape(result.name)
    if shape[0] != 1:
        raise MsqError(
            f"its states leave as {shape}, steps first, and frames are counted by the first axis; "
            "give batch_first=True",
            where=where,
        )
    sequence, backwards = sequence_of(model, source.name, steps_read, (steps, inputs), where)
    state = first.levels["state"]
    kind = DataType[f"INT{max(-state.low - 1, state.high).bit_length() + 1}"]
    scale = np.float32(float(state.scale))
    read = _integers(model, sequence, kind, scale)
    if backwards:
        read = _reversed(model, model.find_producer(read), read, steps)
    parameter, made = f"{result.name}_weights", f"{result.name}_states"
    model.set_initializer(parameter, weights.astype(np.float32))
    largest = int(np.abs(weights).max())
    model.set_tensor_datatype(parameter, DataType[f"INT{largest.bit_length() + 1}"])
    note(model.graph, parameter, MODULE, where)
    node = helper.make_node(
        first.cell.op,
        [read, parameter],
        [made],
        name=f"{first.cell.op}_{where}",
        domain=_HARDWARE,
        backend="fpgadataflow",
        MW=len(weights),
        MH=weights.shape[1],
        Inputs=inputs,
        States=units,
        Steps=steps,
        allStates=int(result.all_states),
        inShape=model.get_tensor_shape(sequence),
        outShape=shape,
        inputDataType=kind.name,
        accDataType="INT32",
        weightDataType=model.get_tensor_datatype(parameter).name,
        rowSchemes=["|".join(names) for names in rows],
        quantizers=[s.levels[name].name for s in layer.steps for name in first.cell.quantizers],
        **attributes(numbers(model, first, weights, scales, biases)),
    )
    old = model.find_producer(result.name)
    _add(model, old, node, shape, kind)
    if result.backwards:
        made = _reversed(model, node, made, steps)
    model.set_initializer(f"{result.name}_scale", np.asarray(scale))
    back = helper.make_node(
        "Mul", [made, f"{result.name}_scale"], [result.name], name=f"Mul_{result.name}"
    )
    model.graph.node.insert(list(model.graph.node).index(old), back)
    model.graph.node.remove(old)
    remove_unread(model)


def _integers(model: ModelWrapper, sequence: str, kind: BaseDataType, scale: np.float32) -> str:
    """The integers of a sequence; layers that read one sequence read the same."""
    for node in model.find_consumers(sequence):
        if node.op_type == "Div" and model.get_initializer(node.input[1]) == scale:
            return str(node.output[0])
    integers = f"{sequence}_integers"
    model.set_initializer(f"{integers}_scale", np.asarray(scale))
    names = [sequence, f"{integers}_scale"]
    node = helper.make_node("Div", names, [integers], name=f"Div_{integers}")
    _add(model, model.find_producer(sequence), node, model.get_tensor_shape(sequence), kind)
    return integers


def _reversed(model: ModelWrapper, before: NodeProto, tensor: str, steps: int) -> str:
    """Steps in reverse, by a node of their own behind another."""
    shape, kind = model.get_tensor_shape(tensor), model.get_tensor_datatype(tensor)
    node = helper.make_node(
        ReverseSteps.__name__,
        [tensor],
        [f"{tensor}_reversed"],
        name=f"{ReverseSteps.__name__}_{tensor}",
        domain=_HARDWARE,
        backend="fpgadataflow",
        Shape=shape,
        Steps=steps,
        inputDataType=kind.name,
    )
    _add(model, before, node, shape, kind)
    return str(node.output[0])


def _add(
    model: ModelWrapper,
    before: NodeProto,
    node: NodeProto,
    shape: Sequence[int],
    kind: BaseDataType,
) -> None:
    """Put a node behind another, and say what it makes."""
    model.set_tensor_shape(node.output[0], shape)
    model.set_tensor_datatype(node.output[0], kind)
    model.graph.node.insert(list(model.graph.node).index(before) + 1, node)


def _named(model: ModelWrapper, step: CellStep) -> str:
    """The module's name, or else that of the state."""
    names = [name for row in step.rows for name in row.products.values()]
    module = next((found for n in names if (found := noted(model.graph, n, MODULE))), "")
    return module.partition(".export_handler")[0] or step.levels["state"].name


def _check_alike(model: ModelWrapper, layer: Unrolled, where: str) -> None:
    first, finder = layer.steps[0], StepFinder(model)
    if first.state or (first.memory and not finder.is_zero(first.memory)):
        raise MsqError("its first state is not 0; leave it out, as None", where=where)
    for before, step in itertools.pairwise(layer.steps):
        same = step.cell is first.cell and all(
            level.kind == first.levels[name].kind for name, level in step.levels.items()
        )
        same = same and _constants(step) == _constants(first)
        if not same or (step.memory and step.memory != before.levels["memory"].name):
            raise MsqError("its steps are not all the same computation", where=where)


def _constants(step: CellStep) -> list[tuple[dict[bool, str], tuple[str, ...]]]:
    """Weights of inputs and of states, and biases, row by row."""
    return [
        ({source == step.state: name for source, name in row.products.items()}, row.biases)
        for row in step.rows
    ]
