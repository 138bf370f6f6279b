"""Whose rows the channels of a value are, and what becomes coupled where values meet."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple


class Span(NamedTuple):
    """Channels side by side.

    Attributes:
        layers: whose rows they are: several where depthwise layers follow; none, nobody's.
        first: which row of these layers the first channel is.
        size: number of channels; None where it is not known.
    """

    layers: tuple[str, ...]
    first: int
    size: int | None


class ChannelAxis(NamedTuple):
    """Channels along an axis of a value.

    Attributes:
        axis: counted from the end, -1 the last, so that broadcasting leaves it.
        parts: what lies along it, in order.
        spread: "" where the axis has one entry a channel; "inner" where each channel became a run
            of entries, as flattening images does, and "outer" where all channels repeat, as
            flattening tokens does.
    """

    axis: int
    parts: tuple[Span, ...]
    spread: str = ""

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of all layers whose rows are among the channels."""
        return tuple(dict.fromkeys(name for part in self.parts for name in part.layers))

    @property
    def total(self) -> int | None:
        """Return the number of channels, None where it is not known."""
        sizes = [part.size for part in self.parts]
        return None if None in sizes else sum(size or 0 for size in sizes)


class Lost(NamedTuple):
    """Channels that can't be followed.

    Attributes:
        op: behind which operation.
        layers: whose rows may be in it.
    """

    op: str
    layers: tuple[str, ...]


Channels = ChannelAxis | Lost | None
"""Of a value; None where no layer's rows are among its channels."""


@dataclass
class Couplings:
    """Groups of layers that have to have the same rows, and what may be missing in them.

    Attributes:
        rows: number of rows of each layer that may be coupled, by name.
        doubts: by reason, the layers that may have to be coupled and were not.
    """

    rows: Mapping[str, int]
    doubts: dict[str, set[str]] = field(default_factory=dict)
    _group: dict[str, set[str]] = field(init=False)

    def __post_init__(self) -> None:
        """Begin with every layer alone."""
        self._group = {name: {name} for name in self.rows}

    def groups(self) -> list[list[str]]:
        """Return the groups of two or more layers, in the order of ``rows``."""
        found = {id(members): members for members in self._group.values() if len(members) > 1}
        order = list(self.rows)
        return [sorted(members, key=order.index) for members in found.values()]

    def described_doubts(self) -> list[str]:
        """Return the doubts as texts that name layers and reason."""
        order = list(self.rows)
        return [
            f"the rows of {', '.join(sorted(layers, key=order.index))} {why}"
            for why, layers in self.doubts.items()
        ]

    def meet(self, op: str, operands: Iterable[Channels]) -> Channels:
        """Couple the layers whose rows meet element by element; return what the result has.

        Args:
            op: name of the operation.
            operands: channels of its operands, which broadcast against each other.
        """
        # One channel stands beside all others alike, and has nothing to sort.
        known = [
            c
            for c in operands
            if c is not None and not (isinstance(c, ChannelAxis) and c.total == 1)
        ]
        if not known:
            return None
        result = known[0]
        for other in known[1:]:
            result = self._pair(op, result, other)
        return result

    def couple(self, layers: Iterable[str]) -> None:
        """Couple layers of which each row meets the others' rows of the same number.

        Args:
            layers: their names.
        """
        self._couple(tuple(layers), in_line=True)

    def _pair(self, op: str, a: ChannelAxis | Lost, b: ChannelAxis | Lost) -> ChannelAxis | Lost:
        layers = tuple(dict.fromkeys((*a.layers, *b.layers)))
        for lost in (a, b):
            if isinstance(lost, Lost):
                if len(layers) > 1:
                    self._doubt(
                        f"meet behind {lost.op}, through which they could not be followed", layers
                    )
                return Lost(lost.op, layers)
        assert isinstance(a, ChannelAxis) and isinstance(b, ChannelAxis)
        if a.axis != b.axis:
            return Lost(op, layers)  # an outer sum: every row meets every other
        alike = _aligned(a.parts, b.parts)
        same_spread = a.spread == b.spread
        # Entries that are as many as each of two layers has rows are one a row.
        whole = len(a.parts) == len(b.parts) == 1 and a.total == b.total
        if alike is None or not (same_spread or whole):
            if len(layers) > 1:
                self._doubt("meet, but not row by row", layers)
            return Lost(op, layers)
        for one, other in alike:
            self._couple((*one.layers, *other.layers), one.first == other.first)
        parts = tuple(one if one.layers else other for one, other in alike)
        return ChannelAxis(a.axis, parts, a.spread if same_spread else "")

    def _couple(self, layers: tuple[str, ...], in_line: bool) -> None:
        """Make one group of the layers' groups."""
        if len(set(layers)) < 2:
            return
        if not in_line or len({self.rows[name] for name in layers}) > 1:
            self._doubt("meet, but not row by row", layers)
            return
        joined = set().union(*(self._group[name] for name in layers))
        for name in joined:
            self._group[name] = joined

    def _doubt(self, why: str, layers: Iterable[str]) -> None:
        self.doubts.setdefault(why, set()).update(layers)


def _aligned(a: tuple[Span, ...], b: tuple[Span, ...]) -> list[tuple[Span, Span]] | None:
    """Return the parts beside each other, cut where either ends; None where they don't fit."""
    if [part.size for part in a] == [part.size for part in b]:
        return list(zip(a, b, strict=True))
    left, right = list(reversed(a)), list(reversed(b))
    pairs = []
    while left and right:
        one, other = left.pop(), right.pop()
        if one.size is None or other.size is None:
            return None
        size = min(one.size, other.size)
        pairs.append((one._replace(size=size), other._replace(size=size)))
        for part, rest in ((one, left), (other, right)):
            assert part.size is not None
            if part.size > size:
                rest.append(Span(part.layers, part.first + size, part.size - size))
    return None if left or right else pairs


def part_of(parts: Iterable[Span], start: int, stop: int) -> tuple[Span, ...] | None:
    """Return the channels from one to before another; None where sizes are not known.

    Args:
        start: the first.
        stop: behind the last.

    Examples:
        >>> part_of([Span(("a",), 0, 4), Span(("b",), 0, 4)], 2, 8)
        (Span(layers=('a',), first=2, size=2), Span(layers=('b',), first=0, size=4))
    """
    found, at = [], 0
    for part in parts:
        if part.size is None:
            return None
        low, high = max(start, at), min(stop, at + part.size)
        if low < high:
            found.append(Span(part.layers, part.first + low - at, high - low))
        at += part.size
    return tuple(found)
