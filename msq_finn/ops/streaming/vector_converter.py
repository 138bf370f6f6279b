"""StreamingDataWidthConverterVector_rtl: words of any other width in SystemVerilog."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from finn.custom_op.fpgadataflow.streamingdatawidthconverter import StreamingDataWidthConverter

from msq_finn.errors import MsqError
from msq_finn.ops.streaming.backend import StreamingRTL


class StreamingDataWidthConverterVector_rtl(StreamingRTL, StreamingDataWidthConverter):
    """Vectors in words of one width repacked into words of another, which need not divide it.

    ``inShape`` and ``outShape`` are vectors of whole words, of which ``elements`` are carried over:
    what follows these in a vector's last input word is dropped, and the last output word is filled
    up with zeros. Without padding, the tensor's shape may be another, as FINN's op allows.

    FINN's own takes more LUTs (``benchmarks/width_converters.py`` compares them), and no vectors
    that end within a word; the name makes FINN take this one for a converter too.
    """

    def get_nodeattr_types(self) -> dict[str, Any]:
        """FINN's attributes, of each side its shape, and ``elements`` that are no padding.

        Upstream's converter has one ``shape`` for both sides.
        """
        sides: dict[str, Any] = {"inShape": ("ints", True, []), "outShape": ("ints", True, [])}
        known = {k: v for k, v in super().get_nodeattr_types().items() if k != "shape"}
        return known | sides | {"elements": ("i", True, 0)}

    def get_normal_input_shape(self, ind: int = 0) -> list[int]:
        """Vectors of whole words, as they come."""
        return list(self.get_nodeattr("inShape"))

    def get_normal_output_shape(self, ind: int = 0) -> list[int]:
        """Vectors of whole words, as they go."""
        return list(self.get_nodeattr("outShape"))

    @property
    def module(self) -> str:  # type: ignore[override]
        """``stream_narrow`` or ``stream_widen``."""
        words_in, words_out = self._word()
        return "stream_narrow" if words_in >= words_out else "stream_widen"

    def rtl_parameters(self) -> dict[str, int | str]:
        """See StreamingRTL."""
        taken, given = self._word()
        return {
            "Bits": self.get_input_datatype().bitwidth(),
            "In": taken,
            "Out": given,
            "Length": self.get_nodeattr("elements"),
            "Unit": math.gcd(taken, given),
        }

    def check_folding(self) -> None:
        """Refuse tensors that are not as many vectors of whole words on either side.

        Raises:
            MsqError: they are not, or they are to be padded with a zero that their type lacks.
        """
        node, shapes = self.onnx_node, [self.get_nodeattr(a) for a in ("inShape", "outShape")]
        folded = self.get_folded_input_shape(), self.get_folded_output_shape()
        if [math.prod(shape) for shape in shapes] != [math.prod(fold) for fold in folded] or (
            folded[0][1] != folded[1][1]
        ):
            raise MsqError(
                f"shapes {shapes[0]} and {shapes[1]} are not as many vectors of "
                f"{self.get_nodeattr('elements')} elements, in words of {folded[0][-1]} and of "
                f"{folded[1][-1]}",
                where=node.name,
            )
        if self.get_nodeattr("elements") % folded[1][-1]:
            self.integer_type(self.get_input_datatype())

    def _word(self) -> tuple[int, int]:
        """Elements of a word, on either side."""
        bits = self.get_input_datatype().bitwidth()
        return self.get_nodeattr("inWidth") // bits, self.get_nodeattr("outWidth") // bits

    def _folded(self, shape: Sequence[int], word: int) -> tuple[int, int, int, int]:
        """One image; its vectors, words of a vector, elements of a word."""
        words = math.ceil(self.get_nodeattr("elements") / word)
        return 1, math.prod(shape) // (words * word), words, word

    def get_folded_input_shape(self, ind: int = 0) -> tuple[int, int, int, int]:
        """One image; its vectors, words of a vector, elements of a word."""
        return self._folded(self.get_nodeattr("inShape"), self._word()[0])

    def get_folded_output_shape(self, ind: int = 0) -> tuple[int, int, int, int]:
        """One image; its vectors, words of a vector, elements of a word."""
        return self._folded(self.get_nodeattr("outShape"), self._word()[1])

    def get_exp_cycles(self) -> int:
        """A cycle for every word of the side that has more of them."""
        _, vectors, taken, _ = self.get_folded_input_shape()
        return int(vectors * max(taken, self.get_folded_output_shape()[2]))

    def execute_node(self, context: dict[str, Any], graph: Any) -> None:
        """Simulate the RTL where exec_mode says so, else repack in Python."""
        if self.get_nodeattr("exec_mode") == "rtlsim":
            super().execute_node(context, graph)
            return
        values, kept = context[self.onnx_node.input[0]], self.get_nodeattr("elements")
        _, vectors, words, word = self.get_folded_output_shape()
        result = np.zeros((vectors, words * word), dtype=np.float32)
        result[:, :kept] = values.reshape(vectors, -1)[:, :kept]
        context[self.onnx_node.output[0]] = result.reshape(self.get_nodeattr("outShape"))
