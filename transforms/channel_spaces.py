"""Which tensors of a dataflow graph have their channels in one common order."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import networkx as nx
import numpy as np
from numpy.typing import NDArray
from qonnx.core.modelwrapper import ModelWrapper

from msq_finn.finn_compat import ADDS

IntArray = NDArray[np.int64]

#: Ops that keep channels apart and in order, so that permuted channels pass through them.
CHANNELWISE = (
    *ADDS,
    "ConvolutionInputGenerator",
    "DuplicateStreams",
    "FMPadding",
    "GlobalAccPool",
    "Pool",
    "ReverseSteps",
    "StreamingDataWidthConverter",
    "StreamingFIFO",
    "StreamingTable",
    "Thresholding",
    "UpsampleNearest",
    "VVAU",
)

#: Ops whose inputs' channels are columns of their weights, and whose outputs' are rows, or units.
WITH_WEIGHTS = ("MVAU", "LSTM_MSQ", "GRU_MSQ")

#: The op that lays its inputs' channels one behind the other.
_CONCAT = "StreamingConcat"

#: Ops that have rows to place, or tie several streams, among the channelwise ones.
_WITH_OWN_ORDER = (*ADDS, "VVAU_MSQ")


@dataclass(frozen=True)
class Part:
    """Some of many channels: those that one input of a concatenation brings.

    Attributes:
        first: which of all channels is its first.
        own: how many they are; blocks of all channels of a space behind a window.
        channels: how many there are.
    """

    first: int
    own: int
    channels: int

    def order(self, order: IntArray) -> IntArray:
        """Order of all channels, of which those of a space get a new one.

        Args:
            order: of the space's channels, shape (channels of the space,).

        >>> Part(first=1, own=4, channels=6).order(np.array([1, 0])).tolist()
        [0, 2, 1, 4, 3, 5]
        """
        whole = np.arange(self.channels)
        blocks = whole[self.first : self.first + self.own].reshape(-1, len(order))
        whole[self.first : self.first + self.own] = blocks[:, order].ravel()
        return whole


@dataclass(frozen=True)
class Behind:
    """A node behind concatenations, for which a space's channels are some of many.

    Attributes:
        node: a matrix-vector node (whose columns they are) or a channelwise one.
        parts: the space among what a concatenation joins; that among what the next one joins.
    """

    node: Any
    parts: tuple[Part, ...]

    def order(self, order: IntArray) -> IntArray:
        """Order of the node's channels.

        Args:
            order: of the space's channels, shape (channels of the space,).

        >>> Behind(None, (Part(1, 2, 3), Part(0, 3, 4))).order(np.array([1, 0])).tolist()
        [0, 2, 1, 3]
        """
        for part in self.parts:
            order = part.order(order)
        return order


@dataclass
class ChannelSpace:
    """Tensors whose channels must be permuted alike, and the nodes around them.

    Attributes:
        tensors: names.
        producers: matrix-vector and recurrent nodes whose rows or units are these channels.
        consumers: such nodes whose columns are these channels.
        inside: channelwise nodes between them.
        behind: nodes that see the channels beside those of other spaces.
        fixed_by: what forbids a permutation, as text; None where it is free.
        inputs: positions of the graph's inputs that the channels enter by, so that the host has to
            reorder them.
        outputs: positions of its outputs that they leave by, so that the host has to put them back.
    """

    tensors: set[str]
    producers: list[Any] = field(default_factory=list)
    consumers: list[Any] = field(default_factory=list)
    inside: list[Any] = field(default_factory=list)
    behind: list[Behind] = field(default_factory=list)
    fixed_by: str | None = None
    inputs: list[int] = field(default_factory=list)
    outputs: list[int] = field(default_factory=list)


def channel_spaces(model: ModelWrapper) -> list[ChannelSpace]:
    """Group a graph's tensors by common channel order, in topological order of their producers.

    A residual add ties its two inputs together, so the layers that feed it must have their rows
    permuted alike; a fork ties its outputs. A concatenation ties nothing: what is behind it follows
    each of its inputs, with a part of its channels.

    Args:
        model: graph of hardware nodes.
    """
    ties = nx.Graph()
    for node in model.graph.node:
        data = _data_tensors(model, node)
        ties.add_nodes_from(data)
        if node.op_type.startswith(CHANNELWISE):
            nx.add_path(ties, data)
    spaces: dict[str, ChannelSpace] = {}
    for component in nx.connected_components(ties):
        space = ChannelSpace(set(component))
        spaces |= dict.fromkeys(component, space)
    for node in model.graph.node:
        if node.op_type.startswith(WITH_WEIGHTS):
            spaces[node.input[0]].consumers.append(node)
            spaces[node.output[0]].producers.append(node)
        elif node.op_type.startswith(CHANNELWISE):
            spaces[node.output[0]].inside.append(node)
        elif not node.op_type.startswith(_CONCAT):
            for tensor in _data_tensors(model, node):
                spaces[tensor].fixed_by = f"{node.name} ({node.op_type})"
    for position, info in enumerate(model.graph.input):
        if info.name in spaces:
            spaces[info.name].inputs.append(position)
    for position, info in enumerate(model.graph.output):
        if info.name in spaces:
            spaces[info.name].outputs.append(position)
    # From the last on, so that what is behind one that feeds another is known.
    for node in reversed(model.graph.node):
        if node.op_type.startswith(_CONCAT):
            _pass_back(model, node, spaces)
    order = [t for node in model.graph.node for t in node.output if t in spaces]
    return list({id(spaces[tensor]): spaces[tensor] for tensor in order}.values())


def _pass_back(model: ModelWrapper, concat: Any, spaces: dict[str, ChannelSpace]) -> None:
    """Let the inputs of a concatenation know what is behind it, or that they must stay."""
    joined = spaces[concat.output[0]]
    sizes = [model.get_tensor_shape(tensor)[-1] for tensor in concat.input]
    total = sum(sizes)
    # An add or a row-mixed depthwise layer behind wants an order of its own, and so does the host.
    bound = bool(joined.producers or joined.outputs)
    bound = bound or any(node.op_type.startswith(_WITH_OWN_ORDER) for node in joined.inside)
    if joined.fixed_by is None and bound:
        joined.fixed_by = f"{concat.name} ({concat.op_type})"
    first = 0
    for tensor, channels in zip(concat.input, sizes, strict=True):
        space = spaces[tensor]
        space.fixed_by = space.fixed_by or joined.fixed_by
        part = Part(first, channels, total)
        space.behind += [Behind(n, (part,)) for n in (*joined.inside, *joined.consumers)]
        space.behind += [replace(b, parts=(part, *b.parts)) for b in joined.behind]
        first += channels


def _data_tensors(model: ModelWrapper, node: Any) -> list[str]:
    """A node's streams: what it reads that is no parameter, and what it writes."""
    return [t for t in (*node.input, *node.output) if t and model.get_initializer(t) is None]
