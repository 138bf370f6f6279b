"""What a deployment package must not take to the board."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence
from pathlib import Path

from msq_finn.build.rehearsal.findings import Finding

#: Host names that say nothing.
_PLAIN = {"localhost", ""}


def traces(package: Path, places: Sequence[Path]) -> Iterator[Finding]:
    """Find paths and the name of this machine in a package.

    Args:
        package: its folder.
        places: folders of this machine that files could name.
    """
    named = [place for place in places if place != Path(place.anchor)]
    names = [str(place) for place in named] + [n for n in (socket.gethostname(),) if len(n) > 5]
    marks = [name.encode() for name in names if name not in _PLAIN]
    for path in sorted(package.rglob("*")):
        if not path.is_file():
            continue
        content = path.read_bytes()
        for mark in marks:
            if mark in content:
                name = path.relative_to(package)
                yield Finding("travel", f"deploy/{name} names {mark.decode()} of this machine")
