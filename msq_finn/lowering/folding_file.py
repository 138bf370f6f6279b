"""FINN's folding configuration, checked before a build rather than half-way through it."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import onnx

from msq_finn.errors import MsqError
from msq_finn.files import read

#: Attributes of nodes that count what is done in a cycle, and those that are depths of FIFOs.
_POSITIVE = {"SIMD", "PE"}
_DEPTHS = {"depth", "inFIFODepths", "outFIFODepths"}
_EXAMPLE = '{"MVAU_MSQ_rtl_0": {"SIMD": 4}}'


def load_folding(path: Path | None) -> Path | None:
    """Check that a folding configuration is a JSON object of objects.

    Args:
        path: the file, or None for no configuration.

    Returns:
        The file's absolute path, for builder steps in another folder.

    Raises:
        MsqError: no such file, not JSON, or JSON of another form.
    """
    if path is None:
        return None

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        twice = [key for key, count in Counter(key for key, _ in pairs).items() if count > 1]
        if twice:
            raise MsqError(f"{twice[0]!r} is given twice", where=path)
        return dict(pairs)

    try:
        content = json.loads(read(path).decode(), object_pairs_hook=unique)
    except (ValueError, RecursionError) as error:
        raise MsqError("not a JSON file", where=path) from error
    if not isinstance(content, dict):
        raise MsqError(
            "a folding configuration is a JSON object, node name -> attributes", where=path
        )
    for node, attributes in content.items():
        if not isinstance(attributes, dict):
            raise MsqError(
                f"{node} must be a JSON object of attributes, as in {_EXAMPLE}", where=path
            )
        if node != "Defaults":
            for attribute, value in attributes.items():
                _check_attribute(f"{path}: {node}", attribute, value)
            known = _attributes(node)
            for attribute in attributes:
                if known and attribute not in known:
                    near = get_close_matches(attribute, known, 1)
                    advice = f"did you mean {near[0]}?" if near else "remove it"
                    raise MsqError(
                        f"{attribute}: no attribute of it; {advice}",
                        where=f"{path}: {node}",
                        field=attribute,
                    )
    return path.resolve()


def _attributes(node: str) -> set[str]:
    """Attributes of a node, whose name begins with its op; none if there is no such op."""
    from qonnx.custom_op.registry import getCustomOp, is_custom_op

    from msq_finn import ops
    from msq_finn.sim import xsi

    xsi.install()  # without which FINN's ops cannot be imported
    ops.register()
    op, domain = re.sub(r"_\d+$", "", node), "finn.custom_op.fpgadataflow"
    for place in (f"{domain}.rtl", f"{domain}.hls", domain):
        if is_custom_op(place, op):
            plain = onnx.helper.make_node(op, [], [], domain=place)
            return set(getCustomOp(plain).get_nodeattr_types())
    return set()


def _check_attribute(where: str, attribute: str, value: Any) -> None:
    """Refuse values that FINN would take for others, or fail on without a name."""

    def refused(why: str) -> MsqError:
        shown = f"{attribute}={json.dumps(value)[:40]}"
        return MsqError(f"{shown}: {why}", where=where, field=attribute, value=value)

    if attribute.startswith("code_gen_dir"):
        raise refused("a build chooses its own folders; leave it out")
    if attribute in _POSITIVE:
        if type(value) is not int or value < 1:
            raise refused("give a whole number of at least 1")
        return
    values = value if isinstance(value, list) else [value]
    if any(type(v) not in {int, str} for v in values):
        raise refused("give a whole number, a text, or a list of these")
    if attribute in _DEPTHS and any(type(v) is not int or v < 0 for v in values):
        raise refused("a depth is a whole number that is not negative")


def check_folding_names(path: Path, names: Iterable[str]) -> None:
    """Refuse a folding configuration for nodes that there are none of, which FINN only logs.

    Args:
        path: the file, as :func:`load_folding` accepts it.
        names: of the nodes that it was applied to.

    Raises:
        MsqError: it names others.
    """
    known = list(names)
    unknown = [name for name in json.loads(read(path)) if name not in {"Defaults", *known}]
    if unknown:
        raise MsqError(
            f"no node is named {', '.join(unknown)}; those that can be folded are "
            f"{', '.join(known)}",
            where=path,
        )
