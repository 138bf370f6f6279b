"""What a synthesis run reads, and the hash by which its result is found again."""

from __future__ import annotations

import glob
import hashlib
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

_DATA = (".dat", ".mem", ".hex")
_HEADERS = (".svh", ".vh")


def own_sources() -> str:
    """Hash of this package: other counting rules make other results."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.[pv]*")):
        if path.is_file():
            digest.update(path.read_bytes())
    return digest.hexdigest()


def run_key(top: str, texts: Sequence[str], folders: Sequence[Path]) -> str:
    """Hash of everything that is read, but for names that FINN numbers through.

    Generated sources differ in the top's name and in the path of memory contents. With the one
    replaced by a constant and the other by the contents, equal nodes have equal keys.

    Args:
        top: name of the module that is synthesised.
        texts: the sources.
        folders: that hold headers, and contents of memories.
    """
    digest = hashlib.sha256()
    for text in texts:
        for name in _quoted([text]):
            if name.startswith("/") and (contents := _contents(Path(name))):
                text = text.replace(name, hashlib.sha256(contents).hexdigest())
        digest.update(text.replace(top, "@top@").encode() + b"\0")
    headers = [p for folder in folders for p in sorted(folder.iterdir()) if p.suffix in _HEADERS]
    for path in (*headers, *data_files(texts, folders)):
        digest.update(path.name.replace(top, "@top@").encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _contents(start: Path) -> bytes:
    """What is in a file, or in those of memories whose names begin so."""
    if start.is_file():
        return start.read_bytes()
    begun = sorted(start.parent.glob(f"{glob.escape(start.name)}*")) if start.name else []
    files = [path for path in begun if path.suffix in _DATA]
    return b"\0".join(path.name[len(start.name) :].encode() + path.read_bytes() for path in files)


def _quoted(texts: Iterable[str]) -> set[str]:
    return {name for text in texts for name in re.findall(r'"([^"\n]+)"', text)}


def data_files(texts: Sequence[str], folders: Sequence[Path]) -> list[Path]:
    """Memory contents that the sources name, in full or by the start of the name.

    Args:
        texts: the sources.
        folders: to look in.
    """
    names = {name.removeprefix("./") for name in _quoted(texts)} - {""}
    return [
        path
        for folder in folders
        for path in sorted(folder.iterdir())
        if path.suffix in _DATA and any(path.name.startswith(name) for name in names)
    ]
