"""The memory of weights that nobody writes: an address counter, and words from a file."""

from __future__ import annotations

from pathlib import Path

import msq_finn.rtl

#: The module beneath the wrapper.
SOURCE = Path(msq_finn.rtl.__file__).parent / "memory" / "weight_rom.sv"


def instance(depth: int, width: int, contents: Path | str, ram_style: str) -> str:
    """The module's name with its parameters.

    Args:
        depth: words.
        width: bits of a word.
        contents: file for ``$readmemh``.
        ram_style: auto, block, distributed or ultra.

    >>> print(instance(9, 16, "memblock.dat", "block"))
    weight_rom #(.Width(16), .Depth(9), .Contents("memblock.dat"), .RamStyle("block"))
    """
    return (
        f"weight_rom #(.Width({width}), .Depth({depth}), "
        f'.Contents("{contents}"), .RamStyle("{ram_style}"))'
    )


def wrapper(name: str, depth: int, width: int, contents: Path | str, ram_style: str) -> str:
    """The module that FINN's block designs have beside a layer, ``<name>_memstream_wrapper``.

    Of the ports of FINN's memstream it has those that are wired where nobody writes.

    Args:
        name: of the node.
        depth: words.
        width: bits of a word, a multiple of 8.
        contents: file for ``$readmemh``.
        ram_style: as in FINN's attribute: auto, block, distributed or ultra.

    Returns:
        the Verilog text.
    """
    return f"""\
module {name}_memstream_wrapper (
  (* X_INTERFACE_PARAMETER = "ASSOCIATED_BUSIF m_axis_0, ASSOCIATED_RESET ap_rst_n" *)
  (* X_INTERFACE_INFO = "xilinx.com:signal:clock:1.0 ap_clk CLK" *)
  input ap_clk,
  (* X_INTERFACE_INFO = "xilinx.com:signal:clock:1.0 ap_clk2x CLK" *)
  input ap_clk2x,
  (* X_INTERFACE_PARAMETER = "POLARITY ACTIVE_LOW" *)
  input ap_rst_n,
  input m_axis_0_tready,
  output m_axis_0_tvalid,
  output [{width - 1}:0] m_axis_0_tdata
);
  {instance(depth, width, contents, ram_style)} i_memory (
    .clk_i(ap_clk), .rst_ni(ap_rst_n),
    .data_o(m_axis_0_tdata), .valid_o(m_axis_0_tvalid), .ready_i(m_axis_0_tready)
  );
endmodule
"""
