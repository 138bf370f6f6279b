"""QONNX export of weights that lie on a scheme's grid."""

from brevitas.export.onnx.qonnx.handler import BrevitasWeightQuantProxyHandler
from brevitas.export.onnx.qonnx.manager import QONNXManager
from brevitas.proxy import WeightQuantProxyFromInjector
from torch import Tensor


class SchemeWeightQuantProxy(WeightQuantProxyFromInjector):
    """Brevitas's weight proxy; a type of its own, because export handlers are found by type."""


class SchemeWeightQuantProxyHandler(BrevitasWeightQuantProxyHandler):
    """Write quantised weights in front of the Quant node.

    Brevitas 0.13 writes the float weights there, for the node to round to the nearest integer. Not
    every integer is on a scheme's grid. The integers of quantised weights round to themselves.
    """

    handled_layer = SchemeWeightQuantProxy

    def symbolic_execution(self, x: Tensor) -> tuple[Tensor, ...]:
        """Emit the node."""
        values = self.quant_weight_values
        # Several weights share a quantizer, or there is one; tracers may not know addresses.
        value = values[x.data_ptr()] if len(values) > 1 else next(iter(values.values()))
        emitted: tuple[Tensor, ...] = super().symbolic_execution(value)
        return emitted


if SchemeWeightQuantProxyHandler not in QONNXManager.handlers:
    QONNXManager.handlers.append(SchemeWeightQuantProxyHandler)
