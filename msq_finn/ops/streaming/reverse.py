"""ReverseSteps: sequences from the last step to the first, and its RTL."""

from __future__ import annotations

from typing import Any

import numpy as np

from msq_finn.ops.streaming.backend import StreamingRTL
from msq_finn.ops.streaming.same_shape import SameShape


class ReverseSteps(SameShape):
    """The steps of every sequence in reverse, the elements of each in their order.

    Attributes are SameShape's and ``Steps``, of which a tensor has so many, one behind the other.
    """

    def get_nodeattr_types(self) -> dict[str, Any]:
        """FINN's attributes of the op."""
        return {"Steps": ("i", True, 1)} | super().get_nodeattr_types()

    def step_elements(self) -> int:
        """Elements of a step."""
        return int(np.prod(self.get_normal_input_shape())) // int(self.get_nodeattr("Steps"))

    def get_folded_input_shape(self, ind: int = 0) -> tuple[int, ...]:
        """Shape as a stream: a sequence, its steps, their words, and a word's elements."""
        pe = self.get_nodeattr("PE")
        return 1, self.get_nodeattr("Steps"), self.step_elements() // pe, pe

    def execute_node(self, context: dict[str, Any], graph: Any) -> None:
        """Turn a sequence round."""
        values = context[self.onnx_node.input[0]]
        steps = values.reshape(self.get_nodeattr("Steps"), -1)
        context[self.onnx_node.output[0]] = np.ascontiguousarray(steps[::-1]).reshape(values.shape)


class ReverseSteps_rtl(StreamingRTL, ReverseSteps):
    """A memory of one sequence, written and read in both directions in turn."""

    module = "stream_reverse"

    def parallel_elements(self) -> int:
        """What PE divides: the elements of a step."""
        return self.step_elements()

    def rtl_parameters(self) -> dict[str, int | str]:
        """See StreamingRTL."""
        self.integer_type(self.get_input_datatype())
        _, steps, folds, _ = self.get_folded_input_shape()
        return {"Width": self.get_instream_width(), "Steps": steps, "Folds": folds}
