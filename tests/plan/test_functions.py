"""Networks that a Python function builds, and functions that build none."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from msq_finn.cli import main
from msq_finn.errors import MsqError
from msq_finn.plan.source import _built

MODULE = """
import sys
import brevitas.nn as qnn

def linear():
    return qnn.QuantLinear(4, 4, bias=False)

def leaves():
    sys.exit(0)
"""


@pytest.fixture
def module(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def write(name, text=MODULE):
        (tmp_path / f"{name}.py").write_text(text)
        return name

    return write


def test_weights_are_the_same_each_time(module):
    name = module("net_same")
    first, second = (_built(name, "linear").weight.detach() for _ in range(2))
    assert (first == second).all()


@pytest.mark.parametrize(
    ("name", "text", "function", "message"),
    [
        ("net_exits", MODULE, "leaves", "calling it without arguments failed (SystemExit: 0)"),
        (
            "net_leaves",
            "import sys\nsys.exit(0)",
            "f",
            "importing net_leaves failed (SystemExit: 0)",
        ),
        ("net_syntax", "def f(:", "f", "importing net_syntax failed (SyntaxError: invalid syntax"),
        (
            "net_zero",
            "1 / 0",
            "f",
            "importing net_zero failed (ZeroDivisionError: division by zero)",
        ),
    ],
)
def test_functions_that_build_nothing(module, name, text, function, message):
    where = f"{module(name, text)}:{function}"
    done = CliRunner().invoke(main, ["plan", where, "--input-shape", "4", "--max-throughput"])
    assert done.exit_code == 2
    assert done.stderr.splitlines()[-1].startswith(f"msq-finn: {where}: {message}"), done.stderr


def test_a_function_that_is_not_there(module):
    with pytest.raises(MsqError, match="no such file, and no such function"):
        _built(module("net_none"), "missing")
