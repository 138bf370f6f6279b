"""Layers behind weight memories, stitched: what streams out of one, and what is written."""

from __future__ import annotations

import importlib

import numpy as np
import pytest
from qonnx.custom_op.registry import getCustomOp

from msq_finn.sim import primitives

from ..ops.test_mvau_msq_rtl import PART, ZYNQ_US, layer

pytestmark = pytest.mark.usefixtures("finn")
LANES, FOLD, MW = (1, 1, 2), 40, 12


class Accelerator:
    """A stitched layer or its netlist, driven by FINN's own simulation engine."""

    def __init__(self, model, part, folder, gates=False):
        from finn.transformation.fpgadataflow.prepare_ip import PrepareIP

        from msq_finn.build.stitch import stitch
        from msq_finn.build.stitched import TOP

        self.model = model.transform(PrepareIP(part, 10))
        self.op = getCustomOp(self.model.graph.node[0])
        self.xsi = importlib.import_module("finn.xsi")
        design = stitch(self.model, folder)
        if gates:
            from msq_finn.build import gate, node_resources

            runs = node_resources.synthesize(design, part)
            netlists = {name: run.netlist for name, run in runs.items()}
            self.primitives = {p for n in netlists.values() for p in primitives.used(n.text)}
            design = gate.gate_level(design, netlists, folder / "gate")
        sources = [str(source) for source in design.sources]
        self.engine = self.xsi.load_sim_obj(*self.xsi.compile_sim_obj(TOP, sources, folder))
        self.xsi.reset_rtlsim(self.engine)

    def write(self, weights, file):
        """Write other weights as the board's driver does: words of 32 bits, one after another.

        What the memory had already read goes with a vector in vain.
        """
        self.op.make_weight_file(weights, "decoupled_runtime", str(file))
        words = enumerate(file.read_text().split())
        name = self.model.graph.node[0].name
        self.engine.write_axilite(f"s_axilite_{name}", ((4 * i, word) for i, word in words))
        self.engine.run(100_000)
        self(np.zeros((1, self.op.get_nodeattr("MW")), dtype=np.int64))

    def __call__(self, inputs):
        bits, simd = self.op.get_input_datatype(0).bitwidth(), self.op.get_nodeattr("SIMD")
        words = [
            sum(int(value) << bits * i for i, value in enumerate(word))
            for word in inputs.reshape(-1, simd)
        ]
        pe, width = self.op.get_nodeattr("PE"), self.op.get_output_datatype().bitwidth()
        streams = {"inputs": {"in0": words}, "outputs": {"out0": []}}
        count = len(inputs) * self.op.get_nodeattr("MH") // pe
        self.xsi.rtlsim_multi_io(self.engine, streams, count, sname="_V")
        words, lanes = streams["outputs"]["out0"], range(pe)
        sums = np.array([[word >> width * i & (1 << width) - 1 for i in lanes] for word in words])
        return np.where(sums >> width - 1, sums - (1 << width), sums).reshape(len(inputs), -1)

    def close(self):
        self.xsi.close_rtlsim(self.engine)


@pytest.fixture
def accelerator(tmp_path):
    made = []

    def make(model, part=PART, gates=False):
        made.append(Accelerator(model, part, tmp_path, gates))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.mark.parametrize(
    "memory", [{"ram_style": "distributed"}, {"ram_style": "block"}, {"pumpedMemory": 1}], ids=str
)
def test_codes_from_every_memory(rng, accelerator, memory):
    model, weights = layer(rng, MW, 6, LANES, FOLD, "UINT4", **memory)
    inputs = rng.integers(0, 16, (5, MW))
    np.testing.assert_array_equal(accelerator(model, ZYNQ_US)(inputs), inputs @ weights)


@pytest.mark.parametrize("ram_style", ["distributed", "block", "ultra"])
def test_weights_written_at_run_time(rng, accelerator, tmp_path, ram_style):
    """On LUT lanes too: their new constants are the thresholds' to carry."""
    writeable = {"runtime_writeable_weights": 1, "offsetOutput": 1}
    model, first = layer(rng, MW, 6, LANES, FOLD, "UINT4", ram_style=ram_style, **writeable)
    _, second = layer(rng, MW, 6, LANES, FOLD, "UINT4")
    unit = accelerator(model, ZYNQ_US)
    inputs = rng.integers(0, 16, (5, MW))
    # UltraRAM starts empty.
    for weights in (first, second) if ram_style != "ultra" else (second,):
        if weights is not first:
            unit.write(weights, tmp_path / "runtime.dat")
        expected = inputs @ weights + unit.op.row_offsets(weights)
        np.testing.assert_array_equal(unit(inputs), expected)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("memory", "primitive", "part"),
    [
        ({"ram_style": "block"}, "RAMB18E1", PART),
        ({"ram_style": "block"}, "RAMB18E2", ZYNQ_US),
        ({"ram_style": "distributed"}, "RAM", PART),
        ({"ram_style": "ultra"}, "URAM288", ZYNQ_US),
        ({"ram_style": "block"}, "", PART),
        ({"ram_style": "distributed"}, "", ZYNQ_US),
        ({"pumpedMemory": 1}, "", PART),
        ({"pumpedMemory": 1}, "", ZYNQ_US),
    ],
    ids=str,
)
def test_netlists_with_every_memory(rng, accelerator, tmp_path, memory, primitive, part):
    """As they are after the bitfile, and with weights that the processor has written."""
    writeable = {"runtime_writeable_weights": 1, "offsetOutput": 1} if primitive else {}
    model, first = layer(rng, MW, 6, LANES, FOLD, "UINT4", **memory, **writeable)
    _, second = layer(rng, MW, 6, LANES, FOLD, "UINT4")
    unit = accelerator(model, part, gates=True)
    assert any(name.startswith(primitive) for name in unit.primitives)
    inputs = rng.integers(0, 16, (5, MW))
    # UltraRAM starts empty.
    started = [] if primitive == "URAM288" else [first]
    for weights in (*started, *([second] if primitive else [])):
        if weights is second:
            unit.write(weights, tmp_path / "runtime.dat")
        offsets = unit.op.row_offsets(weights) if writeable else 0
        np.testing.assert_array_equal(unit(inputs), inputs @ weights + offsets)
