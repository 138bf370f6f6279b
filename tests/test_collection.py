"""No folder of tests is left out."""

from __future__ import annotations

from fnmatch import fnmatch
from pathlib import Path

import pytest


def test_pytest_looks_into_every_folder(pytestconfig: pytest.Config):
    passed_by = pytestconfig.getini("norecursedirs")
    folders = {path.parent for path in Path(__file__).parent.rglob("test_*.py")}
    assert len(folders) > 5
    names = {part for folder in folders for part in folder.parts[-2:]}
    assert not [name for name in names for pattern in passed_by if fnmatch(name, pattern)]
