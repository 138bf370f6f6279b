"""Nodes of a dataflow graph that belong to no layer of lanes, and the foldings they may have."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp

from msq_finn.finn_compat import ADDS
from msq_finn.lanes.divisors import divides, divisors
from msq_finn.lowering.cycles import node_cycles
from msq_finn.ops.streaming.backend import StreamingRTL
from msq_finn.plan.frontend.conv_windows import is_padding, is_type, window_of
from msq_finn.plan.frontend.network import Fold, Node
from msq_finn.plan.frontend.pixels import pool_words
from msq_finn.rtl.pixel_words import SIDE_BY_SIDE
from msq_finn.transforms.layer_names import layer_names
from msq_finn.transforms.pad_in_windows import own_windows, padding_of
from msq_finn.transforms.pixel_marks import mark_pixels
from msq_finn.transforms.serial_thresholds import mark_serial, serial_cycles, serial_style


def other_nodes(model: ModelWrapper, taken: Iterable[str], widest: int = 2**30) -> list[Node]:
    """Describe every node in RTL that is in no layer.

    Nodes that exist in HLS only are FINN's SetFolding's, and so are the windows of its depthwise
    unit, which have that unit's parallelism.

    Args:
        model: graph of hardware nodes before folding; left as it is.
        taken: names of nodes that are in a layer.
        widest: bits of the weights that a lane of FINN's own units may take a cycle.
    """
    inside = {*taken, *_paired(model)}
    nodes = [node for node in model.graph.node if node.op_type.endswith("_rtl")]
    left = [n for n in nodes if n.name not in inside and not n.op_type.startswith("VVAU")]
    names = layer_names(model)
    return [_described(model, node, names.get(node.name, node.name), widest) for node in left]


def set_fold(model: ModelWrapper, node: Any, fold: Fold) -> None:
    """Fold a node, with the generator of its windows where it is a pool, and their padding.

    Args:
        model: graph of hardware nodes.
        node: one of those that :func:`other_nodes` describes.
        fold: one of its foldings.
    """
    op, windows = getCustomOp(node), _windows(model, node)
    if node.op_type.startswith("MVAU"):
        op.set_nodeattr("PE", fold.pe)
        op.set_nodeattr("SIMD", fold.simd)
        return
    attribute, elements = _parallelism(op)
    together = fold.pe // elements if fold.pixels > 1 else 1
    mark_pixels(node, together)
    if attribute is not None:
        op.set_nodeattr(attribute, fold.pe // together)
    mark_serial(node, serial_style(model, node) if fold.serial else "none")
    if windows is not None:
        getCustomOp(windows).set_nodeattr("parallel_window", int(fold.parallel))
    for before in _parts(model, node)[1:]:
        mark_pixels(before, fold.pixels)
        getCustomOp(before).set_nodeattr("SIMD", fold.pe // together)


def _described(model: ModelWrapper, node: Any, name: str, widest: int) -> Node:
    op, kind = getCustomOp(node), node.op_type.removesuffix("_rtl").removesuffix("_hls")
    source, result = op.get_input_datatype(0), op.get_output_datatype(0)
    has = op.get_nodeattr_types()
    windows = _windows(model, node)
    conv = window_of(model, windows) if windows is not None else None
    is_layer = kind.startswith(("MVAU", "VVAU"))
    return Node(
        node.name,
        "MVAU" if kind.startswith("MVAU") else kind,
        _said(op, kind) if name == node.name else f"layer {name}, {_said(op, kind)}",
        tuple(_least(_folds(model, node, widest))),
        channels=int(op.get_normal_output_shape()[-1]),
        in_bits=source.bitwidth(),
        out_bits=result.bitwidth(),
        signed=source.signed(),
        steps=op.get_nodeattr("numSteps") if "numSteps" in has else 0,
        conv=conv,
        mw=op.get_nodeattr("MW") if "MW" in has else 0,
        weight_bits=op.get_input_datatype(1).bitwidth() if is_layer else 0,
    )


def _said(op: Any, kind: str) -> str:
    if kind == "StreamingConcat":
        return f"{'+'.join(map(str, op.get_nodeattr('ChannelsPerStream')))} channels"
    if kind == "Pool":
        size = "x".join(map(str, op.get_nodeattr("KernelSize")))
        return f"{op.get_nodeattr('Function')} of {size}"
    if kind.startswith(("MVAU", "VVAU")):
        sizes = ("MH", "MW") if kind.startswith("MVAU") else ("Channels",)
        shape = "x".join(str(op.get_nodeattr(size)) for size in sizes)
        return f"{shape}, {op.get_nodeattr('weightDataType')}"
    return "x".join(map(str, op.get_normal_output_shape()[1:]))


def _folds(model: ModelWrapper, node: Any, widest: int) -> Iterator[Fold]:
    """Foldings in any order, by trying them on the node."""
    op = getCustomOp(node)
    parts = _parts(model, node)
    with _restored(parts):
        for fold in _candidates(op, widest):
            set_fold(model, node, fold)
            cycles = _cycles(model, parts)
            yield Fold(cycles, fold.pe, fold.simd, fold.parallel)
            if serial_style(model, node) != "none":
                yield Fold(serial_cycles(node), fold.pe, serial=True)
    yield from _side_by_side(model, node)


def _side_by_side(model: ModelWrapper, node: Any) -> Iterator[Fold]:
    """Foldings of several pixels a cycle, where a node can do that."""
    if is_type(node, "Pool") or is_padding(node):
        yield from _with_pool(model, node)
        return
    if not node.op_type.startswith(("Thresholding", "DuplicateStreams", *ADDS)):
        return
    *vectors, channels = map(int, getCustomOp(node).get_normal_output_shape())
    for pixels in SIDE_BY_SIDE[1:]:
        if divides(pixels, math.prod(vectors)):
            yield Fold(math.prod(vectors) // pixels, pixels * channels, pixels=pixels)


def _with_pool(model: ModelWrapper, node: Any) -> Iterator[Fold]:
    """Foldings of several pixels of a pool; its padding takes them when the pool does."""
    padding, pool = (None, node) if is_type(node, "Pool") else (node, _pool_behind(model, node))
    generator = _windows(model, pool) if pool is not None else None
    if generator is None:
        return
    for fold in pool_words(window_of(model, generator)):
        elements = fold.pixels * getCustomOp(generator).get_nodeattr("IFMChannels")
        yield fold if padding is None else replace(fold, pe=elements)


def _pool_behind(model: ModelWrapper, padding: Any) -> Any:
    """The pool that a padding is for, None where it is for another node."""
    generator = model.find_consumer(padding.output[0])
    if not is_type(generator, "ConvolutionInputGenerator"):
        return None
    pool = model.find_consumer(generator.output[0])
    return pool if is_type(pool, "Pool") else None


def _candidates(op: Any, widest: int) -> Iterator[Fold]:
    kind = op.onnx_node.op_type
    if kind.startswith("MVAU"):
        mw, mh, bits = op.get_nodeattr("MW"), op.get_nodeattr("MH"), op.get_input_datatype(1)
        # See AvoidFullSIMD: with all columns at once, FINN's unit loses results.
        simds = [d for d in divisors(mw) if d == 1 or (d < mw and d * bits.bitwidth() <= widest)]
        yield from (Fold(0, pe, simd) for pe in divisors(mh) for simd in simds)
        return
    attribute, elements = _parallelism(op)
    for pe in divisors(elements) if attribute is not None else (1,):
        yield Fold(0, pe)
    if kind == "ConvolutionInputGenerator_rtl" and not op.get_nodeattr("depthwise"):
        yield Fold(0, elements, parallel=True)


def _parallelism(op: Any) -> tuple[str | None, int]:
    """FINN's attribute for elements a cycle, and how many elements there are."""
    if isinstance(op, StreamingRTL):
        return op.parallelism, op.parallel_elements()
    known = op.get_nodeattr_types()
    attribute = next((name for name in ("PE", "SIMD") if name in known), None)
    whole = next((name for name in ("NumChannels", "IFMChannels") if name in known), None)
    if attribute is None or whole is None:
        return attribute, int(op.get_normal_output_shape()[-1])
    return attribute, op.get_nodeattr(whole)


def _least(folds: Iterable[Fold]) -> Iterator[Fold]:
    """Foldings by what they take; none that is no faster than one that takes less."""
    fastest = None
    # One pixel a cycle first: words of several cost more, and not every design has them.
    for fold in sorted(
        folds, key=lambda f: (f.pixels, f.pe * f.simd, f.parallel, not f.serial, f.cycles, -f.simd)
    ):
        if fastest is None or fold.cycles < fastest:
            fastest = fold.cycles
            yield fold


def _paired(model: ModelWrapper) -> Iterator[str]:
    """Names of window generators, and of padding, that have the parallelism of the node behind."""
    for node in model.graph.node:
        if not node.op_type.startswith("VVAU"):
            yield from (part.name for part in _parts(model, node)[1:])
        elif is_type(before := model.find_producer(node.input[0]), "ConvolutionInputGenerator"):
            yield before.name


def _parts(model: ModelWrapper, node: Any) -> list[Any]:
    """A node, the generator of its windows where it is a pool, and the padding of windows."""
    windows = _windows(model, node)
    if windows is None:
        return [node]
    padding = padding_of(model, windows)
    return [node, *(part for part in (windows, padding) if part not in (node, None))]


def _cycles(model: ModelWrapper, parts: list[Any]) -> int:
    """Cycles a frame of the slowest part; our generator of windows pads them as well."""
    generator = _windows(model, parts[0])
    windows = None if generator is None else own_windows(model, generator)
    if windows is None:
        return max(node_cycles(getCustomOp(part)) for part in parts)
    channels, simd = map(getCustomOp(generator).get_nodeattr, ("IFMChannels", "SIMD"))
    own = windows.cycles(channels // simd)
    pool = node_cycles(getCustomOp(parts[0])) if is_type(parts[0], "Pool") else 0
    return int(max(own, pool))


def _windows(model: ModelWrapper, node: Any) -> Any:
    """The generator of windows that a node is, or that a pool has; None for other nodes."""
    part = model.find_producer(node.input[0]) if is_type(node, "Pool") else node
    return part if is_type(part, "ConvolutionInputGenerator") else None


@contextmanager
def _restored(nodes: Iterable[Any]) -> Iterator[None]:
    """Give nodes their attributes back."""
    kept = [(node, copy.deepcopy(list(node.attribute))) for node in nodes]
    try:
        yield
    finally:
        for node, attributes in kept:
            del node.attribute[:]
            node.attribute.extend(attributes)
