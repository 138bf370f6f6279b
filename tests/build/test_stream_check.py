"""A stream that breaks AXI's rules ends the simulation, by name; one that keeps them does not."""

from __future__ import annotations

import numpy as np
import pytest

from msq_finn.build.stitched import STREAM_CHECK, TOP, Instance, Stitched
from msq_finn.errors import MsqError
from msq_finn.sim.axi_streams import simulate

#: Two nodes in a row. The first does what ``Fault`` says to the word that the second lets wait.
NODES = """
module giver #(parameter int Fault = 0) (
  input logic ap_clk, ap_rst_n,
  input logic [7:0] i_data, input logic i_valid, output logic i_ready,
  output logic [7:0] o_data, output logic o_valid, input logic o_ready
);
  logic odd;
  always_ff @(posedge ap_clk) odd <= ap_rst_n && !odd;
  assign i_ready = o_ready;
  assign o_valid = i_valid && !(Fault == 1 && odd && !o_ready);
  assign o_data = i_data ^ 8'(Fault == 2 && odd && !o_ready);
endmodule

module taker (
  input logic ap_clk, ap_rst_n,
  input logic [7:0] i_data, input logic i_valid, output logic i_ready,
  output logic [7:0] o_data, output logic o_valid, input logic o_ready
);
  logic [2:0] count;
  always_ff @(posedge ap_clk) count <= ap_rst_n ? count + 3'd1 : 3'd0;
  wire pass = count == 0;
  assign i_ready = o_ready && pass;
  assign o_valid = i_valid && pass;
  assign o_data = i_data;
endmodule
"""


def pins(first, second):
    signals = ("data", "valid", "ready")
    wires = {f"i_{s}": f"{first}_T{s.upper()}" for s in signals}
    wires |= {f"o_{s}": f"{second}_T{s.upper()}" for s in signals}
    return {"ap_clk": "ap_clk", "ap_rst_n": "ap_rst_n"} | wires


def design(folder, fault):
    """The taker takes a word every eighth cycle."""
    (folder / "nodes.sv").write_text(NODES)
    top = Stitched(folder / f"{TOP}.sv", [])
    top.sources = [folder / "nodes.sv", STREAM_CHECK, top.path]
    top.ports += ["input logic ap_clk", "input logic ap_rst_n"]
    for name, there, back in (("in0_V", "input", "output"), ("out0_V", "output", "input")):
        top.ports += [f"{there} logic [7:0] {name}_TDATA", f"{there} logic {name}_TVALID"]
        top.ports.append(f"{back} logic {name}_TREADY")
        top.streams[name] = 8
    top.nets.append("logic [7:0] between_TDATA; logic between_TVALID, between_TREADY;")
    top.streams["between"] = 8
    giver = f"giver #(.Fault({fault}))"
    top.instances.append(Instance("giver", giver, pins("in0_V", "between")))
    top.instances.append(Instance("taker", "taker", pins("between", "out0_V")))
    top.write()
    return top


def run(folder, fault):
    words = np.arange(20, dtype=np.uint8).reshape(-1, 1)
    found = simulate(TOP, design(folder, fault).sources, {"in0_V": words}, {"out0_V": 20})
    return found.outputs["out0_V"].tolist() == words.tolist()


def test_a_stream_that_keeps_the_rules_passes(tmp_path):
    assert run(tmp_path, 0)


@pytest.mark.parametrize(("fault", "said"), [(1, "withdrawn"), (2, "changed")])
def test_a_stream_that_breaks_them_is_named(tmp_path, fault, said):
    with pytest.raises(MsqError, match=f"between: a word .*{said}"):
        run(tmp_path, fault)
