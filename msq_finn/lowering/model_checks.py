"""What an exported model must be before FINN sees it.

FINN and QONNX trust their input: they import Python modules by the name of an op's domain, allocate
whatever a shape says, and fail far from the cause. So everything that can be said about a file is
said here, in a second and in one line.
"""

from __future__ import annotations

import ast
import math
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import AttributeProto, TensorProto, numpy_helper

from msq_finn.errors import MsqError, said_by

#: Domains of ONNX's own ops.
_ONNX_DOMAINS = {"", "ai.onnx"}

#: Domains of QONNX's ops: its own name, and that of older Brevitas versions.
_QONNX_DOMAINS = {"qonnx.custom_op.general", "onnx.brevitas"}

#: QONNX's names for rounding to the nearest integer, halves to the even one.
_ROUNDING = {"ROUND", "HALF_EVEN"}

#: Annotations of tensors that QONNX evaluates as Python.
_EVALUATED = {"tensor_layout", "tensor_sparsity"}

#: Attributes that ONNX's shape inference divides by.
_POSITIVE = {"strides", "dilations", "kernel_shape", "group"}

#: Elements of a tensor; a frame of 4096x4096 pixels in 4 channels has as many.
MAX_ELEMENTS = 2**26


def check_model(model: onnx.ModelProto) -> None:
    """Refuse a model that is no valid ONNX, or not of the kind that becomes a dataflow accelerator.

    Args:
        model: as read from a file.

    Raises:
        MsqError: what is wrong, and where; the caller says in which file.
    """
    try:
        _check_tensors(model.graph)
        _check_validity(model)
        _check_ops(model.graph)
        _check_ends(model.graph)
        _check_values(model.graph)
        _check_annotations(model.graph)
        _check_shapes(model)
    except UnicodeDecodeError as error:
        raise MsqError("a name in it is not UTF-8 text; the file is damaged") from error


def data_inputs(graph: onnx.GraphProto) -> list[onnx.ValueInfoProto]:
    """The graph's inputs that are no weights, in order.

    Args:
        graph: of a QONNX model.
    """
    weights = {tensor.name for tensor in graph.initializer}
    return [info for info in graph.input if info.name not in weights]


def _check_tensors(graph: onnx.GraphProto) -> None:
    """Every constant has the bytes that its shape says, and finite numbers."""
    twice = [n for n, count in Counter(t.name for t in graph.initializer).items() if count > 1]
    if twice:
        raise MsqError(f"two initialisers are named {twice[0]!r}")
    for name, tensor in _constants(graph):
        if tensor.data_location == TensorProto.EXTERNAL or tensor.external_data:
            raise MsqError(f"tensor {name!r} lies in another file; export with the weights inside")
        values = _values(name, tensor)
        if np.issubdtype(values.dtype, np.floating) and not np.isfinite(values).all():
            where = tuple(int(i) for i in np.argwhere(~np.isfinite(values))[0])
            raise MsqError(
                f"tensor {name!r} has {values[where]} at index {where}; "
                "check the training for divergence"
            )


def _constants(graph: onnx.GraphProto) -> Iterator[tuple[str, TensorProto]]:
    for tensor in graph.initializer:
        yield tensor.name, tensor
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.type == AttributeProto.TENSOR:
                yield node.output[0] if node.output else node.name, attribute.t


def _values(name: str, tensor: TensorProto) -> NDArray[Any]:
    if min(tensor.dims, default=0) < 0 or math.prod(tensor.dims) > MAX_ELEMENTS:
        raise MsqError(f"tensor {name!r} has the impossible shape {list(tensor.dims)}")
    try:
        return numpy_helper.to_array(tensor)
    except (ValueError, TypeError, KeyError) as error:
        shape, size = list(tensor.dims), len(tensor.raw_data)
        raise MsqError(f"tensor {name!r} of shape {shape} has wrong data ({size} bytes)") from error


def _check_validity(model: onnx.ModelProto) -> None:
    """ONNX's own checker: op signatures, order of nodes, names used twice."""
    for opset in model.opset_import:
        newest = onnx.defs.onnx_opset_version()
        if opset.domain in _ONNX_DOMAINS and not 1 <= opset.version <= newest:
            raise MsqError(f"ONNX opset {opset.version}; 1 to {newest} are known")
    try:
        onnx.checker.check_model(model)
    except onnx.checker.ValidationError as error:
        text = str(error).strip().partition("\n==> Context:")[0]
        raise MsqError(f"not valid ONNX: {text}") from error


def _check_ops(graph: onnx.GraphProto) -> None:
    from qonnx.custom_op.registry import is_custom_op

    for node in graph.node:
        where = f"node {node.name!r}"
        if node.domain in _QONNX_DOMAINS:
            if not is_custom_op(node.domain, node.op_type):
                raise MsqError(f"QONNX has no op {node.op_type}", where=where)
        elif node.domain not in _ONNX_DOMAINS:
            raise MsqError(
                f"op {node.op_type} of the unknown domain {node.domain!r}; "
                "export with brevitas.export.export_qonnx",
                where=where,
            )
        for attribute in node.attribute:
            if attribute.type in {AttributeProto.GRAPH, AttributeProto.GRAPHS}:
                raise MsqError(
                    f"{node.op_type} has control flow, a dataflow graph none", where=where
                )
            if attribute.name in _POSITIVE:
                values = (
                    [*attribute.ints, attribute.i] if attribute.HasField("i") else attribute.ints
                )
                if not all(1 <= value <= MAX_ELEMENTS for value in values):
                    raise MsqError(
                        f"{attribute.name} {list(values)}; give positive numbers", where=where
                    )


def _check_ends(graph: onnx.GraphProto) -> None:
    """Images go in, tensors come out, of known shape."""
    if not graph.output:
        raise MsqError("the model has no output")
    names = [info.name for info in graph.output]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise MsqError(f"{', '.join(twice)} is given twice, as two outputs; give it once")
    inputs = data_inputs(graph)
    if not inputs:
        raise MsqError("the model has no input")
    read = {name for node in graph.node for name in node.input}
    for source in inputs:
        if source.name not in read:
            raise MsqError(f"nothing reads input {source.name!r}; export the model without it")
        _check_input(source)


def _check_input(source: onnx.ValueInfoProto) -> None:
    tensor = source.type.tensor_type
    if tensor.elem_type != TensorProto.FLOAT:
        kinds = {number: name for name, number in TensorProto.DataType.items()}
        kind = kinds.get(tensor.elem_type, tensor.elem_type)
        raise MsqError(f"input {source.name!r} is of type {kind}; export it as FLOAT")
    dims = [d.dim_value if d.HasField("dim_value") else None for d in tensor.shape.dim]
    shape = [d.dim_param or d.dim_value or "?" for d in tensor.shape.dim]
    if len(dims) < 2 or any(d is None or d < 1 for d in dims):
        raise MsqError(
            f"input {source.name!r} has shape {shape}; export with a fixed shape (1, ...)"
        )
    if dims[0] != 1:
        raise MsqError(f"input {source.name!r} has batch {dims[0]}; export with batch 1")


def _check_values(graph: onnx.GraphProto) -> None:
    """Scales are positive, bit widths whole numbers, variances not negative."""
    constants = dict(_constants(graph))
    for node in graph.node:
        if node.op_type == "BatchNormalization":
            variance = constants.get(node.input[4])
            if variance is not None and (_values(node.input[4], variance) < 0).any():
                raise MsqError("a variance is negative", where=f"node {node.name!r}")
        if node.op_type != "Quant" or len(node.input) != 4:
            continue
        if node.input[0] not in constants:
            _check_rounding(node)
        scale, bits = (constants.get(node.input[i]) for i in (1, 3))
        if scale is not None and not (_values(node.input[1], scale) > 0).all():
            raise MsqError("a scale is not positive", where=f"node {node.name!r}")
        if bits is not None:
            widths = _values(node.input[3], bits)
            if (widths != np.rint(widths)).any() or widths.min() < 1 or widths.max() > 32:
                raise MsqError(
                    f"bit width {widths.max()}; 1 to 32 are possible", where=f"node {node.name!r}"
                )


def _check_annotations(graph: onnx.GraphProto) -> None:
    """What QONNX evaluates is a constant, which does nothing."""
    for annotation in graph.quantization_annotation:
        for entry in annotation.quant_parameter_tensor_names:
            if entry.key not in _EVALUATED:
                continue
            try:
                ast.literal_eval(entry.value)
            except (ValueError, SyntaxError, MemoryError, RecursionError) as error:
                raise MsqError(
                    f"its {entry.key} is no Python constant; "
                    "export with brevitas.export.export_qonnx",
                    where=f"tensor {annotation.tensor_name!r}",
                ) from error


def _check_rounding(node: onnx.NodeProto) -> None:
    """FINN makes the same thresholds of every rounding mode."""
    modes = [a.s.decode() for a in node.attribute if a.name == "rounding_mode"]
    if any(mode.upper() not in _ROUNDING for mode in modes):
        raise MsqError(
            f"rounding_mode {modes[0]}; thresholds round to the nearest level, "
            "ties to even: use ROUND",
            where=f"node {node.name!r}",
        )


def _check_shapes(model: onnx.ModelProto) -> None:
    """Shapes fit each other and are of a sensible size.

    ONNX's inference stops at ops that it does not know. QONNX's quantizers keep the shape of their
    first input, so that a copy with identities in their place tells the shapes.
    """
    plain = onnx.ModelProto()
    plain.CopyFrom(model)
    for node in plain.graph.node:
        if node.domain in _QONNX_DOMAINS and node.op_type.endswith("Quant"):
            quantized = node.input[0]
            node.ClearField("input")
            node.ClearField("attribute")
            node.input.append(quantized)
            node.op_type, node.domain = "Identity", ""
    try:
        inferred = onnx.shape_inference.infer_shapes(plain, strict_mode=True, data_prop=True)
    except Exception as error:  # InferenceError derives from Exception, others are C++'s
        raise MsqError(f"shapes do not fit: {said_by(error)}") from error
    graph = inferred.graph
    for info in (*graph.input, *graph.value_info, *graph.output):
        dims = [d.dim_value for d in info.type.tensor_type.shape.dim]
        if math.prod(dims) > MAX_ELEMENTS:
            raise MsqError(f"tensor {info.name!r} of shape {dims} is too large for an accelerator")
