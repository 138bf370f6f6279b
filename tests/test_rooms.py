"""Rooms and arrows: who imports whom, and that names tell files and classes apart.

Every import counts, wherever it stands: in a function, or for a type checker only.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import networkx as nx
import pytest

ROOT = Path(__file__).parent.parent

#: From the lowest up: a room imports rooms of earlier lines only, and none beside it.
ORDER = """
errors
plugins cache files progress silence devices rewordings layer_notes
schemes
lanes
finn_compat
nn
rtl quant sim synth
ops models
training transforms
doctor
lowering
plan.frontend
plan.file plan.cost
plan.search
plan.report
plan
build inspect post_training
trace demo
cli
"""

RANK = {room: rank for rank, line in enumerate(ORDER.strip().splitlines()) for room in line.split()}


def module_of(path):
    parts = ["msq_finn", *path.parts] if path.parts[0] == "transforms" else list(path.parts)
    parts[-1] = parts[-1].removesuffix(".py")
    return ".".join(parts).removesuffix(".__init__")


PATHS = {
    module_of(path.relative_to(ROOT)): path
    for folder in ("msq_finn", "transforms")
    for path in sorted((ROOT / folder).rglob("*.py"))
}


def room_of(module):
    """The longest name in the order that a module lies under; of the package itself, nothing."""
    name = module.removeprefix("msq_finn").removeprefix(".")
    while name and name not in RANK:
        name = name.rpartition(".")[0]
    return name


def imported(module, path):
    """Modules of the package that a module names in its imports."""
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in PATHS)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: 1 - node.level or None] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            for alias in node.names:
                name = f"{base}.{alias.name}"
                if base in PATHS:
                    yield name if name in PATHS else base


ARROWS = sorted(
    {(module, other) for module, path in PATHS.items() for other in imported(module, path)}
)


def test_every_room_has_its_place():
    assert {module for module in PATHS if not room_of(module)} == {"msq_finn"}
    assert {room_of(module) for module in PATHS} == {"", *RANK}
    assert len(ARROWS) > 700


def test_arrows_go_down():
    wrong = [
        f"{module} imports {other}"
        for module, other in ARROWS
        if room_of(module)  # the package itself names for users what stands above
        and room_of(module) != room_of(other)
        and room_of(other)
        and RANK[room_of(module)] <= RANK[room_of(other)]
    ]
    assert not wrong


def test_no_modules_import_each_other():
    graph = nx.DiGraph(
        # A package's own module runs before those in it, which may therefore import from it.
        (a, b)
        for a, b in ARROWS
        if a != b and not b.startswith(f"{a}.")
    )
    assert not [found for found in nx.strongly_connected_components(graph) if len(found) > 1]


def loaded_by(module):
    code = f"import sys, {module}; print(*{{name.split('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize(
    ("module", "heavy"),
    [
        ("msq_finn", {"torch", "brevitas", "numpy", "onnx", "qonnx", "finn", "pyosys"}),
        ("msq_finn.cli", {"torch", "brevitas", "numpy", "onnx", "qonnx", "finn", "pyosys"}),
        ("msq_finn.lanes", {"torch", "brevitas", "onnx", "qonnx", "finn", "pyosys"}),
        ("msq_finn.plan.file.schema", {"torch", "brevitas", "onnx", "qonnx", "finn", "pyosys"}),
        ("msq_finn.plan.search.optimize", {"torch", "brevitas", "finn", "pyosys"}),
        ("msq_finn.training.loop", {"finn", "pyosys"}),
    ],
)
def test_a_fresh_interpreter_loads_no_more_than_it_needs(module, heavy):
    assert not loaded_by(module) & heavy


def singular(name):
    return name.lower().replace("_", "").removesuffix("s")


def alike(names):
    """Names that differ in nothing, or in a plural, with all places of each."""
    places = defaultdict(list)
    for name, place in names:
        places[singular(name)].append(place)
    return {name: found for name, found in places.items() if len(found) > 1}


def test_no_two_files_are_named_alike():
    """But commands are named after what they run."""
    files = [
        (path.stem, module)
        for module, path in PATHS.items()
        if path.name != "__init__.py" and path.parent.name != "cli"
    ]
    assert not alike(files)


#: Its classes have the names that FINN asks ``finn.xsi`` for.
FACADE = "msq_finn.sim.ports"


def test_no_two_public_classes_are_named_alike():
    classes = [
        (node.name, module)
        for module, path in PATHS.items()
        if module != FACADE
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    ]
    assert len(classes) > 150
    assert not alike(classes)
