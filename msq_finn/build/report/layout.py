"""Where nodes stand in a network's drawing: rows in network order, branches side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple


class Place(NamedTuple):
    """A place in the drawing.

    Attributes:
        row: from the top; every node stands below all that feed it.
        column: from the left.
    """

    row: int
    column: int


class Layout(NamedTuple):
    """A drawing's grid.

    Attributes:
        places: of every node.
        lanes: column in which a stream runs that passes rows between its ends, by those two.
    """

    places: dict[str, Place]
    lanes: dict[tuple[str, str], int]

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns."""
        columns = [place.column for place in self.places.values()] + list(self.lanes.values())
        rows = [place.row for place in self.places.values()]
        return max(rows, default=-1) + 1, max(columns, default=-1) + 1


def lay_out(feeds: Mapping[str, Sequence[str]]) -> Layout:
    """Lay a network out.

    Args:
        feeds: names of every node's readers, in an order in which readers come after what they
            read.

    >>> lay_out({"fork": ["a", "sum"], "a": ["sum"], "sum": []}).places["sum"]
    Place(row=2, column=0)
    """
    sources: dict[str, list[str]] = {name: [] for name in feeds}
    for name, readers in feeds.items():
        for reader in readers:
            sources[reader].append(name)
    places: dict[str, Place] = {}
    taken: set[Place] = set()
    for name in feeds:
        before = [places[source] for source in sources[name]]
        row = max((place.row for place in before), default=-1) + 1
        column = min((place.column for place in before), default=0)
        while Place(row, column) in taken:
            column += 1
        places[name] = Place(row, column)
        taken.add(places[name])
    lanes = {}
    for name, readers in feeds.items():
        for reader in readers:
            between = range(places[name].row + 1, places[reader].row)
            if not between:
                continue
            column = places[name].column
            while any(Place(row, column) in taken for row in between):
                column += 1
            lanes[name, reader] = column
            taken.update(Place(row, column) for row in between)
    return Layout(places, lanes)
