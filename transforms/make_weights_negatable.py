"""Give weights a datatype that also holds their negatives."""

from __future__ import annotations

from qonnx.core.datatype import DataType
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.base import Transformation

from msq_finn.transforms.tensor_notes import read_note, write_note

#: Key of a note on weights: the bits of their type before it was widened.
_KEY = "msq_trained_bits"


class MakeWeightsNegatable(Transformation):
    """Widen the datatype of integer weights whose negatives it does not hold.

    FINN's streamlining multiplies the signs of a channel's gains into the weights before it, but
    only where all products stay within the weights' datatype (transformation/streamline/absorb.py,
    Absorb1BitMulIntoConv). An INT4 weight of -8 beside one negative gain stops it, and the layer
    with it. FINN's step_minimize_bit_width narrows the type again where no sign came. Run it
    before ``step_streamline``.
    """

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        """Change annotations, no values; no second pass is needed."""
        for node in model.graph.node:
            if node.op_type not in ("Conv", "MatMul"):
                continue
            for name in node.input[:2]:
                weights, datatype = model.get_initializer(name), model.get_tensor_datatype(name)
                if weights is None or not datatype.is_integer():
                    continue
                ends = float(weights.min()), float(weights.max())
                if not all(datatype.allowed(-end) for end in ends):
                    bits = 1 + int(max(map(abs, ends))).bit_length()
                    write_note(model, name, _KEY, str(datatype.bitwidth()))
                    model.set_tensor_datatype(name, DataType[f"INT{bits}"])
        return model, False


def trained_bits(model: ModelWrapper, weights: str) -> int:
    """Bits of the type that weights were exported with.

    Args:
        model: before FINN's ``step_minimize_bit_width``.
        weights: name of the tensor.
    """
    note = read_note(model, weights, _KEY)
    return int(note) if note else int(model.get_tensor_datatype(weights).bitwidth())
