"""What quantizers of the exported model are in hardware."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp

from msq_finn.build.verdict.reference import Reference
from msq_finn.lanes.divisors import divides
from msq_finn.transforms.pixel_marks import pixels_of
from msq_finn.transforms.place_rows import RECURRENT
from msq_finn.transforms.quantizer_notes import QuantizerNote, quantizer_of

IntArray = NDArray[np.int64]

#: What may lie behind thresholds that FINN moved before a pool, with the same values inside.
_PASSED = ("ConvolutionInputGenerator", "Pool", "Streaming")

#: Share of values that must be the exported model's where shapes do not tell how axes lie.
_ALIKE = 0.5


class Observations:
    """The hardware's integers of one image, quantizer by quantizer, laid out as exported.

    Args:
        model: the dataflow partition, thresholds noted.
        reference: the exported model.
        seen: per inner tensor its integers, without the batch axis.
    """

    def __init__(
        self, model: ModelWrapper, reference: Reference, seen: Mapping[str, IntArray]
    ) -> None:
        self.model = model
        self.reference = reference
        self.seen = seen
        self._thresholdings: dict[str, list[tuple[Any, QuantizerNote]]] = {}
        self._inside: dict[str, tuple[Any, int, str]] = {}
        self._traces: dict[str, Mapping[str, IntArray]] = {}
        for node in model.graph.node:
            if node.op_type.startswith(RECURRENT):
                self._note_inside(node)
                continue
            thresholds = node.input[1] if node.op_type.startswith("Thresholding") else ""
            if note := quantizer_of(model, thresholds):
                self._thresholdings.setdefault(note.output, []).append((node, note))

    def of(self, output: str, expected: IntArray) -> list[tuple[str, IntArray]]:
        """What a quantizer gave in hardware.

        Args:
            output: name of the quantizer's output in the exported file.
            expected: its levels as the exported model has them, which tell FINN's order of axes
                from the exported one where shapes leave it open.

        Returns:
            names of the nodes and integers of its shape, one of each thresholding that FINN made
            of it; none where nothing in hardware is like it.
        """
        found = self._computed_inside(output, expected)
        for node, note in self._thresholdings.get(output, []):
            for tensor in _behind(self.model, node):
                if tensor not in self.seen:
                    continue
                levels = _by_channels(self.seen[tensor], node)[..., : note.channels or None]
                if levels.size == expected.size:
                    least = self.reference.quantizers[output].low
                    levels = least + levels - int(getCustomOp(node).get_nodeattr("ActVal"))
                    if note.order:
                        levels = levels[..., np.argsort(note.order)]
                    laid_out = _laid_out(levels, expected)
                    if laid_out is not None:
                        found.append((node.name, laid_out))
                    break
        return found

    def _note_inside(self, node: Any) -> None:
        """Which step and which of its tensors a recurrent layer's quantizers are."""
        op = getCustomOp(node)
        names = op.exported_quantizers()
        for place, name in enumerate(names):
            step, number = divmod(place, len(op.cell.quantizers))
            self._inside[name] = node, step, op.cell.quantizers[number]

    def _computed_inside(self, output: str, expected: IntArray) -> list[tuple[str, IntArray]]:
        """What a recurrent layer must have made inside of what it read.

        Its streams are those of the graph, integer for integer, which its Python computes too.
        """
        if output not in self._inside:
            return []
        node, step, name = self._inside[output]
        if node.input[0] not in self.seen:
            return []
        op = getCustomOp(node)
        if node.name not in self._traces:
            self._traces[node.name] = op.trace(self.model, self.seen[node.input[0]])
        units = op.exported_units(self._traces[node.name][name][step])
        return [(node.name, units.reshape(expected.shape))]


def _by_channels(values: IntArray, thresholding: Any) -> IntArray:
    """Values with channels in the last axis, where there may be those of several pixels."""
    op = getCustomOp(thresholding)
    channels = op.get_nodeattr("NumChannels") // pixels_of(thresholding)
    return values.reshape(-1, channels) if divides(channels, values.shape[-1]) else values


def _behind(model: ModelWrapper, node: Any) -> Iterator[str]:
    """A thresholding's output, and those of pools behind it."""
    while True:
        yield node.output[0]
        consumer = model.find_consumer(node.output[0])
        if consumer is None or not consumer.op_type.startswith(_PASSED):
            return
        node = consumer


def _laid_out(levels: IntArray, expected: IntArray) -> IntArray | None:
    """Levels with their channels where the exported tensor has them, None where none fit.

    Shapes say where that is, unless several axes are as long as there are channels.
    """
    channels, shape = levels.shape[-1], expected.shape
    first, last = np.moveaxis(levels, -1, 0).reshape(shape), levels.reshape(shape)
    if len(shape) == 2 or (shape[1] != channels and shape[-1] == channels):
        return last
    if shape[1] == channels and shape[-1] != channels:
        return first
    alike = [float((choice == expected).mean()) for choice in (first, last)]
    if max(alike) < _ALIKE:
        return None
    return first if alike[0] >= alike[1] else last
