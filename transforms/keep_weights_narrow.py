"""Let FINN's RTL unit take weights at the least of their type, or above 0, and few bits."""

from __future__ import annotations

from finn.util.basic import get_dsp_block
from qonnx.core.datatype import DataType
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp
from qonnx.transformation.base import Transformation


class KeepWeightsNarrow(Transformation):
    """Give weights of FINN's matrix-vector layers one bit more where its RTL asks for it.

    FINN's packing on a DSP48E1 needs weights whose negatives fit their type too, its RTL on any
    slice signed types, and FINN leaves the layer to Vitis HLS otherwise (specialize_layers.py,
    ``_mvu_rtl_possible``): 4-bit integers of which one is -8, or all positive, behind a pool whose
    sums are too wide for lanes. All ask for RTL themselves, as FINN takes HLS for weights or
    activations below 4 bits, of which its RTL needs two. Run it behind FINN's
    ``step_minimize_bit_width``, which takes the bit away again.

    Args:
        part: FPGA part.
    """

    def __init__(self, part: str) -> None:
        super().__init__()
        self._applies = get_dsp_block(part) == "DSP48E1"

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        """Change types, no values; no second pass is needed."""
        for node in model.graph.node:
            if node.op_type not in ("MVAU", "MVAU_rtl"):
                continue
            op, weights = getCustomOp(node), model.get_initializer(node.input[1])
            if weights is None:
                continue
            if not op.get_nodeattr("preferred_impl_style"):
                op.set_nodeattr("preferred_impl_style", "rtl")
            kind = DataType[op.get_nodeattr("weightDataType")]
            least = self._applies and weights.min() == kind.min()
            if least or not kind.signed():
                wider = DataType[f"INT{kind.bitwidth() + 1}"]
                op.set_nodeattr("weightDataType", wider.name)
                model.set_tensor_datatype(node.input[1], wider)
        return model, False
