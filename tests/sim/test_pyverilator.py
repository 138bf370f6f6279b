"""PyVerilator's names on our simulations, as upstream FINN's main line calls them."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

from msq_finn.errors import MsqError
from msq_finn.sim import pyverilator

FOLDER = str(Path(__file__).parent)


@pytest.fixture
def utilities(monkeypatch):
    for name in ("pyverilator", "pyverilator.util", "pyverilator.util.axi_utils"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    pyverilator.install()
    yield importlib.import_module("pyverilator.util.axi_utils")
    for name in ("pyverilator", "pyverilator.util", "pyverilator.util.axi_utils"):
        sys.modules.pop(name, None)


@pytest.fixture
def adder(utilities, tmp_path):
    kind = importlib.import_module("pyverilator").PyVerilator
    options = {"trace_depth": 1, "read_internal_signals": True, "extra_args": ["-Wno-WIDTH"]}
    built = kind.build("adder.sv", [FOLDER], str(tmp_path), top_module_name="adder", **options)
    opened = kind(built.lib._name, auto_eval=False)
    utilities.reset_rtlsim(opened)
    yield opened
    opened.design.close()
    built.design.close()


def words(first, second):
    return {"inputs": {"a": first, "b": second}, "outputs": {"s": []}}


def test_streams_and_ports(utilities, adder):
    streams = words([1, 2, 3], [10, 20, 300])
    cycles = utilities.rtlsim_multi_io(adder, streams, 3, sname="")
    assert streams["outputs"]["s"] == [11, 22, 303] and 3 <= cycles < 20
    adder.io.a_tdata = 5
    adder.io["b_TDATA"] = 2**16 - 1
    for name in ("a_tvalid", "b_TVALID", "s_tready"):
        setattr(adder.io, name, 1)
    utilities.toggle_clk(adder)
    assert adder.io.s_tdata == utilities._read_signal(adder, "s_tdata") == 2**16 + 4


def test_what_it_does_not_do_is_said(utilities, adder, tmp_path):
    with pytest.raises(MsqError, match="verify_save_rtlsim_waveforms"):
        utilities.rtlsim_multi_io(adder, words([1], [1]), 1, trace_file="trace.vcd", sname="")
    with pytest.raises(MsqError, match="step_msq_size_fifos"):
        utilities.rtlsim_multi_io(adder, words([1], [1]), 1, sname="", hook_preclk=print)
    with pytest.raises(MsqError, match=r"starved after 10 idle cycles.*'s': 1"):
        utilities.rtlsim_multi_io(adder, words([1], [1]), 2, sname="", liveness_threshold=10)
    with pytest.raises(MsqError, match=r"nowhere\.v: no such file"):
        pyverilator.PyVerilator.build(["nowhere.v"], [FOLDER], str(tmp_path))


def test_modules_beneath_are_found_in_the_folders(tmp_path):
    texts = {
        "top.v": "module top(input a, output b); middle i(.a(a), .b(b)); endmodule",
        "middle.sv": "module middle(input a, output b); import kit_pkg::*; assign b = a; endmodule",
        "kit_pkg.sv": "package kit_pkg; endpackage",
        "template.v": "module $NAME$; endmodule",
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    found = pyverilator._with_modules([tmp_path / "top.v"], [tmp_path])
    assert [path.name for path in found] == ["top.v", "middle.sv", "kit_pkg.sv"]
