"""What a ``Quant`` node of an exported graph quantizes, and to what."""

from __future__ import annotations

from onnx import NodeProto
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.general.quant import max_int, min_int
from qonnx.custom_op.registry import getCustomOp

from msq_finn.transforms.constant_tensors import constant_of


def is_activation_quantizer(model: ModelWrapper, node: NodeProto) -> bool:
    """Tell whether a node quantizes what is computed, not a constant.

    Args:
        model: graph of the node.
        node: any of it.
    """
    return node.op_type == "Quant" and constant_of(model, node.input[0]) is None


def levels_of(quantizer: NodeProto, bits: int) -> tuple[int, int]:
    """Return the least and the greatest integer that a quantizer gives.

    Args:
        quantizer: a ``Quant`` node.
        bits: its fourth input, which exports give as a constant.
    """
    op = getCustomOp(quantizer)
    signed, narrow = (bool(op.get_nodeattr(name)) for name in ("signed", "narrow"))
    return int(min_int(signed, narrow, bits)), int(max_int(signed, narrow, bits))
