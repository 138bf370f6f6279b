"""Output folders in which a failed run leaves earlier results intact."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from msq_finn.errors import MsqError


@contextlib.contextmanager
def output_folder(path: Path) -> Iterator[Path]:
    """Make ``path`` and yield its empty working folder ``path/build``.

    When the block fails with an error meant for the user, nothing of this run stays behind: the
    working folder goes, and so does ``path`` if this run made it. Finished results lie in ``path``
    itself, each written by :func:`write`.

    Raises:
        MsqError: the folder cannot be made or written.
    """
    existed = path.exists()
    work = path / "build"
    try:
        if work.exists():
            shutil.rmtree(work)
        work.mkdir(parents=True)
    except OSError as error:
        raise MsqError(f"cannot write to {path}: {error.strerror}; choose another --out") from error
    try:
        yield work
    except MsqError:
        shutil.rmtree(work if existed else path, ignore_errors=True)
        raise


def write(path: Path, data: str | bytes) -> None:
    """Write a file so that a reader sees all of it or what was there before."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    if isinstance(data, str):
        temporary.write_text(data)
    else:
        temporary.write_bytes(data)
    temporary.replace(path)
