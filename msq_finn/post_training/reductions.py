"""Averages and maxima of whole maps, however they are written, as one pool each."""

from __future__ import annotations

import operator
from typing import NamedTuple

from torch import fx, nn

from msq_finn.post_training.operations import index_of, name_of, put_chain

_ALL = slice(None)


def pool_reductions(module: fx.GraphModule) -> None:
    """Put pools in the place of averages and maxima of maps, whose one pixel is flattened.

    Args:
        module: a traced network with shapes; it is changed, and computes the same.
    """
    for node in list(module.graph.nodes):
        _pool(module, node)
        _take_the_pixel(module, node)


class _Reduction(NamedTuple):
    """An average or a maximum over axes."""

    kind: str
    source: fx.Node
    axes: list[int]
    keeps: bool


def _pool(module: fx.GraphModule, node: fx.Node) -> None:
    """Write an average or a maximum of a map as a pool, axis by axis or of flat pixels too."""
    found = _reduction(node)
    if found is None:
        return
    axes, source = found.axes, found.source
    inner, shape = _reduction(source), source.meta["shape"]
    before = source.all_input_nodes[0] if source.all_input_nodes else source
    under: tuple[int, ...] = before.meta.get("shape") or ()
    if inner is not None and inner.kind == found.kind:
        of, taken = range(len(inner.source.meta["shape"])), () if inner.keeps else inner.axes
        left = [axis for axis in of if axis not in taken]
        axes = sorted({*inner.axes, *(left[axis] for axis in axes)})
        source = inner.source
    elif axes == [2] and len(under) == 4 and shape == (*under[:2], under[2] * under[3]):
        if name_of(source) not in ("view", "reshape", "flatten"):
            return
        axes, source = [2, 3], before
    shape = source.meta["shape"]
    if axes != list(range(2, len(shape))) or len(shape) not in (3, 4):
        return
    signals = len(shape) == 3
    if found.kind == "mean":
        pool: nn.Module = nn.AdaptiveAvgPool1d(1) if signals else nn.AdaptiveAvgPool2d(1)
    else:
        pool = nn.AdaptiveMaxPool1d(1) if signals else nn.AdaptiveMaxPool2d(1)
    pooled = (*shape[:2], *(1 for _ in axes))
    flat = {nn.Flatten(): shape[:2]} if node.meta["shape"] == shape[:2] else {}
    if flat or node.meta["shape"] == pooled:
        put_chain(module, node, {pool: pooled, **flat}, source)


def _reduction(node: fx.Node) -> _Reduction | None:
    """The average or maximum over given axes that a node is; None for others."""
    call, name = node, name_of(node) if node.op in ("call_function", "call_method") else ""
    # Of the values and indices that ``max`` returns, the values.
    first = name == "getitem" and node.args[1] == 0
    if first or (name == "getattr" and node.args[1] == "values"):
        call = node.args[0]
        name = name_of(call) if isinstance(call, fx.Node) else ""
        if name != "max":
            return None
    elif name == "max":
        return None
    if name not in ("mean", "amax", "max") or not node.meta.get("shape"):
        return None
    given = call.kwargs.get("dim", call.args[1] if len(call.args) > 1 else None)
    source = call.args[0] if call.args else call.kwargs.get("input")
    given = [given] if isinstance(given, int) else given
    shape = source.meta.get("shape") if isinstance(source, fx.Node) else None
    if not shape or not isinstance(given, list | tuple):
        return None
    if not all(isinstance(axis, int) for axis in given):
        return None
    keeps = bool(call.kwargs.get("keepdim", call.args[2] if len(call.args) > 2 else False))
    axes = sorted(axis % len(shape) for axis in given)
    return _Reduction("mean" if name == "mean" else "max", source, axes, keeps)


def _take_the_pixel(module: fx.GraphModule, node: fx.Node) -> None:
    """Write ``x[:, :, 0, 0]`` of a map of one pixel as flattening."""
    if node.op != "call_function" or node.target is not operator.getitem:
        return
    source, index = node.args[0], index_of(node)
    shape = source.meta.get("shape") if isinstance(source, fx.Node) else None
    if not shape or not isinstance(index, tuple) or set(shape[2:]) != {1}:
        return
    if Ellipsis in index:
        place = index.index(Ellipsis)
        index = (*index[:place], *(_ALL,) * (len(shape) + 1 - len(index)), *index[place + 1 :])
    if index[:2] == (_ALL, _ALL) and len(index) == len(shape) and set(index[2:]) <= {0, -1}:
        put_chain(module, node, {nn.Flatten(): shape[:2]}, source)
