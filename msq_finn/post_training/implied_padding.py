"""Padding that other operations bring about: windows over the edge, and ends that are cut off."""

from __future__ import annotations

import operator
from collections import Counter
from typing import Any

from torch import fx, nn

from msq_finn.post_training.function_modules import module_of
from msq_finn.post_training.hardware_forms import NoHardware
from msq_finn.post_training.operations import index_of, name_of, put, put_before, readers

#: What no value below 0 leaves, and what such values go through.
_NOT_NEGATIVE = ("relu", "ReLU", "relu6", "ReLU6", "sigmoid", "Sigmoid")
_THROUGH = ("max_pool1d", "max_pool2d", "MaxPool1d", "MaxPool2d", "dropout", "Dropout", "cat")

_ALL = slice(None)


def write_padding(module: fx.GraphModule) -> None:
    """Write as padding what comes to it.

    Args:
        module: a traced network with shapes; it is changed, and computes the same.
    """
    modules = dict(module.named_modules())
    calls = Counter(node.target for node in module.graph.nodes if node.op == "call_module")
    shared = {target for target, count in calls.items() if count > 1}
    for node in list(module.graph.nodes):
        if node.target not in shared:
            _pad_before_maxima(module, node, modules)
        if node.args and getattr(node.args[0], "target", "") not in shared:
            _pad_one_end(module, node, modules)


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
    if not over_the_edge or own.return_indices or not _is_not_negative(source, modules):
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


def _is_not_negative(node: fx.Node, modules: dict[str, nn.Module]) -> bool:
    name = name_of(node, modules)
    through = name in _THROUGH and all(_is_not_negative(n, modules) for n in node.all_input_nodes)
    return through or name in _NOT_NEGATIVE


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
