"""Fixtures shared by all tests."""

from __future__ import annotations

import importlib.util
import os

import numpy as np
import pytest

from msq_finn.cli import console
from msq_finn.doctor import examine
from msq_finn.errors import MissingToolError
from msq_finn.sim import compilation

#: Minutes long, by name of the file: begun last, they would keep one worker busy alone.
LONGEST = ("test_notebooks", "test_wheel")

#: Packages without which whole files of tests are skipped.
PACKAGES = ("finn", "finn_plus_driver", "mnist1d")


#: Most designs of the tests take longer to compile than to simulate. Commands in processes of their
#: own compile as users do.
compilation.OPTIMIZATION = "-O0"


def pytest_sessionstart(session):
    """In CI, where nothing may be missing, end before tests are skipped for it."""
    if os.environ.get("CI") and (missing := missing_tools()):
        pytest.exit(f"missing in CI: {', '.join(missing)}", returncode=1)


def missing_tools():
    needed = {"Icarus Verilog"}  # which a user may do without
    tools = [
        check.name
        for check in examine()
        if check.severity == "error" or (check.name in needed and not check.found)
    ]
    return tools + [name for name in PACKAGES if importlib.util.find_spec(name) is None]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Skip a test that met a missing tool on a user's machine, and say which."""
    error = call.excinfo.value if call.excinfo else None
    if isinstance(error, MissingToolError) and not os.environ.get("CI"):
        skipped = pytest.skip.Exception(f"on this machine: {error}")
        skipped = skipped.with_traceback(error.__traceback__)
        call.excinfo = pytest.ExceptionInfo.from_exception(skipped)
    return (yield)


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: item.path.stem not in LONGEST)


@pytest.fixture(scope="session")
def finn(tmp_path_factory):
    """FINN, importable without Vivado, with the ops registered."""
    from msq_finn import ops
    from msq_finn.sim.finn_env import prepare

    prepare(tmp_path_factory.mktemp("finn"))
    ops.register()


@pytest.fixture(autouse=True)
def finn_build_dir():
    """A build moves FINN's build folder to its own, which goes with the test."""
    from msq_finn.sim.finn_env import build_dir_restored

    with build_dir_restored():
        yield


@pytest.fixture
def rng():
    return np.random.default_rng(20261122)


@pytest.fixture(autouse=True)
def no_lines_of_progress(monkeypatch):
    """A loaded machine must not put lines into what a test compares."""
    monkeypatch.setattr(console, "LINE_EVERY", 1e6)
