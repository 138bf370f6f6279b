"""No folder of tests, and no package, is left out."""

from __future__ import annotations

import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest


def test_pytest_looks_into_every_folder(pytestconfig: pytest.Config):
    passed_by = pytestconfig.getini("norecursedirs")
    root = Path(__file__).parent
    names = {part for path in root.rglob("test_*.py") for part in path.relative_to(root).parts[:-1]}
    assert len(names) > 5
    assert not [name for name in names for pattern in passed_by if fnmatch(name, pattern)]


def test_every_package_is_installed():
    root = Path(__file__).parent.parent
    listed = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    found = {
        ".".join(path.parent.relative_to(root).parts)
        for path in (root / "msq_finn").rglob("__init__.py")
    }
    assert {*found, "msq_finn.transforms"} == set(listed)
