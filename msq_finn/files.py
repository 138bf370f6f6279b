"""Files of users: read where they can be, written whole or not at all."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from msq_finn.errors import MsqError

#: Most that is read of a file: protobuf's limit.
MAX_BYTES = 2**31 - 1


def require_file(path: Path, advice: str = "") -> None:
    """Refuse what is no file, or too large a one.

    Args:
        advice: what to do where there is none, as text that goes on.

    Raises:
        MsqError: no such file, a folder or a device, or more than 2 GiB.
    """
    try:
        found = path.stat()
    except FileNotFoundError as error:
        raise MsqError(f"no such file{advice}", where=path) from error
    except (OSError, ValueError) as error:
        raise MsqError(f"cannot be read ({_reason(error)})", where=path) from error
    if not stat.S_ISREG(found.st_mode):
        raise MsqError(f"not a file; give a file's name{advice}", where=path)
    if found.st_size > MAX_BYTES:
        raise MsqError(f"{found.st_size} bytes; 2 GiB is the most that is read", where=path)


def read(path: Path, advice: str = "") -> bytes:
    """Read a file.

    Args:
        advice: what to do where there is none, as text that goes on.

    Raises:
        MsqError: as :func:`require_file`, or it cannot be read.
    """
    require_file(path, advice)
    try:
        return path.read_bytes()
    except OSError as error:
        raise MsqError(f"cannot be read ({_reason(error)})", where=path) from error


def check_target(path: Path) -> Path:
    """Refuse names that :func:`write` could not write to, before long work for it.

    Args:
        path: a file, which may be missing.

    Returns:
        The file itself, behind symbolic links.

    Raises:
        MsqError: there is something that is no regular file, or no folder that can be written.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise MsqError(f"cannot write to {path}: not a regular file; choose another -o")
    except FileNotFoundError:
        pass
    except (OSError, ValueError) as error:
        raise MsqError(f"cannot write to {path}: {_reason(error)}; choose another -o") from error
    target = path.resolve()
    if not target.parent.is_dir():
        raise MsqError(f"cannot write to {path}: no folder {target.parent}; choose another -o")
    if not os.access(target.parent, os.W_OK | os.X_OK):
        raise MsqError(
            f"cannot write to {path}: folder {target.parent} cannot be written; choose another -o"
        )
    return target


def write(path: Path, data: str | bytes) -> None:
    """Write a file so that a reader sees all of it or what was there before.

    Where ``path`` is a symbolic link, the file behind it is written.

    Args:
        path: the file, in a folder that exists.
        data: all of it; text as UTF-8.

    Raises:
        MsqError: see :func:`check_target`.
        OSError: the folder is full or read-only.
    """
    target = check_target(path)
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        temporary.write_bytes(data.encode() if isinstance(data, str) else data)
        temporary.replace(target)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
