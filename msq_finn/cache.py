"""A cache of compiled things, shared by processes, keyed by content."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from msq_finn.errors import MsqError

_KEEP_SECONDS = 30 * 24 * 3600


def folder() -> Path:
    """``msq_finn`` in the user's cache (``XDG_CACHE_HOME``, by default ``~/.cache``)."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "msq_finn"


def key(*parts: str | Iterable[str]) -> str:
    """Return a key for `entry`: a hash of texts, and of where each begins.

    Args:
        parts: texts, and lists of texts.

    >>> key("ab") != key(["a", "b"]) != key("a", "b")
    True
    """
    digest = hashlib.sha256()
    for part in parts:
        for text in (part,) if isinstance(part, str) else part:
            digest.update(text.encode() + b"\0")
        digest.update(b"\1")
    return digest.hexdigest()[:32]


def entry(kind: str, key: str, make: Callable[[Path], None]) -> Path:
    """Return the folder of a cache entry, made on the first call.

    Whoever comes while another process makes the entry waits for it. An entry appears under its
    name when it is complete; what a killed process left behind is cleared by the next one.

    Args:
        kind: sort of entry, a folder in the cache ("sim", "synth", "runtime").
        key: hash of everything that the entry depends on.
        make: fills the empty folder that it is given; what it raises passes through, and leaves
            no entry.

    Returns:
        the entry's folder, not to be written to. One that nobody asks for in 30 days is deleted.

    Raises:
        MsqError: the cache cannot be written.
    """
    place = folder() / kind / key
    if place.is_dir():
        os.utime(place)
        return place
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        lock_file = place.with_name(f"{key}.lock").open("w")
    except OSError as error:
        raise MsqError(
            f"the cache cannot be written ({error.strerror}); set XDG_CACHE_HOME "
            "to a folder of your own",
            where=place.parent,
        ) from error
    with lock_file as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if place.is_dir():
            return place
        staging = place.with_name(f"{key}.tmp")
        shutil.rmtree(staging, ignore_errors=True)
        staging.mkdir()
        make(staging)
        staging.rename(place)
    _forget_old(place.parent)
    return place


def _forget_old(kind: Path) -> None:
    """Delete entries that nobody has used for long; the cache must not grow for ever."""
    for place in kind.iterdir():
        if place.is_dir() and time.time() - place.stat().st_mtime > _KEEP_SECONDS:
            shutil.rmtree(place, ignore_errors=True)
