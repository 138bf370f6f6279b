"""A cache of compiled things, shared by processes, keyed by content."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable
from pathlib import Path


def folder() -> Path:
    """``msq_finn`` in the user's cache (``XDG_CACHE_HOME``, by default ``~/.cache``)."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "msq_finn"


def entry(kind: str, key: str, make: Callable[[Path], None]) -> Path:
    """Return the folder of a cache entry, made on the first call.

    Whoever comes while another process makes the entry waits for it. An entry appears under its
    name when it is complete; what a killed process left behind is cleared by the next one.

    Args:
        kind: sort of entry, a folder in the cache.
        key: hash of everything that the entry depends on.
        make: fills the empty folder that it is given.
    """
    place = folder() / kind / key
    if place.is_dir():
        return place
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if place.is_dir():
            return place
        staging = place.with_suffix(".tmp")
        shutil.rmtree(staging, ignore_errors=True)
        staging.mkdir()
        make(staging)
        staging.rename(place)
    return place
