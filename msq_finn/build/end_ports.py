"""The streams at the ends of a dataflow graph, and what their words are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp

from msq_finn.sim import axi_streams

IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class EndPort:
    """A stream at an end of a dataflow graph.

    Attributes:
        kind: QONNX's type of its elements.
        folded: shape as a stream, the elements of a word last, with the batch axis.
        shape: of an image's tensor, without the batch axis.
    """

    kind: Any
    folded: tuple[int, ...]
    shape: tuple[int, ...]

    @property
    def elements(self) -> int:
        """Elements of a word."""
        return self.folded[-1]

    @property
    def words(self) -> int:
        """Words of an image."""
        return math.prod(self.folded[:-1])

    def integers(self, words: NDArray[np.uint8], images: int) -> IntArray:
        """The tensors that words are, [images, ...].

        Args:
            words: as `axi_streams.simulate` gives them, [words, bytes].
            images: how many they are of.
        """
        values = axi_streams.unpack(words, self.kind.bitwidth(), self.elements, self.kind.signed())
        return values.reshape(images, *self.shape)


def input_ports(model: ModelWrapper) -> list[EndPort]:
    """The streams that a dataflow graph reads, in the order of its inputs.

    Args:
        model: a dataflow partition.
    """
    ports = []
    for info in model.graph.input:
        node = model.find_consumer(info.name)
        op, index = getCustomOp(node), list(node.input).index(info.name)
        ports.append(
            _port(
                op.get_input_datatype(index),
                op.get_folded_input_shape(index),
                op.get_normal_input_shape(index),
            )
        )
    return ports


def output_ports(model: ModelWrapper) -> list[EndPort]:
    """The streams that a dataflow graph gives, in the order of its outputs.

    Args:
        model: a dataflow partition.
    """
    return [output_port(model, info.name) for info in model.graph.output]


def output_port(model: ModelWrapper, tensor: str) -> EndPort:
    """The stream of a tensor that a node makes.

    Args:
        model: a dataflow partition.
        tensor: of it, with a producer.
    """
    node = model.find_producer(tensor)
    op, index = getCustomOp(node), list(node.output).index(tensor)
    return _port(
        op.get_output_datatype(index),
        op.get_folded_output_shape(index),
        op.get_normal_output_shape(index),
    )


def _port(kind: Any, folded: Sequence[int], normal: Sequence[int]) -> EndPort:
    return EndPort(kind, tuple(map(int, folded)), tuple(map(int, normal[1:])))
