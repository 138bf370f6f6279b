"""What msq_finn imports of FINN exists in finn-plus and in upstream's main and dev.

``upstream_names.txt`` has upstream's names per module, so that no checkout is needed. What the
three do not have in common is the compatibility package's business, and nobody else's.
"""

from __future__ import annotations

import ast
import pkgutil
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINES = ("main", "dev")


def upstream():
    """{line: {module: names}}."""
    found = {line: {} for line in LINES}
    for row in Path(__file__).with_name("upstream_names.txt").read_text().splitlines():
        if row.startswith("#"):
            continue
        head, _, names = row.partition(":")
        module, _, only = head.partition(" ")
        shared, *others = names.split("|")
        for line in LINES:
            if only in ("", f"({line})"):
                own = [name for part in others for name in part.split() if part.split()[0] == line]
                found[line][module] = {*shared.split(), *own[1:]}
    return found


UPSTREAM = upstream()


def uses(text):
    """(place, name) of all that is asked of FINN: imports, and attributes of what is imported."""
    tree = ast.parse(text)
    yield from imports(tree)
    places = {
        alias.asname or alias.name: f"{node.module}.{alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "finn"
        for alias in node.names
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and getattr(node.value, "id", None) in places:
            yield places[node.value.id], node.attr


def imports(tree):
    """(module, name) of every import of FINN's, name None for a module as a whole."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and not node.level:
            found = [(node.module, alias.name) for alias in node.names]
        elif isinstance(node, ast.Import):
            found = [(alias.name, None) for alias in node.names]
        else:
            continue
        yield from (pair for pair in found if pair[0].split(".")[0] == "finn")


def lacking(module, name):
    """Lines of FINN that do not have it."""
    lines = [
        line
        for line, modules in UPSTREAM.items()
        if not (name in modules.get(module, ()) or (name is None and module in modules))
        and f"{module}.{name}" not in modules
    ]
    try:
        found = pkgutil.resolve_name(module)
        there = name is None or hasattr(found, name)
    except (ImportError, AttributeError):
        there = False
    return lines if there else [*lines, "finn-plus"]


SOURCES = [
    path
    for folder in ("msq_finn", "transforms")
    for path in sorted((ROOT / folder).rglob("*.py"))
    if "finn_compat" not in path.parts and list(uses(path.read_text()))
]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_all_lines_of_finn_have_it(finn, path):
    missing = {pair: lines for pair in uses(path.read_text()) if (lines := lacking(*pair))}
    assert not missing


CONFIG = "from finn.builder.build_dataflow_config import DataflowOutputType"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("from finn.util.basic import part_map, pynq_native_port_width", []),
        ("from finn.transformation.general import ApplyConfig", ["main"]),
        ("def f():\n    from finn.util.settings import get_settings", ["main", "dev"]),
        (
            "from finn.transformation.streamline.absorb import AbsorbAll",
            ["main", "dev", "finn-plus"],
        ),
        ("import finn.util.pyverilator", ["dev", "finn-plus"]),
        ("from finnish import anything", []),
        (f"{CONFIG}\nDataflowOutputType.PYNQ_DRIVER.value", []),
        (f"{CONFIG}\nprint(DataflowOutputType.CPP_DRIVER)", ["main"]),
        (f"{CONFIG}\nDataflowOutputType.HOST_DRIVER", ["main", "dev", "finn-plus"]),
    ],
)
def test_what_one_lacks_is_seen(finn, line, expected):
    assert [found for pair in uses(line) for found in lacking(*pair)] == expected


def test_the_list_is_read_whole():
    assert UPSTREAM["dev"].keys() - UPSTREAM["main"].keys() >= {"finn.transformation.general"}
    assert "finn.util.pyverilator" in UPSTREAM["main"].keys() - UPSTREAM["dev"].keys()
    reorder = "finn.transformation.streamline.reorder"
    assert "MoveLinearPastEltwiseAdd" in UPSTREAM["main"][reorder] - UPSTREAM["dev"][reorder]
    assert len(SOURCES) > 15
