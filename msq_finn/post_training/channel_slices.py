"""Slices of channels, as calls of ``split``, ``chunk`` and brackets write them."""

from __future__ import annotations

from torch import fx

from msq_finn.post_training.hardware_forms import NoHardware
from msq_finn.post_training.layout_modules import Channels
from msq_finn.post_training.operations import index_of

#: Functions and methods that cut a tensor into several.
SPLITS = {"chunk", "split", "split_with_sizes", "tensor_split"}


def check_split(node: fx.Node) -> None:
    """Refuse cuts along another axis than that of the channels.

    Args:
        node: a call of `SPLITS`, with the shapes of what it makes among its ``meta``.

    Raises:
        NoHardware: it cuts pixels, or images.
    """
    shape = _source(node).meta["shape"]
    parts = [tuple(part.shape) for part in node.meta["tensor_meta"]]
    if any(part[:1] + part[2:] != shape[:1] + shape[2:] for part in parts):
        raise NoHardware("splits along another axis than that of the channels, axis 1")


def sliced(node: fx.Node) -> tuple[fx.Node, Channels] | None:
    """Return what brackets read, and which of its channels; None where it is no slice of channels.

    Args:
        node: a call of ``getitem``.

    Raises:
        NoHardware: a step other than 1.
    """
    read, index = node.args[0], index_of(node)
    if not isinstance(read, fx.Node):
        return None
    if isinstance(index, int):
        if not read.meta.get("several"):
            return None
        widths = [part.shape[1] for part in read.meta["tensor_meta"]]
        start = sum(widths[:index])
        return _source(read), Channels(start, start + widths[index])
    shape = read.meta.get("shape")
    axes = index if isinstance(index, tuple) else (index,)
    if shape and Ellipsis in axes:
        place = axes.index(Ellipsis)
        others = (slice(None),) * (len(shape) + 1 - len(axes))
        axes = (*axes[:place], *others, *axes[place + 1 :])
    if not shape or len(axes) < 2 or not all(isinstance(axis, slice) for axis in axes):
        return None
    if any(axis != slice(None) for i, axis in enumerate(axes) if i != 1):
        return None
    start, stop, step = axes[1].indices(shape[1])
    if step != 1 or stop <= start:
        raise NoHardware(f"takes channels {start} to {stop} in steps of {step}; hardware has 1")
    return read, Channels(start, stop)


def _source(split: fx.Node) -> fx.Node:
    return next(node for node in split.all_input_nodes if node.meta.get("shape"))
