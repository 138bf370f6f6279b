"""Output folders in which a failed run leaves earlier results intact."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from msq_finn.errors import MsqError

#: Tells our working folders from others of the same name, which must not be deleted.
_MARKER = ".msq-finn"

_LOCK = ".msq-finn.lock"

#: What a full disk, a quota, a file size limit and a read-only folder say.
_CANNOT_WRITE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM}

#: All that a build may put into its output folder.
FOLDERS = ("report", "deploy")
FILES = ("summary.json", "report.html", "model.onnx", "dataflow.onnx")

#: In the report folder: the first tensor that is wrong in hardware, ``found`` and ``expected``.
DIFFERENCE = "msq_difference.npz"

#: What tells a folder of ours: a finished build, one under way or killed, its working folder.
_OURS = ("summary.json", _LOCK, f"build/{_MARKER}")

_BAD_CHARACTERS = set('$"\\`')


@contextlib.contextmanager
def output_folder(path: Path, *, resume: bool = False) -> Iterator[Path]:
    """Make ``path`` and yield its empty working folder ``path/build``.

    When the block fails with an error meant for the user, nothing of this run stays behind: the
    working folder goes, and so does ``path`` if this run made it. Not so where the error says that
    what was done before it was kept (:attr:`MsqError.kept`). Finished results lie in ``path``
    itself, each written by :func:`msq_finn.files.write`. A ``path/build`` that no run of ours made
    is left alone. Nobody else gets the folder meanwhile; that of a killed run is free.

    Args:
        path: folder of results.
        resume: take the working folder that an earlier run left, and leave it if the block fails.

    Raises:
        MsqError: the folder cannot be made or written, another run has it, its name is none for
            Verilog tools, it holds files of others only, something else has a result's name, or
            there is no earlier run to go on with.
    """
    _check_name(path)
    work = path / "build"
    with contextlib.ExitStack() as stack:
        try:
            existed = path.exists()
            _check_contents(path)
            if resume and not (work / _MARKER).exists():
                raise MsqError(f"no build to go on with in {path}; leave --start out")
            path.mkdir(parents=True, exist_ok=True)
            stack.enter_context(_locked(path))
            if not resume:
                _make_empty(work)
        except OSError as error:
            raise MsqError(
                f"cannot write to {path}: {error.strerror}; choose another --out"
            ) from error
        try:
            yield work
        except (MsqError, OSError) as error:
            if isinstance(error, OSError) and error.errno not in _CANNOT_WRITE:
                raise
            if not resume and not getattr(error, "kept", False):
                with contextlib.suppress(OSError):
                    _delete(work if existed else path)
            if isinstance(error, MsqError):
                raise
            where = error.filename or path
            raise MsqError(
                f"cannot write to {where}: {error.strerror}; choose another --out"
            ) from error


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold a folder's lock, which ends with the process, however that ends.

    It is a record lock (fcntl), which workers that a killed run leaves behind do not inherit.

    Raises:
        MsqError: another process holds it.
    """
    lock = path / _LOCK
    while True:
        with lock.open("a") as file:
            try:
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise MsqError(
                    f"another build is running in {path}; wait for it or choose another --out"
                ) from error
            if not _names(lock, file.fileno()):
                continue  # its last holder took the file away between our two calls
            try:
                yield
            finally:
                if _names(lock, file.fileno()):
                    lock.unlink()
            return


def _names(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _make_empty(work: Path) -> None:
    if work.exists():
        if not (work / _MARKER).exists() and any(work.iterdir()):
            raise MsqError(f"{work} holds files of others; choose another --out")
        _delete(work)
    work.mkdir(parents=True)
    (work / _MARKER).touch()


def _delete(folder: Path) -> None:
    """Delete a folder so that one killed halfway does not look like a folder of others."""
    stale = folder.with_name(f".{folder.name}.stale")
    if stale.exists():
        shutil.rmtree(stale)
    folder.rename(stale)
    shutil.rmtree(stale)


def _check_contents(path: Path) -> None:
    """Refuse folders of others, and those where something has the name of a result.

    Results come last, after minutes: what would stop them then is refused before the build.
    """
    if not path.is_dir() or not any(path.iterdir()):
        return
    if not any((path / name).exists() for name in _OURS):
        raise MsqError(f"{path} holds files of others; give a new or empty folder")
    for name in FOLDERS:
        if os.path.lexists(path / name) and not (path / name).is_dir():
            raise MsqError(f"{path / name} is no folder; move it away or choose another --out")
    for name in FILES:
        if (path / name).exists() and not (path / name).is_file():
            raise MsqError(f"{path / name} is no file; move it away or choose another --out")


def _check_name(path: Path) -> None:
    """Refuse names that Verilator, Yosys or a JSON file cannot hold."""
    name = str(path.absolute())
    bad = [c for c in name if c in _BAD_CHARACTERS or not c.isprintable()]
    if bad:
        raise MsqError(
            f"Verilog tools take no {bad[0]!r} in a name; choose another --out", where=name
        )
