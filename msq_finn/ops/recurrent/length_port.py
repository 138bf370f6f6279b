"""The AXI-lite port on which the processor writes how long a recurrent layer's sequences are."""

from __future__ import annotations

from pathlib import Path

from msq_finn.errors import MsqError
from msq_finn.finn_compat import rtl_library
from msq_finn.ops import axilite

#: The layer's attribute for it.
ATTRIBUTE = "runtime_writeable_length"

#: Bits of its addresses; every word is the register.
_ADDRESS_BITS = 4


def ports() -> str:
    """Declarations of the port's signals in Verilog, each with a comma behind it."""
    return axilite.ports(_ADDRESS_BITS)


def constant(steps: int) -> str:
    """The wire ``length`` in Verilog, where all sequences are as long as their frames.

    >>> constant(8)
    "wire [3:0] length = 4'd8;"
    """
    bits = steps.bit_length()
    return f"wire [{bits - 1}:0] length = {bits}'d{steps};"


def source() -> Path:
    """FINN's AXI-lite, which the register stands behind."""
    return rtl_library() / "axi/hdl/axilite.sv"


def register(name: str, steps: int) -> str:
    """The wire ``length`` in Verilog, driven by the register behind the port.

    Args:
        name: of the node.
        steps: of a frame, the longest sequence, with which it begins.

    Raises:
        MsqError: this FINN's library has no AXI-lite.
    """
    if not source().exists():
        raise MsqError(
            f"{ATTRIBUTE} needs axi/hdl/axilite.sv, which this FINN's library lacks; use "
            "finn-plus, or upstream's dev",
            where=name,
        )
    pins = "".join(f".{s.lower()}({axilite.PORT}_{s}), " for s in axilite.signals())
    return f"""\
wire [{steps.bit_length() - 1}:0] length;
  wire length_en, length_write, length_ack;
  wire [1:0] length_address;
  wire [31:0] length_data, length_read;
  axilite #(.ADDR_WIDTH({_ADDRESS_BITS}), .DATA_WIDTH(32), .IP_DATA_WIDTH(32)) i_axilite (
    .aclk(ap_clk), .aresetn(ap_rst_n),
    {pins}
    .ip_en(length_en), .ip_wen(length_write), .ip_addr(length_address),
    .ip_wdata(length_data), .ip_rack(length_ack), .ip_rdata(length_read)
  );
  length_register #(.Steps({steps})) i_length (
    .clk_i(ap_clk), .rst_ni(ap_rst_n), .en_i(length_en), .write_i(length_write),
    .data_i(length_data), .ack_o(length_ack), .data_o(length_read), .length_o(length)
  );"""
