"""Networks that a Python function builds, and functions that build none."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from msq_finn.cli import main
from msq_finn.errors import MsqError
from msq_finn.plan.frontend.source import built

MODULE = """
import os
import shutil
import sys
import brevitas.nn as qnn
import torch
from torch import nn
from brevitas.quant import Int8WeightPerTensorFloat
from msq_finn.models import ActQuant, PixelQuant
from msq_finn.quant import MSQWeightPerChannelFloat

def linear():
    return qnn.QuantLinear(4, 4, bias=False)

def leaves():
    sys.exit(0)

def narrow(size):
    return qnn.QuantLinear(size, size)

def nothing():
    pass

def kind():
    return nn.Sequential

def deep():
    return deep()

def screams():
    raise ValueError("two\\nlines \\x1b[31m")

def removes():
    shutil.rmtree(os.getcwd())
    return network()

def network(*between, of=1.0):
    made = nn.Sequential(
        qnn.QuantIdentity(act_quant=PixelQuant),
        qnn.QuantLinear(4, 4, bias=False, weight_quant=MSQWeightPerChannelFloat),
        qnn.QuantReLU(act_quant=ActQuant),
        *between,
        qnn.QuantLinear(4, 4, bias=False, weight_quant=Int8WeightPerTensorFloat),
    )
    made[-1].weight.data[1, 2] *= of
    return made

def nan_weights():
    return network(of=float("nan"))

def inf_rows():
    made = network()
    made[1].weight.data[3, 0] = float("inf")
    return made

def floats():
    return nn.Linear(4, 4)

def empty():
    return nn.Sequential()

class Spectrum(nn.Module):
    def forward(self, x):
        print("called")
        return torch.fft.fft(x).real

class Endless(nn.Module):
    def forward(self, x):
        return self(x)

class Pair(nn.Module):
    def forward(self, x):
        return x, x

def spectrum():
    return network(Spectrum())

def endless():
    return nn.Sequential(qnn.QuantLinear(4, 4), Endless())

def pair():
    return nn.Sequential(qnn.QuantLinear(4, 4), Pair())
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
    first, second = (built(name, "linear").weight.detach() for _ in range(2))
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
        ("net_uses", "import nowhere", "f", "importing net_uses failed (ModuleNotFoundError: No"),
        (
            "net_other",
            "from os import nowhere",
            "f",
            "importing net_other failed (ImportError",
        ),
        ("net_arity", MODULE, "narrow", "calling it without arguments failed (TypeError: narrow()"),
        ("net_nothing", MODULE, "nothing", "returned a NoneType, not a torch.nn.Module"),
        ("net_kind", MODULE, "kind", "returned a type, not a torch.nn.Module"),
        ("net_deep", MODULE, "deep", "calling it without arguments failed (RecursionError: max"),
        ("net_lines", MODULE, "screams", r"calling it without arguments failed (ValueError: two "),
        ("net_removes", MODULE, "removes", "removed the folder that the command runs in"),
    ],
)
def test_functions_that_build_nothing(module, name, text, function, message):
    where = f"{module(name, text)}:{function}"
    done = CliRunner().invoke(main, ["plan", where, "--input-shape", "4", "--max-throughput"])
    assert done.exit_code == 2
    assert done.stderr.splitlines()[-1].startswith(f"msq-finn: {where}: {message}"), done.stderr


@pytest.mark.parametrize(
    ("function", "message"),
    [
        ("nan_weights", "has nan at index (1, 2); check the training for divergence"),
        ("inf_rows", "layer 1: weight inf at row 3, column 0"),
        ("floats", "none of its weights are quantized; build it of Brevitas's layers, as"),
        ("empty", "none of its weights are quantized; build it of Brevitas's layers, as"),
        ("spectrum", "cannot be exported for inputs of 4: Exporting the operator 'aten::fft_fft'"),
        ("endless", "cannot be exported for inputs of 4: maximum recursion depth exceeded"),
        ("pair", "is given twice, as two outputs"),
    ],
)
def test_networks_that_cannot_be_planned(module, tmp_path, capfd, function, message):
    where = f"{module('net_unfit')}:{function}"
    started = time.monotonic()
    # Not click's runner, which does not see what is written past Python.
    with pytest.raises(SystemExit) as ended:
        main(["plan", where, "--input-shape", "4", "--max-throughput"])
    assert ended.value.code == 2 and time.monotonic() - started < 10
    printed, told = capfd.readouterr()
    lines = [line for line in told.splitlines() if line != "called"]
    assert len(lines) == 1 and not printed, (told, printed)
    assert lines[0].startswith(f"msq-finn: {function}: ") and message in lines[0]
    assert "tmp" not in lines[0]
    assert not (tmp_path / "plan.yaml").exists()


def test_functions_that_go_elsewhere(module, tmp_path):
    """The plan lies where the user is."""
    name = module("net_goes", MODULE + "\ndef goes():\n    os.chdir('/')\n    return linear()\n")
    built(name, "goes")
    assert Path.cwd() == tmp_path


def test_a_function_that_is_not_there(module):
    with pytest.raises(MsqError, match="no such file, and no such function"):
        built(module("net_none"), "missing")


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


def test_layers_that_stay_finns_are_planned(module, tmp_path):
    where = f"{module('net_wide', WIDE_FIRST)}:network"
    options = ["--input-shape", "8", "--max-throughput", "-o", "plan.yaml"]
    done = CliRunner().invoke(main, ["plan", where, *options])
    assert done.exit_code == 0 and "warning" not in done.stderr, done.output
    (node,) = yaml.safe_load((tmp_path / "plan.report.yaml").read_text())["nodes"][:1]
    assert (node["name"], node["what"]) == ("MVAU_rtl_0", "layer 1, 16x8, INT8")
    assert node["resources"]["dsp"] > 0


def test_what_functions_print_is_no_part_of_the_json(module, tmp_path):
    noisy = WIDE_FIRST.replace("    return", "    print('made')\n    return") + "\nprint('read')\n"
    where = f"{module('net_noisy', noisy)}:network"
    options = ["--input-shape", "8", "--max-throughput", "-o", "plan.yaml", "--json"]
    done = CliRunner().invoke(main, ["plan", where, *options])
    assert json.loads(done.stdout)["plan"]["board"] == "Pynq-Z1"
    assert done.stderr.splitlines()[:2] == ["read", "made"]
