"""Operations that move axes, and those that make others of them."""

import math

from msq_finn.training.coupling.calls import Call, Result, SizeOf, Value, all_from_end, from_end
from msq_finn.training.coupling.channels import ChannelAxis


def permute(call: Call) -> Value:
    """Put axes in another order."""
    if (followed := call.followed()) is None:
        return call.lost()
    rows = followed[1]
    order = call.numbers(1, "dims")
    old = all_from_end(order, len(order))
    if old is None or rows.axis not in old:
        return call.lost()
    return Value(rows._replace(axis=old.index(rows.axis) - len(order)), len(order))


def transpose(call: Call) -> Value:
    """Swap two axes."""
    if (followed := call.followed()) is None:
        return call.lost()
    value, rows = followed
    pair = all_from_end(
        [call.get(1, "dim0", "axis0"), call.get(2, "dim1", "axis1")],
        value.ndim,
    )
    return call.lost() if pair is None else _swapped(value, rows, pair)


def transpose_matrix(call: Call) -> Value:
    """Swap the last two axes."""
    if (followed := call.followed()) is None:
        return call.lost()
    value, rows = followed
    if call.name in ("T", "H", "t") and value.ndim != 2:
        return call.lost()
    return _swapped(value, rows, [-1, -2])


def _swapped(value: Value, rows: ChannelAxis, pair: list[int]) -> Value:
    one, other = pair
    return Value(rows._replace(axis={one: other, other: one}.get(rows.axis, rows.axis)), value.ndim)


def unsqueeze(call: Call) -> Value:
    """Insert an axis."""
    if (followed := call.followed()) is None:
        return call.lost()
    value, rows = followed
    ndim = None if value.ndim is None else value.ndim + 1
    dim = from_end(call.get(1, "dim"), ndim)
    if dim is None:
        return call.lost()
    return Value(rows._replace(axis=rows.axis - (rows.axis <= dim)), ndim)


def squeeze(call: Call) -> Value:
    """Remove axes of size 1."""
    if (followed := call.followed()) is None:
        return call.lost()
    value, rows = followed
    if value.shape is not None and call.shape is not None:
        return _reshaped(call, rows, value.shape, call.shape)
    dims = all_from_end(call.get(1, "dim"), value.ndim)
    if dims is None or rows.axis in dims:
        return call.lost()
    ndim = None if value.ndim is None else value.ndim - len(dims)
    return Value(rows._replace(axis=rows.axis + sum(dim > rows.axis for dim in dims)), ndim)


def flatten(call: Call) -> Value:
    """Make one of neighbouring axes."""
    if (followed := call.followed()) is None:
        return call.lost()
    value, rows = followed
    if value.shape is not None and call.shape is not None:
        return _reshaped(call, rows, value.shape, call.shape)
    start = call.get(1, "start_dim", default=0)
    return _flattened(call, value, rows, start, call.get(2, "end_dim", default=-1))


def _flattened(call: Call, value: Value, rows: ChannelAxis, start: int, end: int) -> Value:
    low, high = from_end(start, value.ndim), from_end(end, value.ndim)
    if low is None and rows.axis == high == -1 and not rows.spread:
        return Value(rows._replace(spread="outer"))  # wherever the first is, it is not behind
    if low is None or high is None:
        return call.lost()
    ndim = None if value.ndim is None else value.ndim - (high - low)
    if rows.axis < low:
        return Value(rows._replace(axis=rows.axis + high - low), ndim)
    if rows.axis > high or low == high:
        return Value(rows, ndim)
    if rows.spread or low < rows.axis < high:
        return call.lost()
    return Value(ChannelAxis(high, rows.parts, "inner" if rows.axis == low else "outer"), ndim)


def unflatten(call: Call) -> Value:
    """Make several of an axis."""
    if (followed := call.followed()) is None:
        return call.lost()
    value, rows = followed
    if value.shape is not None and call.shape is not None:
        return _reshaped(call, rows, value.shape, call.shape)
    dim, sizes = from_end(call.get(1, "dim"), value.ndim), call.get(2, "sizes", "unflattened_size")
    if dim is None or dim == rows.axis or not isinstance(sizes, list | tuple):
        return call.lost()
    more = len(sizes) - 1
    ndim = None if value.ndim is None else value.ndim + more
    return Value(rows._replace(axis=rows.axis - more * (dim > rows.axis)), ndim)


def reshape(call: Call) -> Value:
    """Lay the entries out in another shape."""
    if (followed := call.followed()) is None:
        return call.lost()
    value, rows = followed
    if value.shape is not None and call.shape is not None:
        return _reshaped(call, rows, value.shape, call.shape)
    sizes = call.numbers(1, "shape", "size")
    if len(sizes) == 2 and sizes[1] == -1:
        return _flattened(call, value, rows, 1, -1)
    places = [i for i, size in enumerate(sizes) if isinstance(size, int) and size == rows.total]
    if len(places) != 1 or rows.spread:
        return call.lost()
    return Value(rows._replace(axis=places[0] - len(sizes)), len(sizes))


def _reshaped(call: Call, rows: ChannelAxis, old: tuple[int, ...], new: tuple[int, ...]) -> Value:
    """Find the axis by how many entries lie before it and along it."""
    at = len(old) + rows.axis
    before, size = math.prod(old[:at]), old[at]
    if 0 in old or size == 1:
        return call.lost()
    for i, entries in enumerate(new):
        ahead, axis = math.prod(new[:i]), i - len(new)
        if (ahead, entries) == (before, size):
            return Value(rows._replace(axis=axis), len(new))
        if rows.spread or entries <= size or entries % size:
            continue
        if ahead == before:
            return Value(ChannelAxis(axis, rows.parts, "inner"), len(new))
        if ahead * entries == before * size:
            return Value(ChannelAxis(axis, rows.parts, "outer"), len(new))
    return call.lost()


def unmoved(call: Call) -> Value:
    """Move entries along axes other than the channels'."""
    if (followed := call.followed()) is None:
        return call.lost()
    value, rows = followed
    dims = all_from_end(call.get(2 if call.name == "roll" else 1, "dims"), value.ndim)
    if dims is None or rows.axis in dims:
        return call.lost()
    return Value(rows, value.ndim)


def size(call: Call) -> Result:
    """Read the shape, or one number of it."""
    value = next(iter(call.values), Value())
    dim = call.get(1, "dim")
    return SizeOf(value) if dim is None else one_size(value, dim)


def one_size(value: Value, dim: object) -> Value | int:
    """Return how many channels there are, where that is what is asked for.

    Args:
        value: of a tensor.
    """
    rows = value.channels
    if isinstance(rows, ChannelAxis) and from_end(dim, value.ndim) == rows.axis and not rows.spread:
        return rows.total or Value()
    return Value()
