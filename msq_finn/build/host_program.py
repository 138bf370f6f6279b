"""The host's operations as a program that a board runs without ONNX."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from onnx import helper
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp

from msq_finn.build.board.host import OPERATIONS, Operation, Program
from msq_finn.build.differences import differ
from msq_finn.errors import MsqError
from msq_finn.lowering import ends
from msq_finn.lowering.host_side import Host

#: Defaults of ONNX's attributes that the program's operations have.
_DEFAULTS: dict[str, dict[str, Any]] = {
    "Transpose": {"perm": None},
    "Concat": {"axis": 1},
    "Flatten": {"axis": 1},
    "Gather": {"axis": 0},
    "TopK": {"axis": -1, "largest": 1},
    "ArgMax": {"axis": 0, "keepdims": 1, "select_last_index": 0},
    "Softmax": {"axis": -1},
    "LogSoftmax": {"axis": -1},
    "Squeeze": {"axes": None},
    "Unsqueeze": {"axes": None},
}


def programs(
    host: Host, names: tuple[Sequence[str], Sequence[str]] = ((), ())
) -> tuple[Program, Program]:
    """What the processor computes before and after the accelerator.

    Args:
        host: the graph around the accelerator.
        names: what the exported model calls its inputs, and its outputs; by default as this graph.

    Raises:
        MsqError: an operation that the board's program does not know.
    """
    first = dict(zip(names[0] or host.inputs, host.inputs, strict=True))
    last = dict(zip(names[1] or host.outputs, host.outputs, strict=True))
    reads = {f"in{index}": name for index, name in enumerate(host.accelerator_inputs)}
    gives = {f"out{index}": name for index, name in enumerate(host.accelerator_outputs)}
    return (
        _program(host.model, host.nodes_before, first, reads),
        _program(host.model, host.nodes_after, gives, last),
    )


def check_programs(host: Host, images: ends.Ends) -> None:
    """Refuse programs that compute something else than the graph around the accelerator.

    Args:
        images: network inputs to try them on, [images, ...].

    Raises:
        MsqError: one does, or an operation is none of those it knows.
    """
    before, after = programs(host)
    count = ends.frames(images)
    expected = ends.stacked(
        (host.before(ends.image(images, slice(i, i + 1))) for i in range(count)), np.concatenate
    )
    check_before(before, images, ends.mapped(np.rint, expected))
    generator, raw = np.random.default_rng(0), []
    for name in host.accelerator_outputs:
        shape, kind = host.model.get_tensor_shape(name), host.model.get_tensor_datatype(name)
        low, high = int(max(kind.min(), -(2**20))), int(min(kind.max(), 2**20))
        raw.append(generator.integers(low, high + 1, (count, *shape[1:])).astype(np.float32))
    given = ends.together(raw)
    outputs = ends.stacked(
        (host.after(ends.image(given, slice(i, i + 1))) for i in range(count)), np.concatenate
    )
    if differ(called(after, given), outputs, host.output_step()).any():
        raise MsqError("the board's program does not compute what the model does at its end")


def check_before(before: Program, images: ends.Ends, expected: ends.Ends) -> None:
    """Refuse a program that gives the accelerator something else than the model does.

    Args:
        before: what runs before the accelerator.
        images: network inputs, [images, ...].
        expected: integers that the accelerator is to get, [images, ...].

    Raises:
        MsqError: it does.
    """
    found = ends.mapped(np.rint, called(before, images))
    for array, wanted in zip(ends.each(found), ends.each(expected), strict=True):
        if not np.array_equal(array.reshape(wanted.shape), wanted):
            raise MsqError("the board's program quantizes the images differently from the model")


def called(program: Program, values: ends.Ends) -> ends.Ends:
    """What a program makes of some values.

    Args:
        program: of `programs`.
        values: its inputs, [images, ...].
    """
    found = program(list(ends.each(values)))
    return ends.together(found) if isinstance(found, list) else found


def _program(
    model: ModelWrapper, nodes: Sequence[Any], sources: dict[str, str], results: dict[str, str]
) -> Program:
    operations, constants = [], {}
    # FINN's names are random; with these the same network has the same files.
    names: dict[str, str] = {"": ""}

    def named(name: str) -> str:
        return names.setdefault(name, f"t{len(names)}")

    inputs_of = {name: named(tensor) for name, tensor in sources.items()}
    for node in nodes:
        if node.op_type not in OPERATIONS:
            raise MsqError(
                f"{node.name} ({node.op_type}) would run on the board's processor, which knows "
                f"{', '.join(OPERATIONS)}; take it out of the exported model"
            )
        inputs, outputs = (tuple(map(named, ends)) for ends in (node.input, node.output))
        operations.append(Operation(node.op_type, inputs, outputs, _attributes(model, node)))
        for name in node.input:
            if (value := model.get_initializer(name)) is not None:
                constants[named(name)] = value
    outputs_of = {name: named(tensor) for name, tensor in results.items()}
    return Program(tuple(operations), constants, inputs_of, outputs_of)


def _attributes(model: ModelWrapper, node: Any) -> dict[str, Any]:
    if node.op_type == "MultiThreshold":
        op = getCustomOp(node)
        layout = op.get_nodeattr("data_layout")
        rank = len(model.get_tensor_shape(node.input[0]))
        axis = rank - 1 if layout.endswith("C") and rank > 1 else 1
        scale, bias = op.get_nodeattr("out_scale"), op.get_nodeattr("out_bias")
        return {"axis": axis, "scale": float(scale), "bias": float(bias)}
    if node.op_type == "Quant":
        op = getCustomOp(node)
        return {name: op.get_nodeattr(name) for name in ("signed", "narrow")}
    given = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    known = _DEFAULTS.get(node.op_type, {})
    return {
        name: np.asarray(given[name]).tolist() if name in given else default
        for name, default in known.items()
    }
