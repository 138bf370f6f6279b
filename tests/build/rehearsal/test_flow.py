"""FINN's own steps against the stand-ins: a small network here, the demo among the long tests."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from msq_finn.build import report_files
from msq_finn.build.generate import generate
from msq_finn.build.output import output_folder
from msq_finn.build.publish import publish
from msq_finn.build.rehearsal import rehearse as module
from msq_finn.build.rehearsal.contents import traces
from msq_finn.build.rehearsal.marker import NO_BITFILE, is_marker
from msq_finn.build.rehearsal.rehearse import rehearse_build
from msq_finn.build.resume import record
from msq_finn.build.simulate import accelerator_inputs, executed, reference_outputs
from msq_finn.cli import main
from msq_finn.errors import MissingToolError, MsqError
from msq_finn.lowering.intermediate import path_of, save
from msq_finn.lowering.lower import Target
from msq_finn.nn import QuantGRU

from ..networks import exported, mixed_to_the_end
from ..test_recurrent import LastStates, made, saved

#: Three kernels and the whole, one of them also placed; two DMAs; the shell.
SCRIPTS = 4 + 1 + 2 + 1


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """What a build of a small network leaves, its images computed in Python, not simulated."""
    source = exported(mixed_to_the_end(), tmp_path_factory.mktemp("m") / "model.onnx", (1, 2, 4, 4))
    target = Target("Pynq-Z1", target_fps=300_000)
    return left_behind(source, target, (2, 4, 4), tmp_path_factory.mktemp("rehearsal") / "out")


def left_behind(source, target, shape, out):
    """What a build of a network leaves in ``out``, its images computed in Python."""
    with output_folder(out) as work:
        work = work.resolve()
        lowered = generate(source, target, work)
        record(work, source, target, 3, 0)
        images = np.random.default_rng(5).random((3, *shape), dtype=np.float32)
        inputs = accelerator_inputs(lowered, images)
        np.savez(
            work / report_files.REFERENCE,
            images=images,
            accelerator_inputs=inputs,
            accelerator_outputs=executed(lowered, inputs),
            outputs=reference_outputs(source, images),
        )
        (work / "report" / report_files.SIMULATION).write_text(
            json.dumps({"simulator": "none", "faults": []})
        )
        save(lowered.model, path_of(work, "step_msq_size_fifos"))
        shutil.copy(source, out / "model.onnx")
        (out / "report").mkdir(exist_ok=True)
    return out


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    """FINN waits a while for every file that a script names, lest a file system be slow."""
    from finn.transformation.fpgadataflow import create_stitched_ip

    monkeypatch.setattr(create_stitched_ip, "wait_for_file", lambda path, **_: path.is_file())


def contents(folder):
    """What a build may go on from, which a rehearsal leaves alone."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    kept = [path for path in files if "rehearsal" not in path.relative_to(folder).parts]
    return {path: path.read_bytes() for path in kept}


def test_a_small_network_is_complained_of_nowhere(built):
    before, files = dict(os.environ), contents(built / "build")
    result = CliRunner().invoke(main, ["rehearse", str(built), "--json"])
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert (found["complaints"], found["scripts"]) == ([], SCRIPTS)
    assert any("Vivado ran none" in text for text in found["not_shown"])
    assert any("HLS synthesis of IODMA_hls" in text for text in found["not_shown"])
    written = json.loads((built / "report/msq_rehearsal.json").read_text())
    assert written["complaints"] == [] and written["not_shown"] == found["not_shown"]
    changed = {name for name in before if os.environ.get(name) != before[name]}
    assert changed <= {"FINN_BUILD_DIR"} and "XILINX_VIVADO" not in os.environ
    left = [p.name for p in built.rglob("*") if p.suffix in (".bit", ".hwh") or p.name == "deploy"]
    assert left == [] and contents(built / "build") == files and len(files) > 40


def test_a_script_that_stops_ends_the_command_with_1(built, monkeypatch):
    """As FINN's did, whose folders were not named outside of its own command line."""
    genuine = module.step_msq_bitfile

    def without_a_name(model, cfg):
        monkeypatch.delenv("FINN_RTLLIB")
        return genuine(model, cfg)

    monkeypatch.setattr(module, "step_msq_bitfile", without_a_name)
    result = CliRunner().invoke(main, ["rehearse", str(built)])
    assert result.exit_code == 1
    complaint = 'complaint: make_project.tcl:3: can\'t read "::env(FINN_RTLLIB)": no such variable'
    assert complaint in result.stdout and "1 complaints, 1 scripts" in result.stdout


def test_a_stop_of_finns_own_is_a_complaint(built, monkeypatch):
    def stops(model, cfg):
        raise AssertionError("no second clock")

    monkeypatch.setattr(module, "step_msq_bitfile", stops)
    (complaint,) = rehearse_build(built).complaints
    assert str(complaint) == "FINN stopped: no second clock [flow]"


def test_steps_that_end_without_a_bitfile_are_complained_of(built, monkeypatch):
    monkeypatch.setattr(module, "step_msq_bitfile", lambda model, cfg: model)
    complaints = rehearse_build(built).complaints
    assert {complaint.rule for complaint in complaints} == {"flow"}
    assert "ended without bitfile/finn-accel.bit" in complaints[0].text
    assert "lacks the bitfile" in complaints[-1].text


def test_a_package_with_a_path_of_this_machine_is_complained_of(built, monkeypatch):
    genuine = module.deploy

    def with_a_path(lowered):
        package = genuine(lowered)
        (package / "driver" / "notes.txt").write_text(f"built in {lowered.folder}\n")
        return package

    monkeypatch.setattr(module, "step_msq_bitfile", lambda model, cfg: model)
    monkeypatch.setattr(module, "deploy", with_a_path)
    found = [c for c in rehearse_build(built).complaints if c.rule == "travel"]
    assert [c.text.split(" names ")[0] for c in found] == ["deploy/driver/notes.txt"]


def test_traces_of_a_machine(tmp_path, monkeypatch):
    monkeypatch.setattr(socket, "gethostname", lambda: "workstation-7")
    (tmp_path / "plain.txt").write_text("nothing")
    assert list(traces(tmp_path, [tmp_path, Path("/")])) == []
    (tmp_path / "data.bin").write_bytes(b"\0workstation-7\0")
    (tmp_path / "settings.json").write_text(json.dumps({"dir": str(tmp_path / "x")}))
    found = [finding.text for finding in traces(tmp_path, [tmp_path])]
    assert found == [
        "deploy/data.bin names workstation-7 of this machine",
        f"deploy/settings.json names {tmp_path} of this machine",
    ]


def test_a_rehearsals_bitfile_is_never_published(tmp_path):
    package = tmp_path / "package"
    package.mkdir()
    bitfile = package / "finn-accel.bit"
    bitfile.write_bytes(b"\x00\x09\x0f\xf0")
    assert not is_marker(bitfile)
    out = tmp_path / "out"
    out.mkdir()
    publish(out, {"summary.json": "{}"}, [], package)
    bitfile.write_text(NO_BITFILE)
    with pytest.raises(MsqError, match="is no bitfile but a rehearsal's"):
        publish(out, {"summary.json": "{}"}, [], package)
    assert not is_marker(out / "deploy/finn-accel.bit")


def test_without_tcl_or_slang_it_says_so(built, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "tkinter", None)
        with pytest.raises(MissingToolError, match=r"no Tcl in this Python .* python3-tk"):
            rehearse_build(built)
    monkeypatch.setitem(sys.modules, "pyslang", None)
    with pytest.raises(MissingToolError, match=r"no slang .* pip install pyslang"):
        rehearse_build(built)


def test_what_is_no_simulated_build_is_refused_in_one_line(tmp_path):
    result = CliRunner().invoke(main, ["rehearse", str(tmp_path)])
    assert result.exit_code == 2 and len(result.stderr.splitlines()) == 1
    assert f"no simulated build in {tmp_path}; run msq-finn build --until sim" in result.stderr


def test_a_board_without_a_zynq_is_refused(built, tmp_path):
    shutil.copytree(built, tmp_path / "out")
    options = tmp_path / "out/build/options.json"
    options.write_text(options.read_text().replace("Pynq-Z1", "U250"))
    with pytest.raises(MsqError, match="U250 has no Zynq"):
        rehearse_build(tmp_path / "out")


SPAWNED = """
import multiprocessing, sys
from pathlib import Path
from msq_finn.build.rehearsal.rehearse import rehearse_build

if __name__ == "__main__":
    multiprocessing.set_start_method("spawn", force=True)
    print([str(complaint) for complaint in rehearse_build(Path(sys.argv[1])).complaints])
"""


@pytest.mark.slow
def test_kernels_are_built_in_spawned_workers_too(built, tmp_path):
    """As FINN's own command line starts them; our ops are registered in none of them."""
    (tmp_path / "spawned.py").write_text(SPAWNED)
    workers = {"FINN_MP_START_METHOD": "spawn", "NUM_DEFAULT_WORKERS": "3"}
    done = subprocess.run(
        [sys.executable, tmp_path / "spawned.py", built],
        env=os.environ | workers, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout.splitlines()[-1:] == ["[]"], done.stderr[-2000:]


@pytest.mark.slow
@pytest.mark.parametrize("board", ["Pynq-Z1", "Ultra96"])
def test_the_demo_is_complained_of_nowhere(tmp_path, board):
    out = str(tmp_path / "out")
    arguments = ["demo", "--board", board, "--epochs", "2", "--out", out]
    assert CliRunner().invoke(main, arguments).exit_code == 0
    result = CliRunner().invoke(main, ["rehearse", out, "--json"])
    found = json.loads(result.stdout)
    assert (result.exit_code, found["complaints"], found["scripts"]) == (0, [], SCRIPTS)


@pytest.mark.slow
def test_lengths_that_are_written_are_complained_of_nowhere(tmp_path):
    """Of a layer in both directions, each with a register, in a kernel of its own."""
    source = saved(made(LastStates, QuantGRU), tmp_path / "model.onnx", (3, 6))
    target = Target("Pynq-Z1", target_fps=60_000, runtime_length=True)
    found = rehearse_build(left_behind(source, target, (3, 6), tmp_path / "out"))
    assert [str(complaint) for complaint in found.complaints] == []
    # Three kernels and the two layers' own beside those of a network that is written nowhere.
    assert found.scripts > SCRIPTS
