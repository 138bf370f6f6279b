"""Operations that put values together along an axis, and take them apart."""

from dataclasses import replace
from typing import Any

from msq_finn.training.coupling.axes import one_size
from msq_finn.training.coupling.calls import (
    Call,
    Each,
    Result,
    SizeOf,
    Value,
    all_from_end,
    are_numbers,
    from_end,
)
from msq_finn.training.coupling.channels import ChannelAxis, Lost, Span, part_of

MANY = 99
"""More axes than any tensor has: for indices from the end where the number is not known."""


def elementwise(call: Call) -> Value:
    """Combine all operands element by element: what they have meets."""
    values = call.values
    channels = call.couplings.meet(call.name, [v.channels for v in values])
    # Constants broadcast to what they are combined with.
    ndims = [v.ndim for v in values if v.ndim is not None or v.channels is not None]
    known = [ndim for ndim in ndims if ndim is not None]
    return Value(channels, max(known) if known and len(known) == len(ndims) else None)


def reduction(call: Call) -> Value | Each:
    """Sum, average or the like along axes; or of two operands, element by element."""
    if len(call.values) > 1:
        return elementwise(call)
    value = next(iter(call.values), Value())
    given = call.get(1, "dim", "axis")
    if value.stacked and given in (value.stacked[0], [value.stacked[0]], (value.stacked[0],)):
        return elementwise(replace(call, args=value.stacked[1], kwargs={}))
    if given is None or given in ([], ()):
        return Value()
    if (followed := call.followed()) is None:
        return call.lost()
    rows = followed[1]
    dims = all_from_end(given, value.ndim)
    if dims is None:
        return call.lost()
    if rows.axis in dims:
        return Value()
    gone = [] if call.get(2, "keepdim", "keepdims", default=False) else dims
    ndim = None if value.ndim is None else value.ndim - len(gone)
    axis = rows.axis + sum(dim > rows.axis for dim in gone)
    found = Value(rows._replace(axis=axis), ndim)
    return Each(found) if call.name in ("max", "min", "median", "mode") else found


def split(call: Call) -> Result:
    """Cut a value into a tuple of values."""
    followed = call.followed()
    if followed is None:
        return Each(call.lost())
    value, rows = followed
    axis = from_end(call.get(2, "dim", default=0), value.ndim)
    how, total = (
        call.get(1, "split_size_or_sections", "split_size", "chunks", "sections"),
        rows.total,
    )
    if axis is not None and axis != rows.axis:
        return Each(Value(rows, value.ndim))
    if axis is None or rows.spread or total is None or not are_numbers(how):
        return Each(call.lost())
    if isinstance(how, int):
        each = how if call.name == "split" else -(-total // how)
        how = [min(each, total - start) for start in range(0, total, each)]
    elif call.name == "tensor_split":
        return Each(call.lost())
    starts = [sum(how[:i]) for i in range(len(how))]
    cut = [part_of(rows.parts, start, start + n) for start, n in zip(starts, how, strict=True)]
    return tuple(Value(ChannelAxis(rows.axis, parts or ()), value.ndim) for parts in cut)


def narrow(call: Call) -> Value:
    """Take neighbouring entries along an axis."""
    if (followed := call.followed()) is None:
        return call.lost()
    value, rows = followed
    axis = from_end(call.get(1, "dim"), value.ndim)
    start, length = call.get(2, "start"), call.get(3, "length")
    if axis is not None and axis != rows.axis:
        return Value(rows, value.ndim)
    if axis is None or rows.spread or not are_numbers([start, length]) or start < 0:
        return call.lost()
    parts = part_of(rows.parts, start, start + length)
    return Value(ChannelAxis(axis, parts), value.ndim) if parts else call.lost()


def unbind(call: Call) -> Result:
    """Take the slices along an axis."""
    value = next(iter(call.values), Value())
    dim = call.get(1, "dim", default=0)
    if value.stacked and value.stacked[0] == dim:
        return value.stacked[1]
    followed, axis = call.followed(), from_end(dim, value.ndim)
    if followed is None or axis is None or axis == followed[1].axis:
        return Each(call.lost())
    rows = followed[1]
    ndim = None if value.ndim is None else value.ndim - 1
    return Each(Value(rows._replace(axis=rows.axis + (axis > rows.axis)), ndim))


def concatenate(call: Call) -> Value:
    """Lay channels side by side, or values along another axis, where their channels meet."""
    given = call.get(0, "tensors", "tensor_list", default=())
    several = [given.value] if isinstance(given, Each) else given
    items = [v for v in several if isinstance(v, Value)]
    found = [v.channels for v in items if isinstance(v.channels, ChannelAxis)]
    if not found or any(isinstance(v.channels, Lost) for v in items):
        return call.lost()
    ndim = next((v.ndim for v in items if v.ndim is not None), None)
    # Brevitas's layer for it takes axis 1 by default, torch axis 0.
    dim = from_end(call.get(1, "dim", "axis", default=int(call.name == "QuantCat")), ndim)
    axis, spread = found[0].axis, found[0].spread
    if dim is None or any((rows.axis, rows.spread) != (axis, spread) for rows in found):
        return call.lost()
    if dim != axis:
        return replace(elementwise(replace(call, args=items, kwargs={})), ndim=ndim)
    if spread or isinstance(given, Each):
        return call.lost()
    parts: list[Span] = []
    for v in items:
        if isinstance(v.channels, ChannelAxis):
            parts += v.channels.parts
        else:
            parts.append(Span((), 0, v.shape[axis] if v.shape else None))
    return Value(ChannelAxis(axis, tuple(parts)), ndim)


def stack(call: Call) -> Value:
    """Lay values along a new axis, along which they may be summed."""
    given = call.get(0, "tensors", default=())
    if isinstance(given, Each):
        return call.lost()
    items = tuple(v for v in given if isinstance(v, Value))
    return replace(call.lost(), stacked=(call.get(1, "dim", default=0), items))


def pad(call: Call) -> Value:
    """Put entries around; new channels are nobody's."""
    sizes = call.get(1, "pad", default=())
    if (followed := call.followed()) is None or not isinstance(sizes, list | tuple):
        return call.lost()
    value, rows = followed
    place = 2 * (-rows.axis - 1)
    around = sizes[place : place + 2]
    if not any(around):
        return Value(rows, value.ndim)
    if rows.spread or not all(isinstance(n, int) and n >= 0 for n in around):
        return call.lost()
    before, behind = ((Span((), 0, n),) if n else () for n in around)
    return Value(ChannelAxis(rows.axis, (*before, *rows.parts, *behind)), value.ndim)


def repeat(call: Call) -> Value:
    """Lay copies side by side along axes."""
    times = call.numbers(1, "repeats", "dims")
    if (followed := call.followed()) is None or not are_numbers(times):
        return call.lost()
    value, rows = followed
    copies = times[rows.axis] if -rows.axis <= len(times) else 1
    if copies > 1 and rows.spread:
        return call.lost()
    ndim = None if value.ndim is None else max(value.ndim, len(times))
    return Value(rows._replace(parts=rows.parts * copies), ndim)


def item(call: Call) -> Result:
    """Index a tuple, a shape, or a tensor."""
    of, index = call.args
    if isinstance(of, SizeOf):
        return one_size(of.value, index)
    if isinstance(of, Each):
        return of.value
    if isinstance(of, list | tuple):
        chosen: Any = of[index] if isinstance(index, int | slice) else call.lost()
        return chosen if isinstance(chosen, Value | Each | tuple) else Value()
    followed = call.followed()
    entries = index if isinstance(index, tuple) else (index,)
    if followed is None or not all(i is None or i is ... or _is_plain(i) for i in entries):
        return call.lost()
    return _indexed(call, *followed, entries)


def _is_plain(entry: Any) -> bool:
    if isinstance(entry, slice):
        return all(n is None or isinstance(n, int) for n in (entry.start, entry.stop, entry.step))
    return isinstance(entry, int) and not isinstance(entry, bool)


def _indexed(call: Call, value: Value, rows: ChannelAxis, index: tuple[Any, ...]) -> Value:
    """Follow the channels' axis through an index of numbers, slices, None and an ellipsis."""
    if ... not in index:
        index = (*index, ...)
    at = index.index(...)
    front, back = index[:at], index[at + 1 :]
    if value.ndim is None:
        # From the front, only what leaves every axis alone says nothing of the channels'.
        named = [i for i, entry in enumerate(front) if entry is not None]
        if any(front[i] != slice(None) for i in named) or (named and None in front[named[0] :]):
            return call.lost()
        front = tuple(entry for entry in front if entry is None)
    ndim = MANY if value.ndim is None else value.ndim
    taken = sum(entry is not None for entry in (*front, *back))
    entries = (*front, *[slice(None)] * (ndim - taken), *back)
    own: Any = None
    old, kept = 0, []  # which axis of the operand each of the result is; -1 for new ones
    for entry in entries:
        if entry is None:
            kept.append(-1)
            continue
        if old == ndim + rows.axis:
            own = entry
        if isinstance(entry, slice):
            kept.append(old)
        old += 1
    if not isinstance(own, slice):
        return call.lost()
    axis = kept.index(ndim + rows.axis) - len(kept)
    left = None if value.ndim is None else len(kept)
    if own == slice(None):
        return Value(rows._replace(axis=axis), left)
    if rows.spread or rows.total is None:
        return call.lost()
    start, stop, step = own.indices(rows.total)
    parts = part_of(rows.parts, start, stop)
    return Value(ChannelAxis(axis, parts), left) if parts and step == 1 else call.lost()
