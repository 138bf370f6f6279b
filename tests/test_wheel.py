"""What a wheel holds, and that it works without the source tree."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import venv
import zipfile
from pathlib import Path

import pytest

from .build.networks import exported, small_cnn

ROOT = Path(__file__).parents[1]
SOURCES = {"msq_finn": "msq_finn", "transforms": "msq_finn/transforms"}


def run(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, timeout=900, **options)
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
    return wheel_of(tree, tmp_path_factory.mktemp("wheel"))


def wheel_of(source, folder):
    run(sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation",
        "--no-index", "-w", folder, source)  # fmt: skip
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


def test_the_source_distribution_makes_the_same_wheel(tree, wheel, tmp_path):
    make = "import sys; from setuptools import build_meta; build_meta.build_sdist(sys.argv[1])"
    run(sys.executable, "-c", make, tmp_path, cwd=tree)
    (source,) = tmp_path.glob("*.tar.gz")
    made = wheel_of(source, tmp_path / "wheel")
    assert zipfile.ZipFile(made).namelist() == zipfile.ZipFile(wheel).namelist()


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return exported(small_cnn(), tmp_path_factory.mktemp("model") / "model.onnx", (1, 1, 6, 6))


def build_with(place, model, work):
    """Build a network in the environment ``place``, in the folder ``work``."""
    work.mkdir()
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    (packages,) = place.glob("lib/python*/site-packages")
    show = "import msq_finn; print(msq_finn.__file__)"
    found = run(place / "bin" / "python", "-c", show, cwd=work, env=environment).strip()
    assert found == str(packages / "msq_finn" / "__init__.py")
    command = (place / "bin" / "msq-finn", "build", model, "--until", "simulate", "--out", "out")
    run(*command, cwd=work, env=environment)
    summary = json.loads((work / "out" / "summary.json").read_text())
    assert summary["images_simulated"] > 0 and summary["rtl_mismatches"] == 0


def test_the_installed_wheel_builds_a_network(wheel, model, tmp_path):
    """In an environment of its own, whose other packages are those of this one."""
    place = tmp_path / "environment"
    venv.create(place, with_pip=True)
    (packages,) = place.glob("lib/python*/site-packages")
    # Of a folder named so, files .pth are not read: the editable install stays out.
    (packages / "others.pth").write_text(sysconfig.get_path("purelib") + "\n")
    run(place / "bin" / "pip", "install", "--no-deps", "--no-index", wheel)
    build_with(place, model, tmp_path / "work")


@pytest.mark.slow
def test_the_wheel_brings_what_it_needs(wheel, model, tmp_path):
    """In an empty environment; its gigabytes do not stay, as ``tmp_path`` does."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        venv.create(place, with_pip=True)
        run(place / "bin" / "pip", "install", f"{wheel}[finn,rtl]")
        build_with(place, model, tmp_path / "work")
        demo = (place / "bin" / "msq-finn", "demo", "--epochs", "1", "--out", "demo")
        run(*demo, cwd=tmp_path / "work")
        made = {path.name for path in (tmp_path / "work" / "demo").iterdir()}
        assert {"summary.json", "report.html"} <= made
