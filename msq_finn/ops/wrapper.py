"""The Verilog wrapper that gives ``mvau_msq``, or ``mvau_serial``, FINN's port names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from msq_finn.lanes import LaneCounts
from msq_finn.lanes.constants import LayerTables
from msq_finn.lanes.hardware import lanes_parameter, literal
from msq_finn.rtl.literals import array, remarked


@dataclass(frozen=True)
class Parameters:
    """Parameters of one ``mvau_msq`` or ``mvau_serial`` instance.

    Attributes:
        mw: columns of the weight matrix.
        mh: its rows.
        simd: columns a cycle.
        lanes: of each kind.
        act_bits: bits of an activation.
        act_signed: whether activations are two's complement.
        acc_bits: bits of a sum.
        dsp_version: ``DspVersion``, see :class:`msq_finn.lanes.dsp.DspBlock`.
        offsets: added to the sums, one a row (MH).
        tables: those of lanes that hold their weights, None without such lanes.
        pixels: vectors of a word, each of which has lanes of its own.
    """

    mw: int
    mh: int
    simd: int
    lanes: LaneCounts
    act_bits: int
    act_signed: bool
    acc_bits: int
    dsp_version: int
    offsets: tuple[int, ...]
    tables: LayerTables | None = None
    pixels: int = 1


def _bytes_up(bits: int) -> int:
    return (bits + 7) // 8 * 8


def _tables(tables: LayerTables | None) -> str:
    if tables is None:
        return ""
    settings = {
        "Groups": str(tables.groups),
        "Members": str(tables.members),
        "TableBits": str(tables.table_bits),
    } | {name: literal(parameter) for name, parameter in tables.parameters.items()}
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
        parameters: of the instance; rows that need no offset have 0.

    Returns:
        Verilog text; ports are FINN's: ``in0_V`` activations, ``in1_V`` weight codes (if any lane
        takes some), ``out0_V`` sums, each padded to bytes.
    """
    p = parameters
    act, weight, out = (
        _bytes_up(bits)
        for bits in (
            p.pixels * p.simd * p.act_bits,
            sum(p.lanes.code_bits) * p.simd,
            p.pixels * p.lanes.pe * p.acc_bits,
        )
    )
    interfaces = "in1_V:in0_V:out0_V" if weight else "in0_V:out0_V"
    ports = _WEIGHT_PORTS.format(high=weight - 1) if weight else ""
    # Verilator has no models of Xilinx primitives; tests/rtl shows both forms of the lanes equal.
    text = f"""\
`ifdef VERILATOR
`define {module}_PRIMITIVES 0
`else
`define {module}_PRIMITIVES 1
`endif
// Row-mixed matrix-vector unit of {p.lanes.pe} lanes: {p.lanes.label}.
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
{_unit(module, p) if p.pixels == 1 else _units(module, p)}endmodule
"""
    return remarked(text)


def _unit(
    module: str,
    p: Parameters,
    act: str = "in0_V_TDATA",
    out: str = "out0_V_TDATA",
    handshakes: Mapping[str, str] | None = None,
) -> str:
    """An instance of the unit.

    Args:
        module: name of the wrapper module.
        act: its activations.
        out: its sums.
        handshakes: what it drives instead of the wrapper's handshake signals.
    """
    driven = {port: port for port in ("in0_V_TREADY", "in1_V_TREADY", "out0_V_TVALID")}
    driven |= handshakes or {}
    data, valid, ready = ("8'b0", "1'b0", "")
    if any(p.lanes.code_bits):
        data, valid, ready = "in1_V_TDATA", "in1_V_TVALID", driven["in1_V_TREADY"]
    unit = "mvau_serial" if p.lanes.is_serial else "mvau_msq"
    lanes = (
        f".PE({p.lanes.pe})"
        if p.lanes.is_serial
        else f".Lanes({literal(lanes_parameter(p.lanes))})"
    )
    weights = (
        ""
        if p.lanes.is_serial
        else f"""
    .weight_data_i({data}), .weight_valid_i({valid}), .weight_ready_o({ready}),"""
    )
    return f"""\
  {unit} #(
    .MW({p.mw}), .MH({p.mh}), .SIMD({p.simd}), {lanes},
    {_tables(p.tables)}
    .ActBits({p.act_bits}), .ActSigned({int(p.act_signed)}), .AccBits({p.acc_bits}),
    .DspVersion({p.dsp_version}), .UsePrimitives(`{module}_PRIMITIVES),
    .AddOffset({int(any(p.offsets))}), .Offset({array(p.offsets, p.acc_bits)})
  ) i_{unit} (
    .clk_i(ap_clk), .rst_ni(ap_rst_n),
    .act_data_i({act}), .act_valid_i(in0_V_TVALID), .act_ready_o({driven["in0_V_TREADY"]}),{weights}
    .out_data_o({out}), .out_valid_o({driven["out0_V_TVALID"]}), .out_ready_i(out0_V_TREADY)
  );
"""


def _units(module: str, p: Parameters) -> str:
    """An instance for each pixel of a word; data never decide what one does in a cycle."""
    act, out = p.simd * p.act_bits, p.lanes.pe * p.acc_bits
    ports = ["in0_V_TREADY", "out0_V_TVALID", *(["in1_V_TREADY"] if any(p.lanes.code_bits) else [])]
    high = p.pixels * out - 1
    padding = _bytes_up(high + 1) - high - 1
    filled = f"  assign out0_V_TDATA[{high + padding}:{high + 1}] = {padding}'d0;\n"
    first = "".join(f"  wire [{p.pixels - 1}:0] {port}s;\n" for port in ports)
    first += "".join(f"  assign {port} = {port}s[0];\n" for port in ports)
    unit = _unit(
        module,
        p,
        f"in0_V_TDATA[pixel*{act}+:{act}]",
        "sums",
        {port: f"{port}s[pixel]" for port in ports},
    )
    return f"""\
  // They keep step: the handshake of the first is that of all, and all take the same weights.
{first}{filled if padding else ""}  genvar pixel;
  generate for (pixel = 0; pixel < {p.pixels}; pixel = pixel + 1) begin : gen_pixel
  wire [{_bytes_up(out) - 1}:0] sums;
  assign out0_V_TDATA[pixel*{out}+:{out}] = sums[{out - 1}:0];
{unit}  end endgenerate
"""
