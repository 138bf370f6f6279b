"""The provider behind finn.xsi, below FINN's nodes."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from msq_finn.errors import MsqError

ADDER = str(Path(__file__).with_name("adder.sv"))


@pytest.fixture
def xsi(finn):
    return importlib.import_module("finn.xsi")


@pytest.fixture
def opened(xsi, tmp_path):
    """Open the adder; every simulation is closed at the end."""
    engines = []

    def open_adder(**options):
        folder, relative = xsi.compile_sim_obj(
            "adder", [ADDER], tmp_path, debug=bool(options.get("tracefile"))
        )
        engines.append(xsi.load_sim_obj(folder, relative, **options))
        xsi.reset_rtlsim(engines[-1])
        return engines[-1]

    yield open_adder
    for engine in engines:
        xsi.close_rtlsim(engine)


def stream(xsi, engine, first, second, count, **options):
    words = {"inputs": {"a": list(first), "b": list(second)}, "outputs": {"s": []}}
    cycles = xsi.rtlsim_multi_io(engine, words, count, sname="", **options)
    return words["outputs"]["s"], cycles


def test_compiled_drivers_agree_with_finns(xsi, opened, rng):
    from finn_xsi import adapter

    first, second = rng.integers(0, 2**15, (2, 60)).tolist()
    ours = stream(xsi, opened(), first, second, 60)
    words = {"inputs": {"a": first, "b": second}, "outputs": {"s": []}}
    theirs = adapter.rtlsim_multi_io(opened(), words, 60, sname="")
    assert ours == (words["outputs"]["s"], theirs)
    assert ours[0] == [a + b for a, b in zip(first, second, strict=True)]


def test_designs_of_one_name_in_one_folder_stay_apart(xsi, opened, tmp_path):
    open_first = opened()
    other = tmp_path / "other.sv"
    other.write_text(Path(ADDER).read_text().replace("{1'b0, a_tdata} + ", "{1'b0, a_tdata} - "))
    engine = xsi.load_sim_obj(*xsi.compile_sim_obj("adder", [str(other)], tmp_path))
    xsi.reset_rtlsim(engine)
    assert stream(xsi, engine, [9], [4], 1)[0] == [5]
    assert stream(xsi, open_first, [9], [4], 1)[0] == [13]
    xsi.close_rtlsim(engine)


def test_a_simulation_can_go_on(xsi, opened):
    engine = opened()
    assert stream(xsi, engine, [1, 2], [3, 4], 2)[0] == [4, 6]
    assert stream(xsi, engine, [5], [6], 1)[0] == [11]


def test_finns_own_tasks_run_beside_streams(xsi, opened):
    """With another task enlisted FINN's engine drives everything, port by port."""
    engine = opened()
    trace = engine.trace_stream("s")
    assert stream(xsi, engine, range(20), range(20), 20)[0] == [2 * k for k in range(20)]
    assert str(trace).count("1") == 20


def test_ports_answer_as_finns_do(opened):
    top = opened().top
    port = top.getPort("s_tdata")
    assert (port.name(), port.width(), port.isInput()) == ("s_tdata", 17, False)
    data = top.getPort("a_tdata").set_hexstr("ab").read()
    assert (data.as_unsigned(), data.as_hexstr(), data.as_bool()) == (0xAB, "00ab", True)
    assert data.set_binstr("101").as_unsigned() == 5
    assert not data.clear().as_bool()
    assert {p.name() for p in top.ports()} >= {"ap_clk", "ap_rst_n", "words__sum"}
    with pytest.raises(RuntimeError, match="no port ap_clk2x"):
        top.getPort("ap_clk2x")


def test_starving_and_failing_are_errors(xsi, opened):
    with pytest.raises(MsqError, match=r"starved after 30 idle cycles; words: \{'a': 1, 'b': 1"):
        stream(xsi, opened(), [1, 2], [3], 2, liveness_threshold=30)
    with pytest.raises(MsqError, match="reached 131070"):
        stream(xsi, opened(), [65535], [65535], 1)


def test_waveforms_on_request(xsi, opened, tmp_path):
    engine = opened(tracefile="adder.wdb")
    stream(xsi, engine, [1], [2], 1)
    engine.close()
    assert "s_tvalid" in (tmp_path / "adder.vcd").read_text()
    folder, relative = xsi.compile_sim_obj("adder", [ADDER], tmp_path / "plain")
    with pytest.raises(MsqError, match="compiled without waveforms"):
        xsi.load_sim_obj(folder, relative, tracefile="adder.wdb")


def test_a_closed_simulation_does_not_run(opened):
    engine = opened()
    engine.close()
    assert not engine.is_open()
    with pytest.raises(RuntimeError, match="closed"):
        engine.top.run(1)


def test_distributed_fifo_sizing_is_refused(xsi, tmp_path):
    with pytest.raises(MsqError, match="needs Vivado"):
        xsi.compile_sim_obj("adder", [ADDER], tmp_path, fifosim=True)


def python(code, **environment):
    return subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | environment, capture_output=True, text=True, check=True,
    )  # fmt: skip


def test_prepare_makes_the_builder_importable_without_a_word(tmp_path):
    done = python(
        f"""
import os
from msq_finn.sim.finn_env import prepare
prepare({str(tmp_path / "one")!r})
import finn.builder.build_dataflow_steps
prepare({str(tmp_path / "two")!r})
from finn.util.basic import make_build_dir
assert make_build_dir("x").startswith({str(tmp_path / "two")!r})
assert os.environ["FINN_MP_START_METHOD"] == "fork"
"""
    )
    assert done.stdout + done.stderr == ""


def test_vivado_keeps_its_place_unless_forced(tmp_path):
    done = python(
        "from msq_finn.sim.xsi import SIMULATOR, install\n"
        "print(install(), install(force=True), SIMULATOR)",
        XILINX_VIVADO="/opt/Vivado/2024.2",
    )
    assert done.stdout.startswith("False True Verilator 5.")
    assert done.stdout.strip().endswith("(behavioural DSP)")


def test_words_wider_than_a_machine_word(xsi, rng):
    from msq_finn.sim.ports import _integers

    words = rng.integers(0, 256, (3, 40), dtype=np.uint8)
    assert _integers(words) == [int(bytes(w[::-1]).hex(), 16) for w in words]
