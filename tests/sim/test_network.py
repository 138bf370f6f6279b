"""The stream drivers, on a small design with two inputs (adder.sv)."""

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from msq_finn.errors import MsqError
from msq_finn.sim import axi_streams
from msq_finn.sim.axi_streams import Preparation, pack, simulate, unpack

ADDER = [Path(__file__).with_name("adder.sv")]
WORDS = 400


@pytest.fixture
def terms(rng):
    return rng.integers(0, 2**15, (2, WORDS))


def run(terms, **options):
    a, b = (pack(term[:, None], 16) for term in terms)
    return simulate("adder", ADDER, {"a": a, "b": b}, {"s": WORDS}, **options)


def sums(result):
    return unpack(result.outputs["s"], 17, 1, False)[:, 0]


def test_full_speed_is_a_word_a_cycle(terms):
    result = run(terms, probes=["words__sum"])
    np.testing.assert_array_equal(sums(result), terms.sum(axis=0))
    assert set(np.diff(result.output_cycles["s"])) == {1}
    np.testing.assert_array_equal(
        result.input_cycles["a"] + 1, result.output_cycles["s"]
    )  # one register
    assert result.cycles == result.output_cycles["s"][-1] + 1
    assert result.probes == {"words__sum": terms[0].sum()}


@pytest.mark.parametrize(("stall_in", "stall_out"), [(0.5, 0.0), (0.0, 0.5), (0.4, 0.7)])
def test_stalls_slow_down_and_change_no_word(terms, stall_in, stall_out):
    result = run(terms, stall_in=stall_in, stall_out=stall_out, seed=3)
    np.testing.assert_array_equal(sums(result), terms.sum(axis=0))
    # A sum waits for the later of two geometric times, and then for the output's.
    go = 1 - stall_in
    slowest = max(2 / go - 1 / (1 - stall_in**2), 1 / (1 - stall_out))
    assert 0.9 * slowest < result.cycles / WORDS
    if 0 in (stall_in, stall_out):
        assert result.cycles / WORDS < 1.1 * slowest
    again = run(terms, stall_in=stall_in, stall_out=stall_out, seed=3)
    np.testing.assert_array_equal(result.output_cycles["s"], again.output_cycles["s"])
    other = run(terms, stall_in=stall_in, stall_out=stall_out, seed=4)
    assert (result.output_cycles["s"] != other.output_cycles["s"]).any()


def test_streams_obey_axi(terms, tmp_path):
    """Valid and data stay until ready: read from the waveforms of a run with stalls."""
    waveform = tmp_path / "adder.vcd"
    run(terms, stall_in=0.3, stall_out=0.5, waveform=waveform)
    held, checked = None, 0
    for row in _cycles(waveform, ["ap_clk", "a_tvalid", "a_tready", "a_tdata"]):
        if held is not None:
            assert row["a_tvalid"] == "1" and row["a_tdata"] == held
            checked += 1
        waits = row["a_tvalid"] == "1" and row["a_tready"] == "0"
        held = row["a_tdata"] if waits else None
    assert checked > WORDS / 4


def _cycles(waveform, names):
    """Values of top-level signals before each rising clock edge of a VCD file."""
    codes, values, scope = {}, {}, 0
    for line in map(str.strip, waveform.read_text().splitlines()):
        word = line.split()
        if line.startswith("$scope"):
            scope += 1
        elif line.startswith("$upscope"):
            scope -= 1
        elif line.startswith("$var") and scope == 1 and word[4] in names:
            codes[word[3]] = word[4]
        elif line and line[0] in "01b":
            value, code = (word[0][1:], word[1]) if line[0] == "b" else (line[0], line[1:])
            if codes.get(code) == "ap_clk" and value == "1" and len(values) == len(names):
                yield dict(values)
            if code in codes:
                values[codes[code]] = value


def test_a_starving_design_is_an_error_that_names_streams(terms):
    a, b = (pack(term[:, None], 16) for term in terms)
    with pytest.raises(MsqError, match=r"no stream moved.*a took 399 of 400.*s gave 399 of 400"):
        simulate("adder", ADDER, {"a": a, "b": b[:-1]}, {"s": WORDS}, max_idle_cycles=50)
    with pytest.raises(MsqError, match=r"cycle 100, it ran out of time.*b took 99 of 400"):
        run(terms, timeout_cycles=100)


def test_a_design_that_stops_itself_is_an_error_with_its_message(terms):
    terms[:, 20] = 2**16 - 1
    with pytest.raises(MsqError, match=r"failed in cycle 21: .*reached 131070") as caught:
        run(terms)
    assert "\n" not in str(caught.value)


def test_uninitialised_state_is_noise_from_the_seed(terms):
    from msq_finn.sim import verilator
    from msq_finn.sim.model import Model

    def noise(seed):
        model = Model(verilator.build("adder", ADDER), seed)
        model.evaluate(1)
        value = model.ports["wide"].read()
        model.close()
        return value

    assert noise(0) == noise(0) != noise(1)
    assert noise(0) not in (0, 2**71 - 1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"inputs": {"c": np.zeros((1, 2))}}, "no input port c_tdata; it has ap_clk"),
        ({"outputs": {"a": 1}}, "no output port a_tdata"),
        ({"inputs": {"a": np.zeros((1, 3))}}, r"takes words of 16 bits, not of shape \(1, 3\)"),
        ({"probes": ["nothing"]}, "no output port nothing"),
        (
            {"before": Preparation({"c": np.ones(1, np.uint32)})},
            "no AXI-lite port c; it has",
        ),
        ({"probes": ["wide"]}, "wide has 71 bits; a probe has at most 64"),
        ({"stall_in": 1.0}, "stall_in is a chance from 0 to below 1"),
    ],
)
def test_bad_requests_are_one_clear_line(change, message):
    request = {"inputs": {}, "outputs": {}} | change
    with pytest.raises(MsqError, match=message):
        simulate("adder", ADDER, **request)


def test_progress_ends_with_all_words(terms):
    calls = []
    run(terms, progress=lambda done, total: calls.append((done, total)))
    assert calls[-1] == (WORDS, WORDS)
    assert calls == sorted(calls)


def test_a_crash_is_an_error(terms, monkeypatch):
    monkeypatch.setattr(axi_streams.sys, "executable", "/bin/false")
    with pytest.raises(MsqError, match=r"simulation of adder crashed \(exit code 1\)"):
        run(terms)


def test_the_simulation_dies_with_its_parent(tmp_path):
    """A killed build leaves no process that computes on."""
    script = (
        "import numpy as np; from msq_finn.sim.axi_streams import simulate; "
        f"simulate('adder', [{str(ADDER[0])!r}], {{}}, {{'s': 1}}, max_idle_cycles=10**15)"
    )
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    parent = subprocess.Popen([sys.executable, "-c", script], env=environment)
    child = _wait_for(lambda: _children(parent.pid))
    parent.kill()
    parent.wait()
    assert _wait_for(lambda: not Path(f"/proc/{child[0]}/cmdline").exists() or _is_dead(child[0]))


def _children(pid):
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def _is_dead(pid):
    return "State:\tZ" in Path(f"/proc/{pid}/status").read_text()


def _wait_for(condition):
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if result := condition():
            return result
        time.sleep(0.02)
    raise AssertionError("waited in vain")
