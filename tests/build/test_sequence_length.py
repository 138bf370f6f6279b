"""Networks whose sequences are made shorter at run time, through the board's driver."""

from __future__ import annotations

import importlib
import sys

import brevitas.nn as qnn
import numpy as np
import pytest
import torch
from brevitas.export import export_qonnx
from qonnx.core.modelwrapper import ModelWrapper
from torch import nn

from msq_finn.build.board.overlay import load
from msq_finn.build.deploy import deploy
from msq_finn.build.differences import mismatches
from msq_finn.build.kernels import runtime_kernels
from msq_finn.build.run import build
from msq_finn.build.simulate import reference_outputs
from msq_finn.build.stitch import stitch
from msq_finn.build.stitched import TOP
from msq_finn.errors import MsqError
from msq_finn.lowering.host_side import Host
from msq_finn.lowering.lower import Target, configure, lowered_of
from msq_finn.models import lstm_classifier
from msq_finn.nn import QuantGRU
from tests.board import fake_pynq

from .networks import exported, small_cnn
from .test_recurrent import AllStates, LastStates, made, saved

pytestmark = pytest.mark.usefixtures("finn")


class StepByStep(AllStates):
    """Two layers, in both directions or not, whose states are classified step by step."""

    def forward(self, x):
        states, _ = self.rnn(x)
        return self.fc(states)


class Lengths:
    """A kernel's register, on the AXI-lite port of the simulated design."""

    def __init__(self, engine, port):
        self.engine, self.port = engine, port

    def write(self, offset, value):
        self.engine.write_axilite(self.port, iter([(offset, f"{value:08x}")]))
        assert not self.engine.run(1000)

    @property
    def array(self):
        reader = self.engine.read_axilite(self.port, iter([0]))
        assert not self.engine.run(1000)
        return [int(reader.replies[0], 16)]


class Streams:
    """What the DMAs of a board move, through the stitched design in Verilator."""

    def __init__(self, engine, shapes):
        self.engine, self.shapes = engine, shapes
        self.xsi = importlib.import_module("finn.xsi")

    def __call__(self, given):
        (array,) = given
        words = [int.from_bytes(bytes(w), "little") for w in array.reshape(-1, array.shape[-1])]
        shape = [len(array), *self.shapes["oshape_packed"][0][1:]]
        streams = {"inputs": {"in0": words}, "outputs": {"out0": []}}
        count = int(np.prod(shape[:-1]))
        self.xsi.rtlsim_multi_io(self.engine, streams, count, sname="_V")
        found = [list(int(w).to_bytes(shape[-1], "little")) for w in streams["outputs"]["out0"]]
        return [np.array(found, dtype=np.uint8).reshape(shape)]


def on_board(source, folder, fps, monkeypatch):
    """Build a network, and load its package onto a board of Verilator.

    Returns:
        the network as the board's driver has it, the lowered network, and its registers.
    """
    target = Target("Pynq-Z1", target_fps=fps, runtime_length=True)
    (work := folder / "work").mkdir()
    assert build(source, target, folder, work, 3, until="simulate").rtl_mismatches == 0
    model = ModelWrapper(str(work / "dataflow.onnx"))
    lowered = lowered_of(model, configure(source, target, work))
    (work / "bitfile").mkdir()
    for suffix in ("bit", "hwh"):
        (work / "bitfile" / f"finn-accel.{suffix}").write_bytes(b"none")
    package = deploy(lowered)
    xsi = importlib.import_module("finn.xsi")
    sources = [str(path) for path in stitch(model, work).sources]
    engine = xsi.load_sim_obj(*xsi.compile_sim_obj(TOP, sources, folder / "sim"))
    xsi.reset_rtlsim(engine)
    kernels = runtime_kernels(model, "Pynq-Z1")
    registers = {
        f"StreamingDataflowPartition_{number}": Lengths(engine, f"s_axilite_{name}")
        for name, number in kernels.items()
    }
    streams = Streams(engine, {})
    board = fake_pynq.Board(streams, memories=registers)
    for name, module in board.modules().items():
        monkeypatch.setitem(sys.modules, name, module)
    # As built, before anything is written.
    reset = {name: register.array[0] for name, register in registers.items()}
    network = load(package / "driver", package / "bitfile/finn-accel.bit", batch_size=3)
    # What FINN's DMAs are told of the shapes of words.
    streams.shapes = network._shapes
    assert set(reset.values()) == {network.lengths.longest}
    return network, lowered, registers


class PaddedStates(nn.Module):
    """A network whose layer classifies the states of all its steps, with zeros for those it lacks.

    It is what a network of ``steps`` is to compute of a shorter sequence.
    """

    def __init__(self, network, steps):
        super().__init__()
        self.network, self.steps = network, steps

    def forward(self, x):
        states, _ = self.network.rnn(x)
        states = getattr(states, "value", states)
        padded = nn.functional.pad(states, (0, 0, 0, self.steps - x.shape[1]))
        return self.network.fc(padded.flatten(1))


def reference(model, images, length, folder):
    """What the network that is exported at another length gives."""
    steps = images.shape[1]
    model = PaddedStates(model, steps) if type(model) is AllStates else model
    path = folder / f"{length}.onnx"
    given = images[:, :length]
    example = torch.from_numpy(given[:1])
    export_qonnx(model.eval(), example, str(path), dynamo=False, opset_version=13)
    return reference_outputs(path, given)


NETWORKS = {
    "LSTM, last state": (lambda: made(lstm_classifier, hidden=6), (8, 8), 40_000),
    "GRU, all states": (lambda: made(AllStates, QuantGRU), (3, 6), 60_000),
    "LSTM, two layers, step by step": (
        lambda: made(StepByStep, qnn.QuantLSTM, steps=1, layers=2),
        (4, 6),
        60_000,
    ),
    "GRU, two layers of both directions, step by step": (
        lambda: made(StepByStep, QuantGRU, steps=1, layers=2, bidirectional=True),
        (4, 6),
        60_000,
    ),
    "GRU, last states of both directions": (lambda: made(LastStates, QuantGRU), (3, 6), 60_000),
    "LSTM, several sequences in turn": (
        lambda: made(lstm_classifier, hidden=8),
        (8, 8),
        1_500_000,
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_a_shorter_sequence_gives_what_the_network_of_its_length_does(name, tmp_path, monkeypatch):
    make, shape, fps = NETWORKS[name]
    model, steps = make(), shape[0]
    source = saved(model, tmp_path / "model.onnx", shape)
    network, lowered, registers = on_board(source, tmp_path, fps, monkeypatch)
    step = Host(lowered.parent).output_step()
    images = (np.random.default_rng(7).random((3, *shape), np.float32) * 2 - 1).astype(np.float32)
    lengths = range(1, steps + 1) if steps < 5 else (1, 2, 5, steps)
    assert network.sequence_length == network.lengths.longest == steps
    before = []
    for length in (*lengths, 1):
        network.sequence_length = length
        assert [register.array for register in registers.values()] == [[length]] * len(registers)
        found = network.execute(images)
        expected, apart = reference(model, images, length, tmp_path), step
        if "step by step" in name:
            # Of steps behind the sequence, only that they are alike whatever their inputs are.
            assert (found[:, length:] == found[:1, -1:]).all() or length == steps
            found, apart = found[:, :length], step[:length]
        assert mismatches(found, expected, apart) == 0
        before.append(found)
    np.testing.assert_array_equal(before[0], before[-1])
    assert len({found.tobytes() for found in before}) == len(lengths)


def test_a_network_without_recurrent_layers_has_no_length(tmp_path):
    source = exported(small_cnn(), tmp_path / "model.onnx", (1, 1, 6, 6))
    (work := tmp_path / "work").mkdir()
    with pytest.raises(MsqError, match="runtime_length: the accelerator has no recurrent layer"):
        build(source, Target("Pynq-Z1", runtime_length=True), tmp_path, work, 2, until="estimate")
