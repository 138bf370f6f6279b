"""What a layer's rows ask of its lanes: how many rows each set of schemes has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, combinations

from msq_finn.lanes.counts import LaneCounts
from msq_finn.lanes.divisors import folds
from msq_finn.lanes.kind import LaneKind
from msq_finn.lanes.table import get

#: The paper's pair of schemes: what rows may be where nothing says otherwise.
PAIR = ("sp2_4", "fixed_4")

#: Schemes that hold a row, most wanted first.
Schemes = tuple[str, ...]


class Demand(Mapping[Schemes, int]):
    """Rows by the schemes that hold them; immutable.

    Args:
        rows: by schemes, such as {("sp2_4",): 3, ("sp2_4", "fixed_4"): 13}.

    >>> demand = Demand.of([("sp2_4",), ("sp2_4", "fixed_4"), ("sp2_4",)])
    >>> dict(demand), demand.rows
    ({('sp2_4',): 2, ('sp2_4', 'fixed_4'): 1}, 3)
    """

    def __init__(self, rows: Mapping[Schemes, int]) -> None:
        self._rows = {names: count for names, count in sorted(rows.items()) if count}
        self._hash = hash(tuple(self._rows.items()))

    @classmethod
    def of(cls, rows: Iterable[Schemes]) -> Demand:
        """Count rows.

        Args:
            rows: per row the schemes that hold it.
        """
        return cls(Counter(tuple(names) for names in rows))

    def __getitem__(self, names: Schemes) -> int:
        """Rows that exactly these schemes hold."""
        return self._rows[names]

    def __iter__(self) -> Iterator[Schemes]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return self._rows == other._rows if isinstance(other, Demand) else NotImplemented

    def __repr__(self) -> str:
        return f"Demand({self._rows})"

    @property
    def rows(self) -> int:
        """All rows."""
        return sum(self._rows.values())

    @property
    def schemes(self) -> Schemes:
        """All schemes, in the order in which they are named first."""
        return tuple(dict.fromkeys(chain.from_iterable(self._rows)))

    def only(self, scheme: str) -> int:
        """Count rows that no other scheme holds."""
        return self._rows.get((scheme,), 0)

    def limited(self, schemes: Iterable[str]) -> Demand:
        """Leave rows no schemes but these; rows that none of them holds get no scheme.

        Args:
            schemes: names.
        """
        allowed = set(schemes)
        left: Counter[Schemes] = Counter()
        for names, count in self._rows.items():
            left[tuple(name for name in names if name in allowed)] += count
        return Demand(left)

    def padded(self, rows: int) -> Demand:
        """Add rows of zeros, which all of the schemes hold.

        Args:
            rows: of zeros.

        >>> dict(Demand({("sp2_4",): 3, ("fixed_4",): 2}).padded(1))[("fixed_4", "sp2_4")]
        1
        """
        return Demand(Counter(self._rows) + Counter({self.schemes: rows}))

    def taken_by(self, kinds: Iterable[LaneKind]) -> int:
        """Count the rows that at least one of these kinds takes."""
        given = list(kinds)
        return sum(n for names, n in self._rows.items() if any(k.takes(names) for k in given))

    def misfit(self, lanes: LaneCounts) -> str:
        """Say what rows find no lane, or what lanes find no row; nothing if all do.

        Args:
            lanes: of each kind, of which the last have a row less where PE does not divide them.

        >>> Demand({("sp2_4",): 4}).misfit(LaneCounts({"fixed_4_dsp": 1}))
        'all 4 rows of sp2_4 find lanes for 0'
        """
        if self.fits(lanes):
            return ""
        depth, taken = folds(self.rows, lanes.pe), lanes.rows_taken(self.rows)
        for names, count in self._rows.items():
            room = sum(taken[n] for n in lanes if get(n).takes(names))
            if room < count:
                some = "all " if count == self.rows else ""
                return f"{some}{count} rows of {' or '.join(names)} find lanes for {room}"
        for name in lanes:
            if (rows := self.taken_by([get(name)])) < taken[name]:
                label = f"{lanes[name]} {get(name).label} lanes"
                return f"{rows} rows do not fill {label} of {depth} rows each"
        return f"rows {dict(self._rows)} do not fill the lanes {dict(lanes)}, {depth} rows each"

    def fits(self, lanes: LaneCounts) -> bool:
        """Tell whether the rows fill the lanes, each row on one that takes it.

        So they do if every choice of kinds finds rows enough for its lanes (Hall's theorem).

        Args:
            lanes: of each kind, of which the last have a row less where PE does not divide them.

        >>> Demand({("sp2_4",): 2, ("sp2_4", "fixed_4"): 2}).fits(LaneCounts({"fixed_4_dsp": 1}))
        False
        """
        taken = lanes.rows_taken(self.rows)
        choices = chain.from_iterable(combinations(lanes, n) for n in range(1, len(lanes) + 1))
        return all(
            self.taken_by(get(name) for name in chosen) >= sum(taken[n] for n in chosen)
            for chosen in choices
        )
