"""What a user sees when something is wrong: one line, the right exit code, nothing left behind."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import tomllib
from importlib.metadata import version
from pathlib import Path

import numpy as np
import onnx
import pytest
from click.testing import CliRunner
from onnx import TensorProto, helper
from rich.table import Table

from msq_finn.cli import main
from msq_finn.cli.console import console, progress_bars, progress_lines


def msq_finn(*arguments):
    return CliRunner().invoke(main, [str(a) for a in arguments])


@pytest.fixture
def good_model(tmp_path):
    """A small ONNX model; enough for checks that come before any lowering."""
    info = helper.make_tensor_value_info
    quantizer = helper.make_node(
        "Quant",
        ["x", "scale", "zero", "bits"],
        ["y"],
        domain="qonnx.custom_op.general",
        signed=1,
        narrow=0,
        rounding_mode="ROUND",
    )
    graph = helper.make_graph(
        [quantizer],
        "tiny",
        [info("x", TensorProto.FLOAT, [1, 4])],
        [info("y", TensorProto.FLOAT, [1, 4])],
        [
            helper.make_tensor(name, TensorProto.FLOAT, [], [value])
            for name, value in (("scale", 1), ("zero", 0), ("bits", 4))
        ],
    )
    path = tmp_path / "model.onnx"
    opsets = [helper.make_opsetid(domain, n) for domain, n in (("", 13), (quantizer.domain, 2))]
    onnx.save(helper.make_model(graph, opset_imports=opsets), str(path))
    return path


def as_user(*arguments, **options):
    """Start the command as a process of its own, without a terminal."""
    program = [sys.executable, "-c", "from msq_finn.cli import main; main()"]
    return subprocess.Popen(
        [*program, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A shell's background job, which the tests may be, hands on that Ctrl-C is ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        **options,
    )


def assert_refused(result, text, out):
    assert result.exit_code == 2, result.output
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1, lines
    assert lines[0].startswith("msq-finn: ") and text in lines[0]
    assert not out.exists()


def test_a_missing_file(tmp_path):
    out = tmp_path / "out"
    result = msq_finn("build", tmp_path / "none.onnx", "--board", "Pynq-Z1", "-o", out)
    assert_refused(result, "none.onnx: no such file", out)


def test_a_truncated_model(tmp_path, good_model):
    out, cut = tmp_path / "out", tmp_path / "cut.onnx"
    cut.write_bytes(good_model.read_bytes()[:-7])
    assert_refused(msq_finn("build", cut, "-o", out), "not a complete ONNX file", out)


def test_an_empty_file(tmp_path):
    out, empty = tmp_path / "out", tmp_path / "empty.onnx"
    empty.touch()
    assert_refused(msq_finn("build", empty, "-o", out), "no ONNX model in it", out)


def test_an_unknown_board(tmp_path, good_model):
    out = tmp_path / "out"
    result = msq_finn("build", good_model, "--board", "Pynq-Z99", "-o", out)
    assert_refused(result, "unknown board 'Pynq-Z99'; FINN knows ", out)
    assert_refused(msq_finn("demo", "--board", "Pynq-Z99", "-o", out), "unknown board", out)


def test_a_folding_configuration_that_is_no_json(tmp_path, good_model):
    out, bad = tmp_path / "out", tmp_path / "folding.json"
    bad.write_text("{")
    result = msq_finn("build", good_model, "--folding-config", bad, "-o", out)
    assert_refused(result, "not a JSON file", out)


@pytest.mark.parametrize(
    ("array", "text"),
    [
        (np.zeros((3, 5)), "the model wants"),
        (np.full((3, 4), np.nan), "no finite numbers"),
        (np.array([["a"] * 4] * 3), "no finite numbers"),
    ],
)
def test_images_that_do_not_fit(tmp_path, good_model, array, text):
    out, images = tmp_path / "out", tmp_path / "images.npy"
    np.save(images, array)
    assert_refused(msq_finn("build", good_model, "--inputs", images, "-o", out), text, out)


def test_pickled_images_are_not_loaded(tmp_path, good_model):
    out, images = tmp_path / "out", tmp_path / "images.npy"
    np.save(images, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    result = msq_finn("build", good_model, "--inputs", images, "-o", out)
    assert_refused(result, "not a NumPy array file", out)


def test_doctor_lists_every_tool():
    result = msq_finn("doctor", "--json")
    checks = {check["name"]: check for check in json.loads(result.stdout)["checks"]}
    tools = ("Verilator", "Yosys", "g++", "make", "FINN", "Icarus Verilog", "Vivado")
    assert list(checks) == [*tools, "slang and Tcl"]
    assert checks["FINN"]["severity"] == "ok" and checks["FINN"]["found"].startswith("finn-plus ")
    for check in checks.values():
        assert bool(check["suggestion"]) == (check["found"] is None)


def test_doctor_names_what_a_missing_tool_costs(monkeypatch):
    monkeypatch.setenv("PATH", "")
    result = msq_finn("doctor", "--json")
    missing = {
        c["name"]: c for c in json.loads(result.stdout)["checks"] if c["severity"] == "error"
    }
    assert {"g++", "make"} <= set(missing)
    assert missing["g++"]["message"] == "no RTL simulation"
    assert result.exit_code == 1


def test_doctor_says_that_a_vivado_is_not_where_it_is_said_to_be(tmp_path, monkeypatch):
    monkeypatch.setenv("XILINX_VIVADO", str(tmp_path / "2024.2"))
    result = msq_finn("doctor", "--json")
    vivado = {c["name"]: c for c in json.loads(result.stdout)["checks"]}["Vivado"]
    assert vivado["found"] is None and vivado["severity"] == "error"
    assert f"XILINX_VIVADO names {tmp_path}/2024.2, which is no folder" in vivado["message"]
    assert "unset XILINX_VIVADO" in vivado["suggestion"]
    (tmp_path / "2024.2").mkdir()
    assert json.loads(msq_finn("doctor", "--json").stdout)["checks"][-1]["severity"] == "ok"


WIDE = ("a_name_that_is_longer_than_a_column", *["4096000", "-1234567.5", "12 of 64"] * 2)


@pytest.mark.parametrize("terminal", [False, True])
def test_tables_lose_no_digit_and_no_letter(capsys, monkeypatch, terminal):
    if terminal:
        monkeypatch.setenv("FORCE_COLOR", "1")
        monkeypatch.setenv("TERM", "dumb")
        monkeypatch.setenv("COLUMNS", "40")
    table = Table("layer", *"abcdef")
    table.add_row(*WIDE)
    console().print(table)
    text = re.sub("\x1b.*?m", "", capsys.readouterr().out)
    assert "…" not in text
    assert text.count("4096000") == 2 and text.count("-1234567.5") == 2
    rows = [line.split("│") for line in text.splitlines() if line.startswith("│")]
    assert "".join(row[1].strip() for row in rows) == WIDE[0]


def test_texts_of_users_are_no_markup(capsys):
    table = Table("layer", "[b]")
    table.add_row("[/x]", ":smile: [red]")
    console().print(table, "Written to o[/b]")
    text = capsys.readouterr().out
    for part in ("[b]", "[/x]", ":smile: [red]", "Written to o[/b]"):
        assert part in text


def test_a_stage_named_like_markup_has_a_progress_bar(monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    with progress_bars() as progress:
        progress("o[/b]: [/x]", 0, 2)
        progress("o[/b]", 2, 2)


@pytest.mark.parametrize("command", [[], *([name] for name in sorted(main.commands))], ids=str)
def test_help_has_an_example(command):
    if command == ["finn"]:
        assert "Example: msq-finn finn " in main.commands["finn"].help
        return  # prints FINN's own help
    result = msq_finn(*command, "--help")
    assert result.exit_code == 0
    assert " ".join(["Example: msq-finn", *command]) in result.stdout


def test_every_command_but_finns_has_json():
    options = {name: [p.name for p in c.params] for name, c in main.commands.items()}
    assert [name for name, found in options.items() if "as_json" not in found] == ["finn"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_get_completion(shell):
    result = CliRunner().invoke(
        main, [], prog_name="msq-finn", env={"_MSQ_FINN_COMPLETE": f"{shell}_source"}
    )
    assert "_MSQ_FINN_COMPLETE" in result.stdout and "msq-finn" in result.stdout


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("msq-finn do", ["plain,doctor"]),
        ("msq-finn plan --board pynq-z", ["plain,Pynq-Z1", "plain,Pynq-Z2"]),
        ("msq-finn build --start s", ["plain,simulate", "plain,synth"]),
    ],
)
def test_completion(words, found):
    environment = {"COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    result = CliRunner().invoke(
        main, [], prog_name="msq-finn", env={"_MSQ_FINN_COMPLETE": "bash_complete", **environment}
    )
    assert result.stdout.split() == found


def test_the_version_stands_in_one_place_and_the_citation_has_it():
    root = Path(__file__).parents[1]
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    assert "version" not in project and "version" in project["dynamic"]
    assert f"\nversion: {version('msq-finn')}\n" in (root / "CITATION.cff").read_text()


def test_json_names_its_schema_and_the_tools():
    data = json.loads(msq_finn("doctor", "--json").stdout)
    assert data["schema_version"] == 1
    assert data["versions"]["msq-finn"] == version("msq-finn")
    for name in ("qonnx", "brevitas", "torch", "onnx", "finn-plus", "verilator", "pyosys"):
        assert data["versions"][name] == version(name)


def test_no_colours_where_there_is_no_terminal():
    run = as_user("doctor", env={**os.environ, "TERM": "xterm-256color"})
    out, err = run.communicate(timeout=60)
    assert "Verilator" in out
    assert "\x1b" not in out + err


def test_debug_shows_the_traceback(tmp_path):
    short, long = (msq_finn(*flag, "build", tmp_path / "none.onnx") for flag in ([], ["--debug"]))
    assert "Traceback" not in short.stderr
    assert long.stderr.startswith("Traceback (most recent call last):")
    assert long.stderr.splitlines()[-1] == short.stderr.strip()


def test_ctrl_c_leaves_earlier_results(tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "summary.json").write_text("earlier")
    run = as_user("demo", "-o", "out", "--epochs", 10_000, cwd=tmp_path)
    while not (out / "build").exists():
        assert run.poll() is None
        time.sleep(0.1)
    time.sleep(1)
    run.send_signal(signal.SIGINT)
    _, err = run.communicate(timeout=30)
    assert run.returncode == 1
    assert err.split() == ["Aborted!"]
    assert {path.name for path in out.iterdir()} <= {"summary.json", "build", ".msq-finn.lock"}
    assert (out / "summary.json").read_text() == "earlier"


def test_ctrl_c_ends_imports_that_would_lose_it(tmp_path):
    """As torch's own imports do, the package here goes on after whatever is raised in it."""
    (tmp_path / "stubborn.py").write_text(
        "import time\n"
        "try:\n"
        "    print('importing', flush=True)\n"
        "    time.sleep(30)\n"
        "except BaseException:\n"
        "    pass\n"
    )
    command = "from msq_finn.cli import main\n@main.command()\ndef load(): import stubborn\nmain()"
    run = subprocess.Popen(
        [sys.executable, "-c", command, "load"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert run.stdout.readline() == "importing\n"
    run.send_signal(signal.SIGINT)
    _, err = run.communicate(timeout=10)
    assert run.returncode == 1
    assert err == "\nAborted!\n"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (b"board: [", "not a YAML file (line 1); mend it"),
        (b"board: \xff", "not a YAML file; mend it"),
        (b"- board", "no options in it; write lines such as 'board: Pynq-Z1'"),
        (b"", "no options in it"),
    ],
)
def test_finn_gets_no_configuration_that_it_cannot_read(tmp_path, good_model, text, error):
    path = tmp_path / "build.yaml"
    path.write_bytes(text)
    assert_refused(msq_finn("finn", "build", path, good_model), error, tmp_path / "out")


@pytest.mark.parametrize(
    ("line", "error"),
    [
        # FINN's builder returns -1 here, its command line 0.
        ("steps: [step_that_is_none]", "step_that_is_none"),
        ("verify_steps: [none]", 'msq-finn: FINN stopped: InvalidFieldValue: Field "verify_steps"'),
    ],
)
def test_finns_command_line_fails_where_its_build_fails(tmp_path, good_model, line, error):
    (tmp_path / "build.yaml").write_text(
        "board: Pynq-Z1\nsynth_clk_period_ns: 10.0\ngenerate_outputs: []\noutput_dir: out\n"
        f"target_fps: 100\n{line}\n"
    )
    options = ["--skip-dep-update", "--accept-defaults", "--batch", "build.yaml", good_model]
    environment = {k: v for k, v in os.environ.items() if k != "XILINX_VIVADO"}
    run = as_user("finn", "build", *options, cwd=tmp_path, env=environment)
    out, err = run.communicate(timeout=120)
    assert error in out + err
    assert run.returncode in (1, 2), out + err
    assert "unexpected" not in err


def test_piped_progress_is_a_line_now_and_then(capsys):
    with progress_lines(0.05) as report:
        report("RTL simulation: compiling", 0, 40)
        time.sleep(0.2)
        report("RTL simulation", 10, 40)
        time.sleep(0.2)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "msq-finn: RTL simulation: compiling, 0 of 40, for 0 s"
    assert lines[-1].startswith("msq-finn: RTL simulation, 10 of 40, for 0 s, ")
    assert lines[-1].endswith(" s left")


def test_piped_progress_of_what_is_over_soon_is_silent(capsys):
    with progress_lines(10) as report:
        report("RTL simulation", 40, 40)
    assert capsys.readouterr().err == ""
