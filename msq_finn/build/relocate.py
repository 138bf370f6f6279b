"""A build's folder at another place: the absolute paths in it, which FINN writes, made anew."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import onnx

from msq_finn.files import write

#: What may follow a folder's name where it is whole.
_END = rb"(?![\w.+@-])"


def relocate(work: Path, moved: Mapping[str, str], leave: Path) -> None:
    """Rewrite the names of folders in every text and every model under a folder.

    FINN names generated files by absolute paths: in attributes of its models, in Verilog (contents
    of memories) and in lists of sources. A name that is right already stays, so that a rewriting
    that was killed can be done again.

    Args:
        work: the build's folder, where it lies now.
        moved: new name by old name, absolute.
        leave: file that stays as it is.

    Raises:
        OSError: a file cannot be read or written.
    """
    changes = [
        (_names(old.encode(), new.encode()), new.encode())
        for old, new in moved.items()
        if old != new
    ]
    if not changes:
        return
    for path in sorted(work.rglob("*")):
        if not path.is_file() or path.is_symlink() or path == leave:
            continue
        data = path.read_bytes()
        # Contents of other kinds hold no paths, or are of no use anywhere else.
        if path.suffix == ".onnx":
            found = _model(data, changes)
        elif b"\0" not in data:
            found = _replaced(data, changes)
        else:
            continue
        if found != data:
            write(path, found)


def _names(old: bytes, new: bytes) -> re.Pattern[bytes]:
    """Match either name, so that the new one stays; of two that begin alike, the longer one."""
    either = [re.escape(old) + _END, re.escape(new) + _END]
    return re.compile(b"|".join(either if len(old) > len(new) else reversed(either)))


def _replaced(text: bytes, changes: list[tuple[re.Pattern[bytes], bytes]]) -> bytes:
    for pattern, new in changes:
        text = pattern.sub(new.replace(b"\\", b"\\\\"), text)
    return text


def _model(data: bytes, changes: list[tuple[re.Pattern[bytes], bytes]]) -> bytes:
    """A model with its strings rewritten; as it was, byte for byte, if none is to be."""
    model, changed = onnx.load_model_from_string(data), False
    graphs = list(_graphs(model.graph))
    # QONNX keeps its own beside the graph.
    for entry in (*model.metadata_props, *(e for g in graphs for e in g.metadata_props)):
        text = _replaced(entry.value.encode(), changes).decode()
        changed |= text != entry.value
        entry.value = text
    for attribute in (a for g in graphs for node in g.node for a in node.attribute):
        if attribute.type == onnx.AttributeProto.STRING:
            value = _replaced(attribute.s, changes)
            changed |= value != attribute.s
            attribute.s = value
        elif attribute.type == onnx.AttributeProto.STRINGS:
            values = [_replaced(value, changes) for value in attribute.strings]
            changed |= values != list(attribute.strings)
            attribute.strings[:] = values
    return model.SerializeToString() if changed else data


def _graphs(graph: Any) -> Iterator[Any]:
    """A graph and those within it."""
    yield graph
    for attribute in (a for node in graph.node for a in node.attribute):
        for inner in (attribute.g, *attribute.graphs):
            yield from _graphs(inner)
