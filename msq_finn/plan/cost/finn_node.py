"""RTL of a single FINN node, as FINN's own custom op generates it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from finn.transformation.fpgadataflow.prepare_ip import PrepareIP
from onnx import TensorProto, helper
from qonnx.core.datatype import DataType
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp
from qonnx.util.basic import qonnx_make_model

from msq_finn.finn_compat.nodes import rtl_sources

#: Attributes that hold the data types of input, parameters and output, where an op has them.
_TYPE_ATTRIBUTES = ("inputDataType", "outputDataType")


def one_node_model(
    op_type: str,
    shapes: list[tuple[int, ...]],
    dtypes: tuple[str, str | None, str | None],
    weights: Any = None,
    **attributes: Any,
) -> ModelWrapper:
    """Wrap one node into a model.

    Args:
        op_type: such as ``Thresholding_rtl``.
        shapes: of input and output.
        dtypes: of input, parameters and output; None where the op has no such attribute.
        weights: parameters, if any.
    """
    types = {
        name: dtype
        for name, dtype in zip(_TYPE_ATTRIBUTES, (dtypes[0], dtypes[2]), strict=True)
        if dtype is not None and "dataType" not in attributes
    }
    node = helper.make_node(
        op_type,
        ["in"] if weights is None else ["in", "w"],
        ["out"],
        domain="finn.custom_op.fpgadataflow.rtl",
        backend="fpgadataflow",
        name=op_type.lower(),
        **types,
        **attributes,
    )
    ends = [
        helper.make_tensor_value_info(tensor, TensorProto.FLOAT, dims)
        for tensor, dims in zip(("in", "out"), shapes, strict=True)
    ]
    model = ModelWrapper(qonnx_make_model(helper.make_graph([node], "node", ends[:1], ends[1:])))
    model.set_tensor_datatype("in", DataType[dtypes[0]])
    model.set_tensor_datatype("out", DataType[dtypes[2] or dtypes[0]])
    if weights is not None:
        model.set_initializer("w", np.asarray(weights, dtype=np.float32))
        model.set_tensor_datatype("w", DataType[dtypes[1] or dtypes[0]])
    return model


def generate(op: dict[str, Any], part: str) -> tuple[str, list[Path]]:
    """Generate a node's RTL in FINN's build folder.

    Args:
        op: arguments of :func:`one_node_model`.
        part: FPGA part.

    Returns:
        top module and sources.
    """
    model = one_node_model(**op).transform(PrepareIP(part, 10.0))
    instance = getCustomOp(model.graph.node[0])
    sources = list(rtl_sources(instance))
    return str(instance.get_nodeattr("gen_top_module")), sources
