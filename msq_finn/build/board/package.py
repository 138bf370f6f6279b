"""Whether a package on a board is the one that was built, and fits the bitfile."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

MANIFEST = "manifest.json"

#: Folders of the package of which the driver, or Python, loads whatever lies there.
_LOADED = ("runtime_weights", "msq_board")


class PackageError(Exception):
    """The package on the board is not the one that was built, or does not fit the bitfile."""


def digest(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def fingerprint(content: dict[str, Any]) -> str:
    """Return the SHA-256 of what a manifest records, in hexadecimal.

    Args:
        content: the manifest without its fingerprint.
    """
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def check_package(folder: Path, bitfile: Path) -> str:
    """Compare a package with what its build recorded.

    Args:
        folder: the package's ``driver`` folder.
        bitfile: the bitfile to be loaded.

    Returns:
        the build's fingerprint.

    Raises:
        PackageError: a file is missing, differs or is none of the build's, or the bitfile is not
            that of this build.
    """
    content = _read_manifest(folder / MANIFEST)
    for name, expected in content["files"].items():
        path = folder / name
        if not path.is_file():
            raise PackageError(f"{path} is missing; copy the whole deployment package")
        if digest(path) != expected:
            raise PackageError(f"{path} is not the file that was built; copy the package again")
    for path in (path for name in _LOADED for path in sorted((folder / name).rglob("*"))):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and "__pycache__" not in path.parts and name not in content["files"]:
            raise PackageError(f"{path} is no file of this build; remove it")
    if content["bitfile"] is None:
        raise PackageError(
            f"the package in {folder.resolve()} was built without a bitfile, so none can be "
            "checked; build it where Vivado is, with --start bitfile --until deploy"
        )
    for suffix, expected in content["bitfile"].items():
        path = bitfile.with_suffix(suffix)
        if not path.is_file():
            raise PackageError(f"{path}: no such file; a bitfile has its .hwh beside it")
        if digest(path) != expected:
            raise PackageError(f"{path} belongs to another build than {folder.resolve()}")
    return fingerprint(content)


def _read_manifest(path: Path) -> dict[str, Any]:
    """Read what a manifest records, which its own fingerprint has to say too."""
    try:
        content = dict(json.loads(path.read_text()))
        written = content.pop("fingerprint")
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise PackageError(f"{path} is no manifest; copy the whole deployment package") from error
    if fingerprint(content) != written:
        raise PackageError(
            f"{path} was changed: its fingerprint is not that of its contents; "
            "copy the package again"
        )
    return content
