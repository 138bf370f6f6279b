"""Fixtures shared by all tests."""

from __future__ import annotations

import numpy as np
import pytest

#: Minutes long, by name of the file: begun last, they would keep one worker busy alone.
LONGEST = ("test_notebooks", "test_wheel")


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
