"""The exported model, run up to any of its quantizers and on from there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from qonnx.util.cleanup import cleanup_model

from msq_finn.lowering.ends import Ends, each
from msq_finn.lowering.model_checks import data_inputs
from msq_finn.transforms.quantizer_nodes import levels_of
from msq_finn.transforms.quantizer_notes import NoteQuantizers, quantizer_of

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]
Context = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Quantizer:
    """An activation quantizer of the exported model.

    Attributes:
        node: of the cleaned graph.
        name: of the node in the exported file.
        shape: of what it gives.
        low: its least level.
        high: its greatest.
    """

    node: Any
    name: str
    shape: tuple[int, ...]
    low: int
    high: int

    def levels(self, context: Context) -> IntArray:
        """Its integers in an execution, of its shape.

        Args:
            context: name to tensor.
        """
        scale, zero = (context[self.node.input[i]].astype(np.float64) for i in (1, 2))
        return np.rint(context[self.node.output[0]] / scale + zero).astype(np.int64)

    def values(self, levels: IntArray, context: Context) -> FloatArray:
        """What it gives for integers, computed as QONNX does.

        Args:
            levels: integers, of its shape.
            context: name to tensor.
        """
        scale, zero = (context[self.node.input[i]] for i in (1, 2))
        return np.asarray((levels.astype(np.float32) - zero) * scale, dtype=np.float32)


class Reference:
    """An exported model, executed by QONNX in float32 as `reference_outputs` does.

    Args:
        source: the exported file.
    """

    def __init__(self, source: Path) -> None:
        exported = ModelWrapper(str(source)).transform(NoteQuantizers())
        nodes = exported.graph.node
        names = {tensor: node.name or tensor for node in nodes for tensor in node.output}
        self.model = cleanup_model(exported)
        self.inputs = [info.name for info in data_inputs(self.model.graph)]
        self.outputs = [info.name for info in self.model.graph.output]
        #: The nodes that make these, as the exported file names them.
        self.last = [names[info.name] for info in exported.graph.output]
        self.quantizers: dict[str, Quantizer] = {}
        for node in self.model.graph.node:
            if note := quantizer_of(self.model, node.output[0]):
                self.quantizers[note.output] = self._quantizer(node, names[note.output])

    def _quantizer(self, node: Any, name: str) -> Quantizer:
        shape = tuple(self.model.get_tensor_shape(node.output[0]))
        low, high = levels_of(node, int(self.model.get_initializer(node.input[3])))
        return Quantizer(node, name, shape, low, high)

    def started(self, image: Ends) -> Context:
        """An execution that has not begun.

        Args:
            image: network input, of its shape behind the batch axis.
        """
        given = (array[None] for array in each(image))
        return dict(zip(self.inputs, given, strict=True))

    def run(self, context: Context, first: int, last: int) -> Context:
        """Execute nodes, and return the execution behind them.

        Args:
            context: the execution before the first of them.
            first: position of the first node.
            last: position of the last.
        """
        nodes = self.model.graph.node
        result: Context = execute_onnx(
            self.model,
            context,
            return_full_exec_context=True,
            start_node=nodes[first],
            end_node=nodes[last],
        )
        return {name: value for name, value in result.items() if value is not None}
