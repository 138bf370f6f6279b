"""Malformed input that is refused before FINN sees it."""

from __future__ import annotations

import os
import sys

import pytest

from .conftest import REACHED
from .files import broken_arrays, broken_foldings, damaged_files
from .graphs import wrong_graphs
from .models import as_bytes, valid

pytestmark = pytest.mark.usefixtures("checks_only")


def cases(generator):
    return [pytest.param(*rest, id=name) for name, *rest in generator]


GRAPHS, ARRAYS, FOLDINGS = (
    cases(wrong_graphs()),
    cases(broken_arrays()),
    cases(broken_foldings()),
)


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(as_bytes(valid()))
    return path


def test_the_valid_model_passes(refused, model):
    refused("build", model, "-o", "out", text=REACHED)


def test_damaged_files(refused, tmp_path):
    """Each in one line; most before FINN sees it."""
    found = 0
    for name, contents, text in damaged_files():
        (tmp_path / "model.onnx").write_bytes(as_bytes(contents))
        line = refused("build", "model.onnx", "-o", "out", text=text)
        assert not (text and REACHED in line), name
        found += REACHED not in line
    assert found >= 0.7 * len(list(damaged_files()))


@pytest.mark.parametrize(("graph", "text"), GRAPHS)
def test_wrong_graphs(refused, tmp_path, graph, text):
    (tmp_path / "model.onnx").write_bytes(as_bytes(graph))
    line = refused("build", "model.onnx", "-o", "new/out", text="model.onnx: ")
    assert text in line and REACHED not in line


def test_domains_are_no_modules_to_import(refused, tmp_path, monkeypatch):
    """QONNX imports the Python module that an op's domain names."""
    (tmp_path / "evil").mkdir()
    (tmp_path / "evil" / "ops.py").write_text("open('pwned', 'w')")
    monkeypatch.syspath_prepend(str(tmp_path))
    graph = next(case.values[0] for case in GRAPHS if case.id == "domain evil.ops")
    (tmp_path / "model.onnx").write_bytes(as_bytes(graph))
    refused("build", "model.onnx", "-o", "out", text="unknown domain 'evil.ops'")
    assert "evil.ops" not in sys.modules


@pytest.mark.parametrize(("contents", "text"), ARRAYS)
def test_broken_images(refused, tmp_path, model, contents, text):
    (tmp_path / "images.npy").write_bytes(contents)
    line = refused("build", model, "--inputs", "images.npy", "-o", "out", text=text)
    assert not (text and REACHED in line)


@pytest.mark.parametrize(("contents", "text"), FOLDINGS)
def test_broken_folding_files(refused, tmp_path, model, contents, text):
    (tmp_path / "folding.json").write_bytes(contents)
    refused("build", model, "--folding-config", "folding.json", "-o", "out", text=text)


NAMES = [
    "$(touch pwned).onnx",
    "`touch pwned`.onnx",
    "a;touch pwned;.onnx",
    "a b\tc.onnx",
    "a\nb.onnx",
    "\x1b[31mred.onnx",
    "'\"\\.onnx",
    "*?[x].onnx",
    "%s%n{0}.onnx",
    "-rf",
    "żółć ∑.onnx",
    "‮onnx.exe",
    os.fsdecode(b"\xff\xfe.onnx"),
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("option", ["model", "--inputs", "--folding-config"])
def test_strange_names(refused, tmp_path, model, name, option):
    path = tmp_path / name
    at = [path] if option == "model" else [model, option, path]
    refused("build", *at, "-o", "out", text="no such file")
    path.write_bytes(b"no such thing")
    refused("build", *at, "-o", "out", text="not a ")
    path.unlink()
    path.mkdir()
    refused("build", *at, "-o", "out", text="not a file")
    path.rmdir()
    path.symlink_to(name)
    refused("build", *at, "-o", "out", text="cannot be read")


@pytest.mark.parametrize(
    "name", ["/dev/null", "/dev/zero", "/proc/self/mem", "x" * 300, "a/b/c", ""]
)
@pytest.mark.parametrize("option", ["model", "--inputs", "--folding-config"])
def test_what_is_no_file_to_read(refused, model, name, option):
    at = [name] if option == "model" else [model, option, name]
    refused("build", *at, "-o", "out")


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
@pytest.mark.parametrize("option", ["model", "--inputs", "--folding-config"])
def test_unreadable_files(refused, tmp_path, model, option):
    path = tmp_path / "locked"
    path.write_bytes(as_bytes(valid()))
    path.chmod(0)
    at = [path] if option == "model" else [model, option, path]
    refused("build", *at, "-o", "out", text="cannot be read (Permission denied)")


OPTIONS = [
    ("--seed", "-1"),
    ("--seed", "1e3"),
    ("--seed", str(2**64)),
    ("--target-fps", "0"),
    ("--target-fps", "many"),
    ("--clk", "0"),
    ("--clk", "-5ns"),
    ("--clk", "nanns"),
    ("--clk", "infMHz"),
    ("--images", "1"),
    ("--images", "-3"),
    ("--board", ""),
    ("--board", "$(touch pwned)"),
    ("--board", "pynq-z1\x1b[2J"),
    ("--nonsense",),
    ("--out",),
    ("another.onnx",),
]


@pytest.mark.parametrize("options", OPTIONS, ids=" ".join)
def test_wrong_options(refused, model, options):
    assert REACHED not in refused("build", model, "-o", "out", *options)


@pytest.mark.parametrize(
    "arguments",
    [
        ("demo", "--epochs", "0"),
        ("demo", "--seed", "x"),
        ("demo", "--board", "Basys"),
        ("demo", "now"),
        ("doctor", "--fix"),
        ("doctor", "me"),
        ("build",),
        ("biuld", "model.onnx"),
        ("--verbose", "doctor"),
    ],
    ids=" ".join,
)
def test_wrong_command_lines(refused, arguments):
    refused(*arguments)


def test_a_file_in_the_way_of_the_results(refused, tmp_path, model):
    (tmp_path / "file").touch()
    refused("build", model, "-o", "file")
    refused("build", model, "-o", "file/out", text="Not a directory; choose another --out")


@pytest.mark.parametrize("name", ["/proc/out", "/sys/out", "x" * 300])
def test_results_where_nothing_can_be_written(refused, model, name):
    refused("build", model, "-o", name, text="choose another --out")


@pytest.mark.parametrize("name", ["a$HOME", "a`b", 'a"b', "a\nb", os.fsdecode(b"\xff")])
def test_result_folders_that_tools_cannot_name(refused, model, name):
    refused("build", model, "-o", name, text="choose another --out")
