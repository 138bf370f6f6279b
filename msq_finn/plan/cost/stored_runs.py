"""Synthesis runs kept as data: one JSON object a line, appended as runs finish.

A file for each family of FPGAs that Yosys maps to: they differ in DSP slices, carry chains and LUT
RAM.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from msq_finn.errors import MsqError
from msq_finn.lanes import sources
from msq_finn.plan.cost.point_kinds import (
    NODES,
    LookupTable,
    OwnNode,
    Point,
    SerialThresholds,
    Unit,
    WeightRom,
)
from msq_finn.synth.resources import Resources
from msq_finn.synth.yosys import family_of

#: Kind of DSP slice -> the part that nodes are synthesised for.
PARTS = {"DSP48E1": "xc7z020clg400-1", "DSP48E2": "xczu3eg-sbva484-1-e"}


@dataclass(frozen=True)
class Run:
    """A synthesised point.

    Attributes:
        point: what was synthesised.
        resources: what it took.
        sources: hash of this package's RTL that it was made from, empty for FINN's nodes.
    """

    point: Point
    resources: Resources
    sources: str

    def is_current(self) -> bool:
        """Whether the RTL is still the one that was measured."""
        return self.sources == sources_of(self.point)


def sources_of(point: Point) -> str:
    """Hash of the package's RTL behind a point."""
    if isinstance(point, Unit):
        files = sources(point.lanes.is_serial)
    elif isinstance(point, OwnNode | LookupTable | WeightRom):
        files = [point.source]
    elif isinstance(point, SerialThresholds):
        files = point.sources
    else:
        return ""
    digest = hashlib.sha256()
    for path in files:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def part_of(dsp_block: str) -> str:
    """The part whose runs stand for all FPGAs with a kind of DSP slice.

    Yosys does not map to Versal, for which UltraScale+ has to stand.

    Args:
        dsp_block: kind of DSP slice, such as "DSP48E1".

    >>> part_of("DSP48E1"), part_of("DSP58")
    ('xc7z020clg400-1', 'xczu3eg-sbva484-1-e')
    """
    return PARTS.get(dsp_block, PARTS["DSP48E2"])


def path_of(part: str) -> Path:
    """The runs of a part's family that come with the package.

    Args:
        part: FPGA part.

    Raises:
        MsqError: Yosys does not map to the part.

    >>> path_of("xczu3eg-sbva484-1-e").name
    'xcup.jsonl'
    """
    return Path(__file__).parent / "data" / f"{family_of(part)}.jsonl"


def load(path: Path) -> dict[str, Run]:
    """Read runs by their point's key; of several of one point, the last counts.

    A last line that was cut off by a kill is left out.

    Args:
        path: of the file.

    Raises:
        MsqError: a line in the middle is no run.
    """
    if not path.exists():
        return {}
    runs: dict[str, Run] = {}
    lines = path.read_text().splitlines(keepends=True)
    for number, line in enumerate(lines, 1):
        try:
            record = json.loads(line)
            point = NODES[record["node"]](**record["point"])
            run = Run(point, Resources(**record["resources"]), record["sources"])
        except (ValueError, KeyError, TypeError) as error:
            if number == len(lines) and not line.endswith("\n"):
                break
            raise MsqError(f"{path}:{number}: not a synthesis run; delete the line") from error
        runs[point.key] = run
    return runs


def check_writeable(path: Path) -> None:
    """Refuse to start on runs that could not be stored.

    Args:
        path: of the file.

    Raises:
        MsqError: its folder is read-only, as that of a package installed for all users is.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.open("ab").close()
    except OSError as error:
        raise MsqError(
            f"runs cannot be stored there ({error.strerror}); install msq_finn in an "
            "environment of your own",
            where=path,
        ) from error


def append(run: Run, path: Path) -> None:
    """Add a run to the file, whole and on disk before this returns.

    Args:
        run: to store.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+b") as file:
        # A run that was cut off has left half a line; it must not swallow this one.
        if file.tell() and (file.seek(-1, os.SEEK_END), file.read(1))[1] != b"\n":
            file.seek(0)
            kept = file.read().rpartition(b"\n")
            file.truncate(len(kept[0]) + len(kept[1]))
        file.write(_line(run))
        file.flush()
        os.fsync(file.fileno())


def compact(path: Path) -> None:
    """Leave out the runs that later ones of their points have replaced.

    The file is replaced whole, so that a kill loses nothing.

    Args:
        path: of the file.

    Raises:
        MsqError: a line in the middle is no run.
    """
    kept = path.with_name(f".{path.name}.{os.getpid()}")
    kept.write_bytes(b"".join(map(_line, load(path).values())))
    kept.replace(path)


def _line(run: Run) -> bytes:
    record = {
        "node": run.point.node,
        "point": run.point.record(),
        "resources": asdict(run.resources),
        "sources": run.sources,
    }
    return json.dumps(record).encode() + b"\n"
