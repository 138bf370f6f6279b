"""Which tensors of a dataflow graph have their channels in one common order."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import networkx as nx
from qonnx.core.modelwrapper import ModelWrapper

#: Ops that keep channels apart and in order, so that permuted channels pass through them.
CHANNELWISE = (
    "ConvolutionInputGenerator",
    "DuplicateStreams",
    "ElementwiseAdd",
    "FMPadding",
    "GlobalAccPool",
    "Pool",
    "StreamingDataWidthConverter",
    "StreamingFIFO",
    "Thresholding",
    "UpsampleNearest",
    "VVAU",
)


@dataclass
class ChannelSpace:
    """Tensors whose channels must be permuted alike, and the nodes around them.

    Attributes:
        tensors: names.
        producers: matrix-vector nodes whose rows are these channels.
        consumers: matrix-vector nodes whose columns are these channels.
        inside: channelwise nodes between them.
        fixed_by: what forbids a permutation, as text; None where it is free.
        is_output: whether the channels leave the graph, so that the host has to put them back.
    """

    tensors: set[str]
    producers: list[Any] = field(default_factory=list)
    consumers: list[Any] = field(default_factory=list)
    inside: list[Any] = field(default_factory=list)
    fixed_by: str | None = None
    is_output: bool = False


def channel_spaces(model: ModelWrapper) -> list[ChannelSpace]:
    """Group a graph's tensors by common channel order, in topological order of their producers.

    A residual add ties its two inputs together, so the layers that feed it must have their rows
    permuted alike; a fork ties its outputs.

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
        if node.op_type.startswith("MVAU"):
            spaces[node.input[0]].consumers.append(node)
            spaces[node.output[0]].producers.append(node)
        elif node.op_type.startswith(CHANNELWISE):
            spaces[node.output[0]].inside.append(node)
        else:
            for tensor in _data_tensors(model, node):
                spaces[tensor].fixed_by = f"{node.name} ({node.op_type})"
    for info in model.graph.input:
        if info.name in spaces:
            spaces[info.name].fixed_by = "the network's input"
    for info in model.graph.output:
        if info.name in spaces:
            spaces[info.name].is_output = True
    order = [t for node in model.graph.node for t in node.output if t in spaces]
    return list({id(spaces[tensor]): spaces[tensor] for tensor in order}.values())


def _data_tensors(model: ModelWrapper, node: Any) -> list[str]:
    """A node's streams: what it reads that is no parameter, and what it writes."""
    return [t for t in (*node.input, *node.output) if t and model.get_initializer(t) is None]
