"""The Verilog wrapper that gives ``mvau_msq`` FINN's port names."""

from __future__ import annotations

from dataclasses import dataclass

from msq_finn.rtl.embedded import LayerTables
from msq_finn.rtl.literals import remarked


@dataclass(frozen=True)
class Parameters:
    """Parameters of one ``mvau_msq`` instance.

    Attributes:
        mw: columns of the weight matrix.
        mh: its rows.
        simd: columns a cycle.
        pe_sp2_lut: SP2(4) LUT lanes.
        pe_fixed_lut: Fixed(4) LUT lanes.
        pe_fixed_dsp: Fixed(4) DSP lanes.
        act_bits: bits of an activation.
        act_signed: whether activations are two's complement.
        acc_bits: bits of a sum.
        dsp_version: ``DspVersion``, see :class:`msq_finn.rtl.dsp.DspBlock`.
        offsets: added to the sums, one a row (MH).
        other_lut: lanes and bits of a code per kind of LUT lane after the first two.
        other_dsp: the same per kind of DSP lane after the first.
        pe_embedded: lanes that hold their weights.
        tables: those of the embedded lanes, None without such lanes.
    """

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
    other_lut: tuple[tuple[int, int], ...] = ()
    other_dsp: tuple[tuple[int, int], ...] = ()
    pe_embedded: int = 0
    tables: LayerTables | None = None

    @property
    def code_lanes(self) -> int:
        """Lanes that take codes."""
        others = sum(lanes for lanes, _ in (*self.other_lut, *self.other_dsp))
        return self.pe_sp2_lut + self.pe_fixed_lut + others + self.pe_fixed_dsp

    @property
    def code_bits(self) -> int:
        """Bits of a column of codes: one code for each lane that takes codes."""
        four = self.pe_sp2_lut + self.pe_fixed_lut + self.pe_fixed_dsp
        others = (*self.other_lut, *self.other_dsp)
        return 4 * four + sum(lanes * bits for lanes, bits in others)

    @property
    def pe(self) -> int:
        """Lanes of all kinds."""
        return self.code_lanes + self.pe_embedded


def _bytes_up(bits: int) -> int:
    return (bits + 7) // 8 * 8


def _offset_literal(parameters: Parameters) -> str:
    bits = parameters.acc_bits
    packed = sum(
        (offset % (1 << bits)) << (row * bits) for row, offset in enumerate(parameters.offsets)
    )
    return f"{parameters.mh * bits}'h{packed:x}"


def _others(parameter: str, kinds: tuple[tuple[int, int], ...]) -> str:
    if not any(lanes for lanes, _ in kinds):
        return ""
    packed = sum(lanes << 16 * kind for kind, (lanes, _) in enumerate(kinds))
    return f".{parameter}({16 * len(kinds)}'h{packed:x}),"


def _embedded(parameters: Parameters) -> str:
    tables = parameters.tables
    if tables is None:
        return ""
    settings = {
        "PeEmbedded": str(parameters.pe_embedded),
        "Groups": str(tables.groups),
        "Members": str(tables.members),
        "TableBits": str(tables.table_bits),
    } | {name: f"{bits}'h{value:x}" for name, (value, bits) in tables.parameters.items()}
    return "\n    ".join(f".{name}({value})," for name, value in settings.items())


_WEIGHT_PORTS = """\
  input [{high}:0] in1_V_TDATA,
  input in1_V_TVALID,
  output in1_V_TREADY,
"""


def render(module: str, parameters: Parameters) -> str:
    """Return the wrapper's text.

    Args:
        module: name of the wrapper module.
        parameters: of the ``mvau_msq`` instance; rows that need no offset have 0.

    Returns:
        Verilog text; ports are FINN's: ``in0_V`` activations, ``in1_V`` weight codes (if any lane
        takes some), ``out0_V`` sums, each padded to bytes.
    """
    p = parameters
    act, weight, out = (
        _bytes_up(bits) for bits in (p.simd * p.act_bits, p.code_bits * p.simd, p.pe * p.acc_bits)
    )
    interfaces = "in1_V:in0_V:out0_V" if weight else "in0_V:out0_V"
    ports = _WEIGHT_PORTS.format(high=weight - 1) if weight else ""
    data, valid, ready = (
        ("in1_V_TDATA", "in1_V_TVALID", "in1_V_TREADY") if weight else ("8'b0", "1'b0", "")
    )
    # Verilator has no models of Xilinx primitives; tests/rtl shows both forms of the lanes equal.
    text = f"""\
`ifdef VERILATOR
`define {module}_PRIMITIVES 0
`else
`define {module}_PRIMITIVES 1
`endif
// Row-mixed matrix-vector unit: {p.pe_sp2_lut} SP2(4) LUT, {p.pe_fixed_lut} Fixed(4) LUT and \
{p.pe_fixed_dsp} Fixed(4) DSP lanes, {p.pe_embedded} of embedded weights, {p.pe} in all.
module {module} (
  (* X_INTERFACE_PARAMETER = "ASSOCIATED_BUSIF {interfaces}, ASSOCIATED_RESET ap_rst_n" *)
  (* X_INTERFACE_INFO = "xilinx.com:signal:clock:1.0 ap_clk CLK" *)
  input ap_clk,
  (* X_INTERFACE_PARAMETER = "POLARITY ACTIVE_LOW" *)
  input ap_rst_n,
  input [{act - 1}:0] in0_V_TDATA,
  input in0_V_TVALID,
  output in0_V_TREADY,
{ports}  output [{out - 1}:0] out0_V_TDATA,
  output out0_V_TVALID,
  input out0_V_TREADY
);
  mvau_msq #(
    .MW({p.mw}), .MH({p.mh}), .SIMD({p.simd}),
    {_embedded(p)}
    .PeSp2Lut({p.pe_sp2_lut}), .PeFixedLut({p.pe_fixed_lut}), .PeFixedDsp({p.pe_fixed_dsp}),
    {_others("PeOtherLut", p.other_lut)}
    {_others("PeOtherDsp", p.other_dsp)}
    .ActBits({p.act_bits}), .ActSigned({int(p.act_signed)}), .AccBits({p.acc_bits}),
    .DspVersion({p.dsp_version}), .UsePrimitives(`{module}_PRIMITIVES),
    .AddOffset({int(any(p.offsets))}), .Offset({_offset_literal(p)})
  ) i_mvau_msq (
    .clk_i(ap_clk), .rst_ni(ap_rst_n),
    .act_data_i(in0_V_TDATA), .act_valid_i(in0_V_TVALID), .act_ready_o(in0_V_TREADY),
    .weight_data_i({data}), .weight_valid_i({valid}), .weight_ready_o({ready}),
    .out_data_o(out0_V_TDATA), .out_valid_o(out0_V_TVALID), .out_ready_i(out0_V_TREADY)
  );
endmodule
"""
    return remarked(text)
