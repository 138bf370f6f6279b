"""Networks of modules: every distinct one once, totals, progress."""

from __future__ import annotations

from pathlib import Path

import pytest

from msq_finn.errors import MsqError
from msq_finn.synth import yosys
from msq_finn.synth.module_resources import NodeSpec, measure_nodes

COUNTER = """
module {top} (
  input logic clk, en, input logic [7:0] s_axilite_WDATA, output logic [7:0] q, maxcount
);
  always_ff @(posedge clk) if (en) begin
    q        <= q + {step};
    maxcount <= q ^ s_axilite_WDATA;
  end
endmodule
"""


def _counter(folder: Path, name: str, step: int) -> NodeSpec:
    source = folder / f"{name}.sv"
    source.write_text(COUNTER.format(top=name, step=step))
    return NodeSpec(name, name, [source])


def test_nodes_are_measured_and_equal_ones_once(tmp_path: Path, monkeypatch):
    runs, done = [], []
    run = yosys._run
    monkeypatch.setattr(yosys, "_run", lambda *args: (runs.append(args[0]), run(*args)))
    nodes = [_counter(tmp_path, f"node_{k}", step) for k, step in enumerate((1, 3, 1))]
    found = measure_nodes(nodes, progress=lambda *counts: done.append(counts))
    assert list(found) == ["node_0", "node_1", "node_2"]
    assert len(runs) == 2
    assert done == [(1, 3), (2, 3), (3, 3)]
    assert found["node_0"] == found["node_2"]
    # Eight counting bits; what only the unused ports see is gone.
    assert (found["node_1"].lut_sites, found["node_1"].ff) == (8, 8)


def test_a_bad_node_is_named(tmp_path: Path):
    source = tmp_path / "bad.sv"
    source.write_text("module bad; logic x = nowhere; endmodule")
    with pytest.raises(MsqError, match=r"synthesis of bad failed: .*bad\.sv:1"):
        measure_nodes([NodeSpec("n", "bad", [source])])
