"""What takes the place of weights' quantizers in export to QONNX, and in inference."""

from brevitas.export.inference.manager import InferenceManager
from brevitas.export.onnx.qonnx.handler import BrevitasWeightQuantProxyHandler
from brevitas.export.onnx.qonnx.manager import QONNXManager
from brevitas.proxy import WeightQuantProxyFromInjector
from torch import Tensor, nn


class SchemeWeightQuantProxy(WeightQuantProxyFromInjector):
    """Brevitas's weight proxy; a type of its own, because export handlers are found by type."""


class SchemeWeightQuantProxyHandler(BrevitasWeightQuantProxyHandler):
    """Write quantized weights in front of the Quant node.

    Brevitas 0.13 writes the float weights there, for the node to round to the nearest integer. Not
    every integer is on a scheme's grid. The integers of quantized weights round to themselves.
    """

    handled_layer = SchemeWeightQuantProxy

    def symbolic_execution(self, x: Tensor) -> tuple[Tensor, ...]:
        """Emit the node."""
        values = self.quant_weight_values
        # Several weights share a quantizer, or there is one; tracers may not know addresses.
        value = values[x.data_ptr()] if len(values) > 1 else next(iter(values.values()))
        emitted: tuple[Tensor, ...] = super().symbolic_execution(value)
        return emitted


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


for _manager, _handler in (
    (QONNXManager, SchemeWeightQuantProxyHandler),
    (InferenceManager, SchemeWeightInferenceHandler),
):
    if _handler not in _manager.handlers:
        _manager.handlers.append(_handler)
