"""The work that stays on the processor, before and after the accelerator."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx

from msq_finn.lowering.ends import Ends, each, mapped, together

FloatArray = NDArray[np.float32]

#: Twice what two ways to compute floating-point outputs may differ by.
_ROUNDING = 0.002

#: Operations of which different integers make different outputs.
FAITHFUL = {
    *("Mul", "Add", "Transpose", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Gather"),
    *("Concat", "Identity"),
}


class Host:
    """Runs the parent graph's nodes around the dataflow partition.

    What goes in and comes out is an array, or a tuple of arrays where there are several inputs or
    outputs: of the network in the exported model's order, of the accelerator in that of its ports.

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
        return self._hide(self._after)

    @property
    def inputs(self) -> list[str]:
        """Names of the network's inputs, in this graph."""
        return [
            info.name
            for info in self.model.graph.input
            if self.model.get_initializer(info.name) is None
        ]

    @property
    def outputs(self) -> list[str]:
        """Names of the network's outputs, in this graph."""
        return [info.name for info in self.model.graph.output]

    @property
    def accelerator_inputs(self) -> list[str]:
        """Names of the tensors that the accelerator reads."""
        return list(self._accelerator.input)

    @property
    def accelerator_outputs(self) -> list[str]:
        """Names of the tensors that the accelerator produces."""
        return list(self._accelerator.output)

    def before(self, image: Ends) -> Ends:
        """Turn one network input into the accelerator's input (integers, channels last).

        Args:
            image: in the network's input shape, batch 1.
        """
        context = dict(zip(self.inputs, each(image), strict=True))
        if self._before:
            context = execute_onnx(
                self.model, context, return_full_exec_context=True, end_node=self._before[-1]
            )
        return together(np.asarray(context[name]) for name in self.accelerator_inputs)

    def after(self, output: Ends) -> Ends:
        """Turn the accelerator's output into the network's output.

        Args:
            output: integers, in the shape that the accelerator's last node has.
        """
        context: dict[str, Any] = dict(zip(self.accelerator_outputs, each(output), strict=True))
        if self._after:
            # The executor wants every graph input; nodes before the accelerator are not run again.
            context |= {
                name: np.zeros(self.model.get_tensor_shape(name), dtype=np.float32)
                for name in self.inputs
            }
            context = execute_onnx(
                self.model, context, return_full_exec_context=True, start_node=self._after[0]
            )
        return together(np.asarray(context[name]) for name in self.outputs)

    def shaped(self, raw: Ends) -> Ends:
        """Integers of the accelerator's last nodes in the shapes that `after` takes.

        Args:
            raw: of one image, in any shapes.
        """
        shapes = [self.model.get_tensor_shape(name) for name in self.accelerator_outputs]
        return together(
            values.reshape(shape).astype(np.float32)
            for values, shape in zip(each(raw), shapes, strict=True)
        )

    def input_ranges(self) -> list[tuple[float, float]]:
        """Range of each network input that the accelerator's input quantization tells apart."""
        return [self._range(name) for name in self.inputs]

    def _range(self, name: str) -> tuple[float, float]:
        thresholds = self.thresholds(name)
        if thresholds is None:
            reached = self._reached(name)
            stream = next(tensor for tensor in self.accelerator_inputs if tensor in reached)
            datatype = self.model.get_tensor_datatype(stream)
            return float(datatype.min()), float(datatype.max())
        step = float(np.diff(thresholds, axis=1).mean()) if thresholds.shape[1] > 1 else 1.0
        return float(thresholds.min()) - step, float(thresholds.max()) + step

    def thresholds(self, name: str) -> FloatArray | None:
        """Thresholds with which the processor quantizes an input, [channels or 1, steps].

        Args:
            name: of the network's input, in this graph.

        Returns:
            None where the accelerator does it.
        """
        reached = self._reached(name)
        for node in self._before:
            if node.op_type == "MultiThreshold" and node.input[0] in reached:
                found: FloatArray = self.model.get_initializer(node.input[1])
                return found
        return None

    def _reached(self, name: str) -> set[str]:
        """Tensors before the accelerator that depend on one."""
        reached = {name}
        for node in self._before:
            if reached.intersection(node.input):
                reached.update(node.output)
        return reached

    def output_step(self) -> Ends:
        """Size of one integer step of the accelerator in the network's output.

        Returns:
            positive numbers, in the shape of an image's output. Behind operations that hide
            integers one number instead, which only allows for rounding.
        """
        # The host only scales, shifts and moves integers, so one more of each shows its worth.
        zero, one = (self.after(self.shaped(self._full(value))) for value in (0, 1))
        steps = mapped(lambda low, high: np.abs(high - low)[0], zero, one)
        hidden = [self._hide(self._leading_to(name)) for name in self.outputs]
        return together(
            np.array([_ROUNDING], dtype=np.float32)
            if hides
            else np.where(step > 0, step, np.float32(1))
            for step, hides in zip(each(steps), hidden, strict=True)
        )

    def _full(self, value: int) -> Ends:
        shapes = [self.model.get_tensor_shape(name) for name in self.accelerator_outputs]
        return together(np.full(shape, value, np.float32) for shape in shapes)

    def _hide(self, nodes: Iterable[Any]) -> bool:
        return any(node.op_type not in FAITHFUL or self.adds_streams(node) for node in nodes)

    def adds_streams(self, node: Any) -> bool:
        """Whether a node of the processor makes one number of several streams' numbers.

        Args:
            node: of the graph.
        """
        inputs = [name for name in node.input if name]
        streams = [name for name in inputs if self.model.get_initializer(name) is None]
        return len(streams) > 1 and node.op_type != "Concat"

    def _leading_to(self, tensor: str) -> list[Any]:
        """The processor's nodes behind the accelerator that a tensor depends on."""
        wanted, nodes = {tensor}, []
        for node in reversed(self._after):
            if wanted.intersection(node.output):
                wanted.update(node.input)
                nodes.append(node)
        return nodes
