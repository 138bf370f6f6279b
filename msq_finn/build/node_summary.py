"""Nodes of an accelerator as data: part of ``summary.json``, and what the report draws."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp

from msq_finn.lowering.cycles import node_cycles
from msq_finn.synth.resources import Resources
from msq_finn.transforms.layer_names import layer_names

#: What nodes are called for people, by the start of their operation's name.
_CALLED = {
    "MVAU": "matrix-vector layer",
    "VVAU": "depthwise layer",
    "Thresholding": "thresholds",
    "ConvolutionInputGenerator": "window generator",
    "FMPadding_Pixel": "pixel padding",
    "FMPadding": "padding",
    "StreamingFIFO": "FIFO",
    "StreamingDataWidthConverter": "width converter",
    "StreamingConcat": "concatenation",
    "StreamingSplit": "split",
    "StreamingEltwise": "element-wise operation",
    "AddStreams": "sum of two streams",
    "ElementwiseAdd": "sum of two streams",
    "Elementwise": "element-wise operation",
    "DuplicateStreams": "fork",
    "ChannelwiseOp": "per-channel operation",
    "GlobalAccPool": "global sum",
    "UpsampleNearestNeighbour": "upsampling",
    "ReverseSteps": "reversal",
    "LabelSelect": "label select",
    "Pool": "pool",
    "StreamingMaxPool": "max pool",
    "Lookup": "table",
}


class NodeSummary(BaseModel):
    """One node of the accelerator, FIFOs and width converters among them.

    Attributes:
        name: FINN's.
        what: it is, for people, such as "window generator".
        layer: name of the layer that it computes; None for all but matrix-vector and depthwise
            layers.
        feeds: names of the nodes that read its outputs.
        cycles: from one image to the next, at full rate.
        depth: words that a FIFO holds; None for other nodes.
        bits: of a word of its first output.
        lut_sites: with a layer's weight memory, as are the next three; None before synthesis.
        ff: flip-flops.
        dsp: DSP slices.
        bram36: block RAMs of 36 kbit.
        longest_path_ps: estimate of the longest path between registers, in ps.
    """

    model_config = ConfigDict(frozen=True)
    name: str
    what: str
    layer: str | None = None
    feeds: list[str]
    cycles: int
    depth: int | None = None
    bits: int
    lut_sites: int | None = None
    ff: int | None = None
    dsp: int | None = None
    bram36: float | None = None
    longest_path_ps: int | None = None


def nodes_of(model: ModelWrapper, resources: Mapping[str, Resources] | None) -> list[NodeSummary]:
    """Describe every node of a dataflow partition, in the order of the network.

    Args:
        model: the partition, folded.
        resources: of every module, None before synthesis.
    """
    layers = layer_names(model)
    found = []
    for node in model.graph.node:
        op = getCustomOp(node)
        readers = [reader for output in node.output for reader in model.find_consumers(output)]
        is_fifo = node.op_type.startswith("StreamingFIFO")
        found.append(
            NodeSummary(
                name=node.name,
                what=called(node.op_type),
                layer=layers.get(node.name),
                feeds=[reader.name for reader in readers],
                cycles=node_cycles(op) or _words(op),
                depth=op.get_nodeattr("depth") if is_fifo else None,
                bits=op.get_outstream_width(0),
                **taken(node.name, resources or {}),
            )
        )
    return found


def _words(op: Any) -> int:
    """Cycles of what passes words on: one for each of the side that has more."""
    shapes = (op.get_folded_input_shape(), op.get_folded_output_shape())
    return max(math.prod(shape[:-1]) for shape in shapes)


def called(operation: str) -> str:
    """What nodes of an operation are called for people.

    >>> called("ConvolutionInputGenerator_rtl")
    'window generator'
    """
    starts = [start for start in _CALLED if operation.startswith(start)]
    if starts:
        return _CALLED[max(starts, key=len)]
    return operation.removesuffix("_rtl").removesuffix("_hls")


def taken(name: str, resources: Mapping[str, Resources]) -> dict[str, Any]:
    """Resources of a node with its weight memory, by the names of a summary's fields.

    Args:
        resources: of every module.

    Returns:
        sums, and the longest path of both; empty where the node was not synthesised.
    """
    own = [resources[part] for part in (name, f"{name}_weights") if part in resources]
    if not own:
        return {}
    fields = ("lut_sites", "ff", "dsp", "bram36")
    sums: dict[str, Any] = {field: sum(getattr(part, field) for part in own) for field in fields}
    return sums | {"longest_path_ps": max(part.longest_path_ps for part in own)}
