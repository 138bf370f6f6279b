"""Output folders in which a failed run leaves earlier results intact."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from msq_finn.errors import MsqError

#: Tells our working folders from others of the same name, which must not be deleted.
_MARKER = ".msq-finn"

#: What a full disk, a quota, a file size limit and a read-only folder say.
_CANNOT_WRITE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM}

_BAD_CHARACTERS = set('$"\\`')


@contextlib.contextmanager
def output_folder(path: Path) -> Iterator[Path]:
    """Make ``path`` and yield its empty working folder ``path/build``.

    When the block fails with an error meant for the user, nothing of this run stays behind: the
    working folder goes, and so does ``path`` if this run made it. Finished results lie in ``path``
    itself, each written by :func:`write`. A ``path/build`` that no run of ours made is left alone.

    Raises:
        MsqError: the folder cannot be made or written, or its name is none for Verilog tools.
    """
    _check_name(path)
    work = path / "build"
    try:
        existed = path.exists()
        if work.exists():
            if not (work / _MARKER).exists() and any(work.iterdir()):
                raise MsqError(f"{work} holds files of others; choose another --out")
            _delete(work)
        work.mkdir(parents=True)
        (work / _MARKER).touch()
    except OSError as error:
        raise MsqError(f"cannot write to {path}: {error.strerror}; choose another --out") from error
    try:
        yield work
    except (MsqError, OSError) as error:
        if isinstance(error, OSError) and error.errno not in _CANNOT_WRITE:
            raise
        with contextlib.suppress(OSError):
            _delete(work if existed else path)
        if isinstance(error, MsqError):
            raise
        where = error.filename or path
        raise MsqError(
            f"cannot write to {where}: {error.strerror}; choose another --out"
        ) from error


def _delete(folder: Path) -> None:
    """Delete a folder so that one killed halfway does not look like a folder of others."""
    stale = folder.with_name(f".{folder.name}.stale")
    if stale.exists():
        shutil.rmtree(stale)
    folder.rename(stale)
    shutil.rmtree(stale)


def _check_name(path: Path) -> None:
    """Refuse names that Verilator, Yosys or a JSON file cannot hold."""
    name = str(path.absolute())
    bad = [c for c in name if c in _BAD_CHARACTERS or not c.isprintable()]
    if bad:
        raise MsqError(f"{name}: Verilog tools take no {bad[0]!r} in a name; choose another --out")


def write(path: Path, data: str | bytes) -> None:
    """Write a file so that a reader sees all of it or what was there before."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    if isinstance(data, str):
        temporary.write_text(data)
    else:
        temporary.write_bytes(data)
    temporary.replace(path)
