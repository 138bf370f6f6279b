"""What a wheel holds, and that it works without the source tree."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = {"msq_finn": "msq_finn", "transforms": "msq_finn/transforms"}


def run(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """A copy of what is to be packed, without what earlier builds left in the source tree."""
    folder = tmp_path_factory.mktemp("source")
    for name in SOURCES:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    return folder


@pytest.fixture(scope="module")
def wheel(tree, tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation",
        "--no-index", "-w", folder, tree)  # fmt: skip
    (made,) = folder.glob("*.whl")
    return made


def test_the_wheel_holds_every_file(tree, wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    wanted = {
        f"{target}/{path.relative_to(tree / source)}"
        for source, target in SOURCES.items()
        for path in (tree / source).rglob("*")
        if path.is_file()
    }
    assert any(name.endswith(".sv") for name in wanted) and len(wanted) > 150
    assert sorted(wanted - names) == []


def test_the_wheel_holds_no_tests(wheel):
    tops = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert len(tops) == 2 and "msq_finn" in tops


@pytest.mark.slow
def test_the_wheel_works_alone(wheel, tmp_path):
    """In a folder of its own; the packages it depends on are those of this environment."""
    place, work = tmp_path / "installed", tmp_path / "work"
    work.mkdir()
    with zipfile.ZipFile(wheel) as file:
        file.extractall(place)
    environment = {**os.environ, "PYTHONPATH": str(place)}
    start = "import msq_finn; print(msq_finn.__file__); from msq_finn.cli import main; main()"
    command = [sys.executable, "-c", start, "demo", "--epochs", "1", "--out", "out"]
    shown = run(*command, cwd=work, env=environment)
    assert shown.splitlines()[0] == str(place / "msq_finn" / "__init__.py")
    assert {"summary.json", "report.html"} <= {path.name for path in (work / "out").iterdir()}
