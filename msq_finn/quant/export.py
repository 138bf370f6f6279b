"""What takes the place of weights' quantizers in export, and in inference.

QONNX files of ``brevitas.export.export_qonnx`` also get the names of their layers' modules and the
schemes of their rows, see `msq_finn.layer_notes`; importing `msq_finn.quant` sees to it.
"""

from typing import Any

import torch
from brevitas.export.inference.manager import InferenceManager
from brevitas.export.onnx.function import DynamoFn
from brevitas.export.onnx.qonnx.function import (
    DOMAIN_STRING,
    DOMAIN_VERSION,
    BrevitasQuantOp,
    BrevitasQuantTorchScriptFn,
)
from brevitas.export.onnx.qonnx.handler import BrevitasWeightQuantProxyHandler
from brevitas.export.onnx.qonnx.manager import QONNXManager
from brevitas.export.onnx.standard.qcdq.handler import StdQCDQCastONNXWeightQuantProxyHandler
from brevitas.export.onnx.standard.qcdq.manager import StdQCDQONNXManager
from brevitas.export.torch.qcdq.handler import TorchQCDQCastWeightQuantProxyHandler
from brevitas.export.torch.qcdq.manager import TorchQCDQManager
from torch import Tensor, nn
from torch.autograd import Function

from msq_finn.errors import MsqError
from msq_finn.layer_notes import ROWS, annotate
from msq_finn.quant.proxy import SchemeWeightQuantProxy
from msq_finn.quant.unrolled import UnrolledGRUHandler, UnrolledLSTMHandler


class QuantizedWeights:
    """The quantized weights of the layers that have a quantizer, for exporters to find.

    Brevitas's handlers go by the address of a tensor's numbers, and tracers' tensors have none.

    Args:
        proxy: the quantizer's proxy.
    """

    def __init__(self, proxy: SchemeWeightQuantProxy) -> None:
        self.modules = tuple(proxy.tracked_module_list)
        quantized = [module.quant_weight() for module in self.modules]
        self.values = [(weight.value, weight.int()) for weight in quantized]

    def of(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return what the weights that are traced are quantized to, and their integers.

        Args:
            x: weights of one of the layers, or a view of all of them.

        Raises:
            MsqError: several layers share the quantizer, and it belongs to none.
        """
        if len(self.modules) == 1:
            return self.values[0]
        source = x if x._base is None else x._base
        for module, values in zip(self.modules, self.values, strict=True):
            if module.weight is source:
                return values
        raise MsqError(
            "export cannot tell which of the layers that share a quantizer it is at; give each "
            "layer a quantizer of its own"
        )


class _SchemeQuantTorchScriptFn(Function):
    """Brevitas's Quant node with the rows' schemes, for torch's older exporter."""

    @staticmethod
    def symbolic(g: Any, x: Any, *arguments: Any) -> Any:
        *plain, rows = arguments
        emitted = BrevitasQuantTorchScriptFn.symbolic(g, x, *plain)
        emitted.node().s_(ROWS, rows)
        return emitted

    @staticmethod
    def forward(ctx: Any, x: Tensor, *arguments: Any) -> Tensor:
        *plain, _ = arguments
        result: Tensor = BrevitasQuantTorchScriptFn.forward(ctx, x, *plain)
        return result


class _SchemeQuantDynamoFn(DynamoFn):
    """The same for its newer one."""

    @staticmethod
    def symbolic(
        x: Tensor, scale: Any, zero: Any, bits: Any, narrow: Any, signed: Any, mode: Any, rows: str
    ) -> Tensor:
        return torch.onnx.ops.symbolic(
            f"{DOMAIN_STRING}::Quant",
            (x, scale, zero, bits),
            {"rounding_mode": mode, "signed": int(signed), "narrow": int(narrow), ROWS: rows},
            dtype=x.dtype,
            shape=x.shape,
            version=DOMAIN_VERSION,
        )


class _SchemeQuantOp:
    torchscript = _SchemeQuantTorchScriptFn
    dynamo = _SchemeQuantDynamoFn


class SchemeWeightQuantProxyHandler(BrevitasWeightQuantProxyHandler):
    """Write quantized weights in front of the Quant node, and the rows' schemes into it.

    Brevitas 0.13 writes the float weights there, for the node to round to the nearest integer. Not
    every integer is on a scheme's grid. The integers of quantized weights round to themselves.
    """

    handled_layer = SchemeWeightQuantProxy

    def prepare_for_export(self, module: SchemeWeightQuantProxy) -> None:
        """Quantize the weights."""
        super().prepare_for_export(module)
        self.weights = QuantizedWeights(module)
        self.rows = ",".join(module.row_schemes) if module.is_quant_enabled else ""

    def export_op(self, op: Any, *arguments: Any) -> Any:
        """Emit a node with the rows' schemes in the place of Brevitas's."""
        if op is not BrevitasQuantOp:
            return super().export_op(op, *arguments)
        return super().export_op(_SchemeQuantOp, *arguments, self.rows)

    def symbolic_execution(self, x: Tensor) -> tuple[Tensor, ...]:
        """Emit the node."""
        emitted: tuple[Tensor, ...] = super().symbolic_execution(self.weights.of(x)[0])
        return emitted


class SchemeQcdqMixin:
    """Integers of a grid for QuantizeLinear, Clip and DequantizeLinear.

    A grid of more than 8 bits goes out as int32, which DequantizeLinear takes, and QuantizeLinear
    does not make.
    """

    handled_layer = SchemeWeightQuantProxy
    _export_q_node: bool

    def validate(self, module: SchemeWeightQuantProxy) -> None:
        """Decide how the weights go out; any grid can."""
        self._export_q_node = self._export_q_node and int(module.bit_width()) <= 8

    def prepare_for_export(self, module: SchemeWeightQuantProxy) -> None:
        """Quantize the weights."""
        super().prepare_for_export(module)  # type: ignore[misc]
        self.weights = QuantizedWeights(module)

    def quantize_from_floating_point(self, x: Tensor) -> Tensor:
        """Emit QuantizeLinear behind quantized weights."""
        values, _ = self.weights.of(x)
        emitted: Tensor = super().quantize_from_floating_point(values)  # type: ignore[misc]
        return emitted

    def quantize_from_integer(self, x: Tensor) -> Tensor:
        """Return the integers of weights."""
        return self.weights.of(x)[1]


class SchemeOnnxQcdqHandler(SchemeQcdqMixin, StdQCDQCastONNXWeightQuantProxyHandler):
    """For ``export_onnx_qcdq``."""


class SchemeTorchQcdqHandler(SchemeQcdqMixin, TorchQCDQCastWeightQuantProxyHandler):
    """For ``export_torch_qcdq``."""


class SchemeWeightInferenceHandler(nn.Module):
    """Quantize weights in Brevitas's quant_inference_mode, which torch can compile.

    Brevitas's own handler rounds to the nearest integer, which need not be on a scheme's grid.
    """

    handled_layer = SchemeWeightQuantProxy

    def attach_debug_info(self, module: SchemeWeightQuantProxy) -> None:
        """Do nothing: debugging is for exports."""

    def prepare_for_export(self, module: SchemeWeightQuantProxy) -> None:
        """Take over the quantizer, and what it computed if that shall be kept."""
        self.tensor_quant = module.tensor_quant
        self.cached: tuple[Tensor, ...] | None = None
        cached = module._cached_weight
        if cached is not None and not module.cache_inference_quant_weight_metadata_only:
            self.cached = (cached.value, cached.scale, cached.zero_point, cached.bit_width)

    def inner_forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Quantize; what Brevitas compiles."""
        values: tuple[Tensor, ...] = self.tensor_quant(x)
        return values

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Return weights, scale, zero point and bit width."""
        return self.inner_forward(x) if self.cached is None else self.cached


def _register(manager: Any, handler: type) -> None:
    """Let one of Brevitas's managers find a handler, before its own for the same layers."""
    if handler not in manager.handlers:
        manager.handlers.insert(0, handler)


_register(QONNXManager, SchemeWeightQuantProxyHandler)
_register(QONNXManager, UnrolledLSTMHandler)
_register(QONNXManager, UnrolledGRUHandler)
# What Brevitas calls on the model that torch has exported; the list is the base class's otherwise.
QONNXManager.model_transforms = [*QONNXManager.model_transforms, annotate]
_register(StdQCDQONNXManager, SchemeOnnxQcdqHandler)
_register(TorchQCDQManager, SchemeTorchQcdqHandler)
_register(InferenceManager, SchemeWeightInferenceHandler)
