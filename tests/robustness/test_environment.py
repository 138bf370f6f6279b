"""A machine that is in the way: missing tools, full disks, and killed runs."""

from __future__ import annotations

import json
import os
import random
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from msq_finn.plan.file.schema import Plan

from . import models as m

BUILD = [sys.executable, "-c", "from msq_finn.cli import main; main()", "build", "model.onnx"]
KILLS = 20
LIMIT = 10_000  # bytes of a file; less than the model of an intermediate step


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(m.as_bytes(m.valid()))
    return path


def test_no_compiler(refused, model, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "out" / "build"))  # nothing is cached
    refused("build", model, "-o", "out", exit_code=1, kept=True)


@pytest.mark.parametrize("arguments", [("build", "model.onnx"), ("demo",)], ids=" ".join)
def test_no_finn(refused, model, monkeypatch, arguments):
    for name in ("finn", "finn.util.basic"):
        monkeypatch.setitem(sys.modules, name, None)
    refused(*arguments, "-o", "out", text="no FINN; pip install finn-plus psutil", exit_code=1)


def test_another_finn(refused, model, monkeypatch):
    monkeypatch.setitem(sys.modules, "finn.util.basic", None)
    text = "finn-plus 1.6.1 lacks what msq_finn needs (import of finn.util.basic halted"
    refused("build", "model.onnx", "-o", "out", text=text, exit_code=1)


def test_a_full_disk(model, tmp_path):
    """A limit on the size of files; the errors come from the same calls as those of a full disk."""
    out = tmp_path / "out"
    out.mkdir()
    (out / "summary.json").write_text("earlier")
    done = subprocess.run(
        [*BUILD, "-o", "out"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, LIMIT)),
    )
    assert done.returncode == 2, done.stderr
    assert done.stderr.splitlines()[-1].startswith("msq-finn: cannot write to ")
    assert "File too large; choose another --out" in done.stderr
    assert [path.name for path in out.iterdir()] == ["summary.json"]
    assert (out / "summary.json").read_text() == "earlier"


@pytest.mark.parametrize(
    ("variable", "value", "text"),
    [
        ("XDG_CACHE_HOME", "model.onnx", "the cache cannot be written (Not a directory); set XDG"),
        ("NUM_DEFAULT_WORKERS", "x", "FINN's settings cannot be read (invalid literal for int"),
        ("FINN_SETTINGS", "empty.yaml", "FINN's settings cannot be read"),
    ],
)
def test_variables_that_nothing_can_be_done_with(model, tmp_path, variable, value, text):
    (tmp_path / "empty.yaml").touch()
    environment = os.environ | {variable: str(tmp_path / value)}
    done = subprocess.run(
        [*BUILD, "-o", "out"], cwd=tmp_path, capture_output=True, text=True, env=environment
    )
    assert done.returncode == 2
    assert text in done.stderr.splitlines()[-1], done.stderr
    assert done.stderr.splitlines()[-1].startswith("msq-finn: ") and "unexpected" not in done.stderr


def test_a_backend_for_windows_does_not_stop_a_figure(model, tmp_path):
    command = [*BUILD[:3], "inspect", "model.onnx", "-o", "rows.png"]
    environment = os.environ | {"MPLBACKEND": "nosuch"}
    subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True)
    assert (tmp_path / "rows.png").stat().st_size > 1000


def test_a_full_standard_output():
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*BUILD[:3], "doctor", "--json"], stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "msq-finn: no space left to write standard output, or another file"
    ]


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_read_only_folder(refused, model, tmp_path):
    (tmp_path / "locked").mkdir(mode=0o500)
    refused("build", model, "-o", "locked", text="Permission denied; choose another --out")
    refused("build", model, "-o", "locked/out", text="Permission denied; choose another --out")


@pytest.mark.slow
def test_killed_builds_do_not_stop_a_later_one(model, tmp_path):
    """Programs that a killed build had started may still run beside the next build."""
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")}
    command = [*BUILD, "-o", "out", "--images", "2"]
    results = tmp_path / "out" / "summary.json"
    rng = random.Random(5)
    longest = 4.0
    for _ in range(KILLS):
        with (tmp_path / "errors").open("w") as errors:
            run = subprocess.Popen(
                command, cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL, stderr=errors
            )
            time.sleep(rng.uniform(0.5, longest))
            ended = run.poll()
            run.kill()
            run.wait()
        assert not (tmp_path / "errors").read_text()
        # Later kills hit later stages, up to runs that end before.
        longest = longest if ended is not None else longest * 1.3
        if results.exists():
            json.loads(results.read_text())
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    summary = json.loads(results.read_text())
    assert summary["rtl_mismatches"] == 0 and summary["images_simulated"] == 2


PLAN = [*BUILD[:3], "plan", "model.onnx", "--max-throughput", "-o", "plan.yaml"]
DEMO = [*BUILD[:3], "demo", "-o", "out", "--epochs", "2"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "result", "longest"), [(PLAN, "plan.yaml", 12), (DEMO, "out/summary.json", 60)]
)
def test_killed_runs_leave_whole_results_or_none(model, tmp_path, command, result, longest):
    """Kills at random moments; then a run to the end."""
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")}
    rng = random.Random(6)
    quiet = {"cwd": tmp_path, "env": environment, "stdout": subprocess.DEVNULL}
    wrong = []
    for _ in range(KILLS):
        with (tmp_path / "errors").open("w") as errors:
            run = subprocess.Popen(command, stderr=errors, **quiet)
            try:
                run.wait(rng.uniform(0.5, longest))
            except subprocess.TimeoutExpired:
                run.kill()
                run.wait()
        wrong.append((tmp_path / "errors").read_text())
        if (tmp_path / result).exists():
            text = (tmp_path / result).read_text()
            assert Plan.load(tmp_path / result) if command is PLAN else json.loads(text)
    assert not any(wrong), wrong
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True, timeout=1200, **quiet)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / result).exists()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["demo", "build"])
def test_ctrl_c_at_any_moment(model, tmp_path, name):
    """One line at the first Ctrl-C, which a terminal sends to every process of a run."""
    arguments = {"demo": ["demo", "--epochs", "2"], "build": ["build", "model.onnx"]}[name]
    command = [*BUILD[:3], *arguments, "-o", "out"]
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")}
    shared = {"cwd": tmp_path, "env": environment, "stdout": subprocess.DEVNULL}
    for moment in np.linspace(1, 15, 25):  # Python itself takes a part of the first second
        run = subprocess.Popen(
            command,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            **shared,
        )
        time.sleep(moment)
        if run.poll() is None:
            os.killpg(run.pid, signal.SIGINT)
        _, err = run.communicate(timeout=20)
        assert (run.returncode, err.split()) in [
            (1, ["Aborted!"]),
            (0, []),
            (-signal.SIGINT, []),  # Python was already about to end
        ]
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True, timeout=1200, **shared)
    assert done.returncode == 0, done.stderr
