"""The work that stays on the processor, before and after the accelerator."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx

FloatArray = NDArray[np.float32]

#: Twice what two ways to compute floating-point outputs may differ by.
_ROUNDING = 0.002

#: Operations of which different integers make different outputs.
FAITHFUL = {"Mul", "Add", "Transpose", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Gather"}


class Host:
    """Runs the parent graph's nodes around the dataflow partition.

    Args:
        parent: graph with one ``StreamingDataflowPartition`` node.
    """

    def __init__(self, parent: ModelWrapper) -> None:
        self.model = parent
        nodes = list(parent.graph.node)
        self._accelerator = next(n for n in nodes if n.op_type == "StreamingDataflowPartition")
        position = nodes.index(self._accelerator)
        self._before, self._after = nodes[:position], nodes[position + 1 :]

    @property
    def operations(self) -> list[str]:
        """Op types that the processor runs, in order."""
        return [n.op_type for n in (*self._before, *self._after)]

    @property
    def nodes_before(self) -> list[Any]:
        """Nodes that run before the accelerator, in order."""
        return self._before

    @property
    def nodes_after(self) -> list[Any]:
        """Nodes that run after the accelerator, in order."""
        return self._after

    @property
    def hides(self) -> bool:
        """Whether different integers of the accelerator may look the same behind the processor."""
        return any(node.op_type not in FAITHFUL for node in self._after)

    @property
    def accelerator_input(self) -> str:
        """Name of the tensor that the accelerator reads."""
        return str(self._accelerator.input[0])

    @property
    def accelerator_output(self) -> str:
        """Name of the tensor that the accelerator produces."""
        return str(self._accelerator.output[0])

    def before(self, image: FloatArray) -> FloatArray:
        """Turn one network input into the accelerator's input (integers, channels last).

        Args:
            image: in the network's input shape, batch 1.
        """
        name = self.model.graph.input[0].name
        if not self._before:
            return image
        context = execute_onnx(
            self.model,
            {name: image},
            return_full_exec_context=True,
            end_node=self._before[-1],
        )
        return np.asarray(context[self._accelerator.input[0]])

    def after(self, output: FloatArray) -> FloatArray:
        """Turn the accelerator's output into the network's output.

        Args:
            output: integers, in the shape that the accelerator's last node has.
        """
        if not self._after:
            return output
        # The executor wants every graph input; nodes before the accelerator are not run again.
        info = self.model.graph.input[0]
        context: dict[str, Any] = {
            info.name: np.zeros(self.model.get_tensor_shape(info.name), dtype=np.float32),
            self._accelerator.output[0]: output,
        }
        result = execute_onnx(
            self.model, context, return_full_exec_context=True, start_node=self._after[0]
        )
        return np.asarray(result[self.model.graph.output[0].name])

    def input_range(self) -> tuple[float, float]:
        """Range of network inputs that the accelerator's input quantization tells apart."""
        for node in self._before:
            if node.op_type == "MultiThreshold":
                thresholds = self.model.get_initializer(node.input[1])
                step = float(np.diff(thresholds, axis=1).mean()) if thresholds.shape[1] > 1 else 1.0
                return float(thresholds.min()) - step, float(thresholds.max()) + step
        datatype = self.model.get_tensor_datatype(self._accelerator.input[0])
        return float(datatype.min()), float(datatype.max())

    def output_step(self) -> FloatArray:
        """Size of one integer step of the accelerator in the network's output.

        Returns:
            positive numbers, in the shape of an image's output. Behind operations that hide
            integers one number instead, which only allows for rounding.
        """
        if self.hides:
            return np.array([_ROUNDING], dtype=np.float32)
        # The host only scales, shifts and moves integers, so one more of each shows its worth.
        shape = self.model.get_tensor_shape(self.accelerator_output)
        zero, one = (self.after(np.full(shape, value, np.float32))[0] for value in (0, 1))
        step: FloatArray = np.abs(one - zero)
        return np.where(step > 0, step, np.float32(1))
