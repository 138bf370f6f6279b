"""Networks that a Python function builds, and functions that build none."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from msq_finn.cli import main
from msq_finn.errors import MsqError
from msq_finn.plan.planfile import Plan
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


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--target-fps", "nan"], "--target-fps nan: give a finite number of frames per second"),
        (["--max-throughput", "-o", "none/plan.yaml"], "none/plan.yaml"),
    ],
)
def test_what_cannot_be_is_said_before_the_search(module, options, message):
    where = f"{module('net_fine')}:linear"
    done = CliRunner().invoke(main, ["plan", where, "--input-shape", "4", *options])
    assert done.exit_code == 2 and message in done.stderr, done.stderr
    assert len(done.stderr.splitlines()) == 1


WIDE_FIRST = """
import brevitas.nn as qnn
from torch import nn
from brevitas.quant import Int8WeightPerTensorFloat
from msq_finn.models import ActQuant, PixelQuant
from msq_finn.quant import MSQWeightPerChannelFloat

def network():
    return nn.Sequential(
        qnn.QuantIdentity(act_quant=PixelQuant),
        qnn.QuantLinear(8, 16, bias=False, weight_quant=Int8WeightPerTensorFloat),
        qnn.QuantReLU(act_quant=ActQuant),
        qnn.QuantLinear(16, 8, bias=False, weight_quant=MSQWeightPerChannelFloat),
    )
"""


def test_layers_that_stay_finns_are_named(module, tmp_path):
    where = f"{module('net_wide', WIDE_FIRST)}:network"
    options = ["--input-shape", "8", "--max-throughput", "-o", "plan.yaml"]
    done = CliRunner().invoke(main, ["plan", where, *options])
    assert done.exit_code == 0, done.output
    assert "warning: MVAU_rtl_0 (16x8, INT8): layers that stay FINN's are not" in done.stderr
    assert Plan.load(tmp_path / "plan.yaml").not_planned == ["MVAU_rtl_0 (16x8, INT8)"]


def test_what_functions_print_is_no_part_of_the_json(module, tmp_path):
    noisy = WIDE_FIRST.replace("    return", "    print('made')\n    return") + "\nprint('read')\n"
    where = f"{module('net_noisy', noisy)}:network"
    options = ["--input-shape", "8", "--max-throughput", "-o", "plan.yaml", "--json"]
    done = CliRunner().invoke(main, ["plan", where, *options])
    assert json.loads(done.stdout)["board"] == "Pynq-Z1"
    assert done.stderr.splitlines()[:2] == ["read", "made"]
