from __future__ import annotations

import pytest


@pytest.fixture(scope="session")
def cold_cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def _own_cache(cold_cache, monkeypatch):
    """Synthesis starts cold: a result of an earlier run must not hide a fault of this one."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(cold_cache))
