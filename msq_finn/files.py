"""Files written whole or not at all."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from msq_finn.errors import MsqError


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
        reason = getattr(error, "strerror", None) or error
        raise MsqError(f"cannot write to {path}: {reason}; choose another -o") from error
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
