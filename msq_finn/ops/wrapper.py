"""The Verilog wrapper that gives ``mvau_msq`` FINN's port names."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Parameters:
    """Parameters of one ``mvau_msq`` instance; ``offsets`` are added to the sums, one a row."""

    mw: int
    mh: int
    simd: int
    pe_sp2_lut: int
    pe_fixed_lut: int
    pe_fixed_dsp: int
    act_bits: int
    act_signed: bool
    acc_bits: int
    dsp_version: int
    offsets: tuple[int, ...]

    @property
    def pe(self) -> int:
        """Lanes of all kinds."""
        return self.pe_sp2_lut + self.pe_fixed_lut + self.pe_fixed_dsp


def _bytes_up(bits: int) -> int:
    return (bits + 7) // 8 * 8


def _offset_literal(parameters: Parameters) -> str:
    bits = parameters.acc_bits
    packed = sum(
        (offset % (1 << bits)) << (row * bits) for row, offset in enumerate(parameters.offsets)
    )
    return f"{parameters.mh * bits}'h{packed:x}"


def render(module: str, parameters: Parameters) -> str:
    """Return the wrapper's text.

    Args:
        module: name of the wrapper module.
        parameters: of the ``mvau_msq`` instance; rows that need no offset have 0.
    """
    p = parameters
    act, weight, out = (
        _bytes_up(bits) for bits in (p.simd * p.act_bits, p.pe * p.simd * 4, p.pe * p.acc_bits)
    )
    # Verilator has no models of Xilinx primitives; tests/rtl shows both forms of the lanes equal.
    return f"""\
`ifdef VERILATOR
`define {module}_PRIMITIVES 0
`else
`define {module}_PRIMITIVES 1
`endif
// Row-mixed matrix-vector unit: {p.pe_sp2_lut} SP2 LUT, {p.pe_fixed_lut} fixed LUT and \
{p.pe_fixed_dsp} fixed DSP lanes.
module {module} (
  (* X_INTERFACE_PARAMETER = "ASSOCIATED_BUSIF in1_V:in0_V:out0_V, ASSOCIATED_RESET ap_rst_n" *)
  (* X_INTERFACE_INFO = "xilinx.com:signal:clock:1.0 ap_clk CLK" *)
  input ap_clk,
  (* X_INTERFACE_INFO = "xilinx.com:signal:clock:1.0 ap_clk2x CLK" *)
  input ap_clk2x,
  (* X_INTERFACE_PARAMETER = "POLARITY ACTIVE_LOW" *)
  input ap_rst_n,
  input [{act - 1}:0] in0_V_TDATA,
  input in0_V_TVALID,
  output in0_V_TREADY,
  input [{weight - 1}:0] in1_V_TDATA,
  input in1_V_TVALID,
  output in1_V_TREADY,
  output [{out - 1}:0] out0_V_TDATA,
  output out0_V_TVALID,
  input out0_V_TREADY
);
  mvau_msq #(
    .MW({p.mw}), .MH({p.mh}), .SIMD({p.simd}),
    .PeSp2Lut({p.pe_sp2_lut}), .PeFixedLut({p.pe_fixed_lut}), .PeFixedDsp({p.pe_fixed_dsp}),
    .ActBits({p.act_bits}), .ActSigned({int(p.act_signed)}), .AccBits({p.acc_bits}),
    .DspVersion({p.dsp_version}), .UsePrimitives(`{module}_PRIMITIVES),
    .AddOffset({int(any(p.offsets))}), .Offset({_offset_literal(p)})
  ) i_mvau_msq (
    .clk_i(ap_clk), .rst_ni(ap_rst_n),
    .act_data_i(in0_V_TDATA), .act_valid_i(in0_V_TVALID), .act_ready_o(in0_V_TREADY),
    .weight_data_i(in1_V_TDATA), .weight_valid_i(in1_V_TVALID), .weight_ready_o(in1_V_TREADY),
    .out_data_o(out0_V_TDATA), .out_valid_o(out0_V_TVALID), .out_ready_i(out0_V_TREADY)
  );
endmodule
"""
