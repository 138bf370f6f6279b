"""Ways to write what hardware has as something else, each brought into the form that it has."""

from __future__ import annotations

import operator
from collections import Counter
from typing import Any, NamedTuple

from torch import fx, nn

from msq_finn.post_training.function_modules import module_of
from msq_finn.post_training.hardware_forms import NoHardware
from msq_finn.post_training.operations import (
    index_of,
    name_of,
    put,
    put_before,
    put_chain,
    readers,
)

#: What no value below 0 leaves, and what such values go through.
_NOT_NEGATIVE = ("relu", "ReLU", "relu6", "ReLU6", "sigmoid", "Sigmoid")
_THROUGH = ("max_pool1d", "max_pool2d", "MaxPool1d", "MaxPool2d", "dropout", "Dropout", "cat")

_ALL = slice(None)


def rewrite_idioms(module: fx.GraphModule) -> None:
    """Rewrite what is another way to write an operation that hardware has.

    Args:
        module: a traced network with shapes; it is changed, and computes the same.
    """
    modules = dict(module.named_modules())
    calls = Counter(node.target for node in module.graph.nodes if node.op == "call_module")
    shared = {target for target, count in calls.items() if count > 1}
    for node in list(module.graph.nodes):
        _reduce_pixels(module, node)
        _take_the_pixel(module, node)
        if node.target not in shared:
            _pad_before_maxima(module, node, modules)
        if node.args and getattr(node.args[0], "target", "") not in shared:
            _pad_one_end(module, node, modules)


class _Reduction(NamedTuple):
    """An average or a maximum over axes."""

    kind: str
    source: fx.Node
    axes: list[int]
    keeps: bool


def _reduce_pixels(module: fx.GraphModule, node: fx.Node) -> None:
    """Write averages and maxima of maps, axis by axis or of flat pixels too, as one pool each."""
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


def _pad_before_maxima(
    module: fx.GraphModule, node: fx.Node, modules: dict[str, nn.Module]
) -> None:
    """Write windows of maxima over the edge of a map (``ceil_mode``) as padding in front of them.

    Zeros change no maximum of values that are not negative.
    """
    try:
        own = modules[str(node.target)] if node.op == "call_module" else _called(node)
    except NoHardware:
        return  # said later
    if not isinstance(own, nn.MaxPool1d | nn.MaxPool2d) or not own.ceil_mode:
        return
    (source,) = node.all_input_nodes
    shape, after = source.meta["shape"], node.meta["shape"]
    if not shape or not after or len(shape) != (3 if isinstance(own, nn.MaxPool1d) else 4):
        return
    pads = _zeros_of(own, shape[2:], after[2:])
    over_the_edge = any(last > first for first, last in pads)
    if not over_the_edge or own.return_indices or not _is_not_negative(source):
        return
    own.padding, own.ceil_mode = tuple(0 for _ in pads), False
    flat = [zeros for pair in reversed(pads) for zeros in pair]
    padded = tuple(size + sum(pair) for size, pair in zip(shape[2:], pads, strict=True))
    padding = nn.ConstantPad2d((*flat, 0, 0)[:4], 0.0)
    call = node if node.op == "call_module" else put(module, node, own, source)
    put_before(module, call, padding, (*shape[:2], *padded))


def _called(node: fx.Node) -> nn.Module | None:
    """The pool that a function or a method is."""
    name = name_of(node) if node.op in ("call_function", "call_method") else ""
    return module_of(node, name) if name.startswith("max_pool") else None


def _zeros_of(pool: Any, sizes: tuple[int, ...], after: tuple[int, ...]) -> list[tuple[int, int]]:
    """Zeros that windows reach before and behind a map, along each of its axes."""
    given = (pool.kernel_size, pool.stride, pool.padding)
    windows = (value if isinstance(value, tuple) else (value,) * len(sizes) for value in given)
    each = zip(sizes, after, *windows, strict=True)
    return [
        (zeros, max(zeros, (out - 1) * stride + window - size - zeros))
        for size, out, window, stride, zeros in each
    ]


def _is_not_negative(node: fx.Node) -> bool:
    name = type(_own(node)).__name__ if node.op == "call_module" else name_of(node)
    if name in _NOT_NEGATIVE:
        return True
    return name in _THROUGH and all(map(_is_not_negative, node.all_input_nodes))


def _own(node: fx.Node) -> nn.Module:
    return node.graph.owning_module.get_submodule(str(node.target))


def _pad_one_end(module: fx.GraphModule, node: fx.Node, modules: dict[str, nn.Module]) -> None:
    """Pad a convolution at one end where its other end is cut off behind it, as causal ones are."""
    if node.op != "call_function" or node.target is not operator.getitem:
        return
    conv, index = node.args[0], index_of(node)
    if not isinstance(conv, fx.Node) or conv.op != "call_module" or len(readers(conv)) > 1:
        return
    own, shape = modules[str(conv.target)], conv.meta["shape"]
    if not isinstance(own, nn.Conv1d) or own.padding_mode != "zeros" or own.stride != (1,):
        return
    cut = index[-1] if isinstance(index, tuple) and len(index) in (2, 3) else None
    if not isinstance(cut, slice) or index[:-1] not in ((_ALL, _ALL), (Ellipsis,)):
        return
    if isinstance(own.padding, str):
        return
    start, stop, step = cut.indices(shape[2])
    gone, zeros = shape[2] - stop, own.padding[0]
    if start != 0 or step != 1 or not 0 < gone <= zeros:
        return
    batch, channels, length = conv.all_input_nodes[0].meta["shape"]
    own.padding, conv.meta = (0,), {**node.meta}
    padding = nn.ConstantPad2d((zeros, zeros - gone, 0, 0), 0.0)
    put_before(module, conv, padding, (batch, channels, length + 2 * zeros - gone))
    node.replace_all_uses_with(conv)
