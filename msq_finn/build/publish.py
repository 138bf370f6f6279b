"""A build's results in its output folder, in the place of an earlier build's."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from msq_finn.build.board.package import MANIFEST
from msq_finn.build.output import DIFFERENCE
from msq_finn.build.rehearsal.marker import is_marker
from msq_finn.errors import MsqError
from msq_finn.files import write

#: Names of FINN's and our own files in the report folder; what else lies there is not ours.
_REPORTS = (
    "*folding_config.json",
    "estimate_*.json",
    "fifo_sizing.json",
    "msq_*.json",
    DIFFERENCE,
    "ooc_*",
    "op_and_param_counts*.json",
    "post_route_*",
    "post_synth_*",
    "rtlsim_performance.json",
)

#: Beside the report folder, the file that only some stages make.
PAGE = "report.html"


def publish(
    out: Path, files: Mapping[str, str | bytes], reports: Iterable[Path], package: Path | None
) -> None:
    """Write results, and remove those that an earlier build made and this one did not.

    Nothing is removed before everything else is written, so that a full disk costs no result.

    Args:
        out: the output folder.
        files: contents by name; the last one is written last, behind everything else.
        reports: files for the folder ``report``.
        package: folder for ``deploy``, None if this build made none.

    Raises:
        MsqError: the package holds a rehearsal's bitfile, which is none.
        OSError: the folder is full or read-only.
    """
    for path in package.rglob("*.bit") if package is not None else ():
        if is_marker(path):
            raise MsqError(f"{path} is no bitfile but a rehearsal's; build --start bitfile anew")
    folder = out / "report"
    folder.mkdir(exist_ok=True)
    made = set()
    for path in reports:
        write(folder / path.name, path.read_bytes())
        made.add(path.name)
    *names, last = files
    for name in names:
        write(out / name, files[name])
    if package is not None:
        _replace(package, out / "deploy")
    stale = [path for pattern in _REPORTS for path in folder.glob(pattern) if path.name not in made]
    if PAGE not in files:
        stale.append(out / PAGE)
    for path in stale:
        path.unlink(missing_ok=True)
    if package is None and (out / "deploy" / "driver" / MANIFEST).is_file():
        _remove(out / "deploy")
    write(out / last, files[last])


def _replace(source: Path, target: Path) -> None:
    """Put a copy of a folder in the place of another, if there is one."""
    new = target.with_name(f".{target.name}.{os.getpid()}")
    shutil.rmtree(new, ignore_errors=True)
    shutil.copytree(source, new)
    if target.exists():
        _remove(target)
    new.rename(target)


def _remove(folder: Path) -> None:
    """Delete a folder so that a kill leaves none that is half there."""
    stale = folder.with_name(f".{folder.name}.stale")
    shutil.rmtree(stale, ignore_errors=True)
    folder.rename(stale)
    shutil.rmtree(stale)
