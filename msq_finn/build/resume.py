"""What a build was asked for, so that a killed one goes on with nothing else."""

from __future__ import annotations

import hashlib
import importlib.util
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from msq_finn.build.relocate import relocate
from msq_finn.doctor import tool_versions
from msq_finn.errors import MsqError
from msq_finn.files import write
from msq_finn.lowering.ends import each
from msq_finn.lowering.lower import Target

_RECORD = "options.json"

#: Key of the record: folders that a build's files name by absolute paths.
_FOLDERS = "folders"


def record(work: Path, source: Path, target: Target, images: Any, seed: int) -> None:
    """Note what a build was asked for.

    Args:
        work: the build's folder.
        source: the exported model; the contents of files are noted, not their names.
        target: board, clock and folding.
        images: how many random images to simulate, or the images.
        seed: of random images.

    Raises:
        OSError: a file of the target's cannot be read, or the folder not be written.
    """
    asked = _asked(source, target, images, seed)
    write(work / _RECORD, json.dumps({**asked, _FOLDERS: _folders(work)}, indent=2))


def check_record(
    work: Path,
    source: Path,
    target: Target,
    images: Any,
    seed: int,
    *,
    other_images: bool = False,
) -> None:
    """Refuse to go on with a build of something else.

    Args:
        work: folder of the earlier build.
        source: as for `record`.
        other_images: whether images and seed may be others, since they are simulated anew.

    Raises:
        MsqError: there is no earlier build in ``work``, or it had another model or other options.
    """
    try:
        earlier = json.loads((work / _RECORD).read_text())
    except (OSError, ValueError) as error:
        raise MsqError(f"no build to go on with in {work.parent}; leave --start out") from error
    asked = _asked(source, target, images, seed)
    free = {"images", "seed"} if other_images else set()
    for key, value in asked.items():
        if key not in free and earlier.get(key) != value:
            raise MsqError(
                f"the build in {work.parent} was made with {key} {earlier.get(key)}, not {value}; "
                "give what it was given, or build anew without --start"
            )


def follow(work: Path) -> None:
    """Make a build's files right that was moved, or whose tools lie elsewhere on this machine.

    Args:
        work: folder of the earlier build, of which :func:`check_record` has a good opinion.

    Raises:
        OSError: a file cannot be read or written.
    """
    path = work / _RECORD
    earlier = json.loads(path.read_text())
    now = _folders(work)
    moved = {old: now[name] for name, old in earlier.get(_FOLDERS, {}).items() if name in now}
    relocate(work, moved, leave=path)
    write(path, json.dumps({**earlier, _FOLDERS: now}, indent=2))


def _folders(work: Path) -> dict[str, str]:
    packages = {name: importlib.util.find_spec(name) for name in ("finn", "msq_finn")}
    places = {k: v.submodule_search_locations for k, v in packages.items() if v is not None}
    return {"work": str(work.absolute()), **{k: next(iter(v)) for k, v in places.items() if v}}


def _asked(source: Path, target: Target, images: Any, seed: int) -> dict[str, Any]:
    options: Mapping[str, Any] = asdict(target)
    files = {"folding_config", "plan"}
    return {
        "model": digest(source.read_bytes()),
        **{k: v for k, v in options.items() if k not in files},
        **{k: digest(options[k].read_bytes()) if options[k] else None for k in sorted(files)},
        "images": (
            images
            if isinstance(images, int)
            else digest(b"".join(array.tobytes() for array in each(images)))
        ),
        "seed": seed,
        "versions": tool_versions(),
    }


def digest(data: bytes) -> str:
    """Return the SHA-256 of some bytes, in hexadecimal.

    >>> digest(b"")[:16]
    'e3b0c44298fc1c14'
    """
    return hashlib.sha256(data).hexdigest()
