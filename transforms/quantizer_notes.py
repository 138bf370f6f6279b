"""Which quantizer of the exported model each thresholding in the hardware is."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.base import Transformation

from msq_finn.transforms.quantizer_nodes import is_activation_quantizer
from msq_finn.transforms.tensor_notes import read_note, write_note

#: Key among the annotations of a quantizer's output, then of its thresholds.
KEY = "msq_quantizer"


@dataclass(frozen=True)
class QuantizerNote:
    """What is noted on thresholds.

    Attributes:
        output: name of the quantizer's output in the exported model.
        order: channel ``p`` is the exported model's channel ``order[p]``; empty where in order.
        channels: before padding, which follows them; 0 where there is none.
    """

    output: str
    order: tuple[int, ...] = ()
    channels: int = 0

    def permuted(self, order: Sequence[int]) -> QuantizerNote:
        """The note once channels have been reordered again.

        Args:
            order: channel ``p`` is what was channel ``order[p]``.

        >>> QuantizerNote("y", (2, 0, 1)).permuted([1, 0, 2]).order
        (0, 2, 1)
        """
        before = self.order or range(len(order))
        return replace(self, order=tuple(int(before[position]) for position in order))


def quantizer_of(model: ModelWrapper, thresholds: str) -> QuantizerNote | None:
    """Read the note on thresholds, None where there is none.

    Args:
        thresholds: name of their tensor.
    """
    text = read_note(model, thresholds, KEY)
    if not text:
        return None
    output, order, channels = json.loads(text)
    return QuantizerNote(output, tuple(order), channels)


def note_quantizer(model: ModelWrapper, tensor: str, note: QuantizerNote) -> None:
    """Write a note.

    Args:
        model: changed in place.
        tensor: thresholds, or a quantizer's output.
        note: of them.
    """
    write_note(model, tensor, KEY, json.dumps([note.output, list(note.order), note.channels]))


class NoteQuantizers(Transformation):
    """Note on the output of every activation quantizer what it is called.

    Run it on the exported model, before FINN's conversion takes the quantizers out.
    """

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        """Write the notes; no second pass is needed."""
        for node in model.graph.node:
            if is_activation_quantizer(model, node):
                note_quantizer(model, node.output[0], QuantizerNote(node.output[0]))
        return model, False


class NoteThresholds(Transformation):
    """Move the notes to the thresholds that FINN's conversion made of the quantizers.

    Behind a MultiThreshold, an Add and a Mul bring its count back to the quantizer's output, which
    later transformations move away. Thresholds stay where they are.
    """

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        """Move the notes; no second pass is needed."""
        for node in model.get_nodes_by_op_type("MultiThreshold"):
            tensor = node.output[0]
            for op_type in ("Add", "Mul", ""):
                if note := quantizer_of(model, tensor):
                    note_quantizer(model, node.input[1], note)
                    break
                behind = model.find_consumer(tensor)
                if behind is not None and behind.op_type == op_type:
                    tensor = behind.output[0]
        return model, False
