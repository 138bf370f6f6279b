"""Runs the command line and judges how it refused."""

from __future__ import annotations

import json
import os
import time

import pytest
from click.testing import CliRunner

from msq_finn.build import fifos
from msq_finn.build import run as build_run
from msq_finn.cli import main
from msq_finn.errors import MsqError

LIMIT_S = 10
REACHED = "passed all checks"
EARLIER = {"summary.json": b"earlier", "build/.msq-finn": b"", "build/old": b"intermediate"}


@pytest.fixture
def checks_only(monkeypatch):
    """Stop a build where lowering would begin."""

    def stop(*args, **options):
        raise MsqError(REACHED)

    monkeypatch.setattr(build_run, "build", stop)


@pytest.fixture
def lowering_only(monkeypatch):
    """Stop a build where simulation would begin."""

    def stop(*args, **options):
        raise MsqError(REACHED)

    monkeypatch.setattr(fifos, "size_fifos", stop)


class Refusal:
    """Runs commands in a folder of their own; every one must be refused."""

    def __init__(self, folder):
        self.folder = folder

    def __call__(self, *arguments, text="", exit_code=2, kept=False):
        """Run, check the manner of the refusal, and return the line.

        A build that ends behind its estimates leaves a summary, which says why (``kept``); one
        that ends before leaves an earlier build's results as they were.
        """
        before = contents(self.folder)
        started = time.monotonic()
        result = CliRunner().invoke(main, [str(a) for a in arguments])
        seconds = time.monotonic() - started
        assert isinstance(result.exception, SystemExit), repr(result.exception)
        assert result.exit_code == exit_code, result.output
        assert not result.stdout
        lines = result.stderr.splitlines()
        assert len(lines) == 1, result.stderr
        line = lines[0]
        assert line.startswith("msq-finn: ") and len(line) > len("msq-finn: ") + 10
        assert not line.startswith("msq-finn: unexpected") and "Traceback" not in line
        assert line.isprintable()
        assert text in line, line
        assert seconds < LIMIT_S
        same = contents(self.folder) == before
        if kept or (REACHED in line and not same):
            summary = json.loads((self.folder / "out" / "summary.json").read_text())
            assert summary["failed"] in line
            assert not (self.folder / "out" / "deploy").exists()
        else:
            assert same
        return line


def contents(folder):
    """Every file below a folder, except the working files of an earlier run."""
    work = folder / "out" / "build"
    paths = [path for path in folder.rglob("*") if work not in (path, *path.parents)]
    return {path: path.read_bytes() if _is_readable_file(path) else None for path in paths}


def _is_readable_file(path):
    return not path.is_symlink() and path.is_file() and os.access(path, os.R_OK)


@pytest.fixture
def refused(tmp_path, monkeypatch):
    """A caller of commands that must be refused, in a folder with an earlier build in ``out``."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    for name, data in EARLIER.items():
        path = tmp_path / "out" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return Refusal(tmp_path)
