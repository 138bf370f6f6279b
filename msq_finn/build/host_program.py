"""The host's operations as a program that a board runs without ONNX."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import helper
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp

from msq_finn.build.board.host import OPERATIONS, Operation, Program
from msq_finn.errors import MsqError
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


def programs(host: Host) -> tuple[Program, Program]:
    """What the processor computes before and after the accelerator.

    Args:
        host: the graph around the accelerator.

    Raises:
        MsqError: an operation that the board's program does not know.
    """
    model = host.model
    first, last = model.graph.input[0].name, model.graph.output[0].name
    return (
        _program(model, host.nodes_before, first, host.accelerator_input),
        _program(model, host.nodes_after, host.accelerator_output, last),
    )


def check_programs(host: Host, images: NDArray[np.float32]) -> None:
    """Refuse programs that compute something else than the graph around the accelerator.

    Args:
        images: network inputs to try them on, [images, ...].

    Raises:
        MsqError: one does, or an operation is none of those it knows.
    """
    before, after = programs(host)
    expected = np.concatenate([host.before(image[None]) for image in images])
    if not np.array_equal(np.rint(before(images)), np.rint(expected)):
        raise MsqError("the board's program quantizes the images differently from the model")
    shape = host.model.get_tensor_shape(host.accelerator_output)
    kind = host.model.get_tensor_datatype(host.accelerator_output)
    low, high = int(max(kind.min(), -(2**20))), int(min(kind.max(), 2**20))
    raw = np.random.default_rng(0).integers(low, high + 1, (len(images), *shape[1:]))
    outputs = np.stack([host.after(r[None].astype(np.float32))[0] for r in raw])
    if (np.abs(after(raw.astype(np.float32)) - outputs) >= host.output_step() / 2).any():
        raise MsqError("the board's program does not compute what the model does at its end")


def _program(model: ModelWrapper, nodes: Sequence[Any], source: str, result: str) -> Program:
    operations, constants = [], {}
    # FINN's names are random; with these the same network has the same files.
    names: dict[str, str] = {"": ""}

    def named(name: str) -> str:
        return names.setdefault(name, f"t{len(names)}")

    named(source)
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
    return Program(tuple(operations), constants, named(source), named(result))


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
