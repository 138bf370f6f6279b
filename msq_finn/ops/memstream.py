"""FINN's memstream, the memory that weights stream from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from msq_finn.errors import MsqError
from msq_finn.finn_compat import rtl_library
from msq_finn.finn_compat.nodes import weight_stream_bits
from msq_finn.ops import axilite

_TEMPLATE = "memstream/hdl/memstream_wrapper_template.v"


def wrapper(
    name: str, depth: int, width: int, contents: Path | str, ram_style: str, pumped: bool = False
) -> str:
    """Fill in FINN's template for one memory, the module ``<name>_memstream_wrapper``.

    Args:
        name: of the node.
        depth: words.
        width: bits of a word.
        contents: file for ``$readmemh``; empty where the memory starts without any.
        ram_style: as in FINN's attribute: auto, block, distributed or ultra.
        pumped: whether it is read at twice the clock, half a word at a time.

    Returns:
        the Verilog text (finn-rtllib/memstream/hdl/memstream_wrapper_template.v).

    Raises:
        MissingToolError: FINN's RTL library is not found.
    """
    template = rtl_library() / _TEMPLATE
    if not template.exists():
        return _bare(name, depth, width, contents, ram_style, pumped)
    text = template.read_text()
    for key, value in {
        "MODULE_NAME": name,
        "SETS": 1,
        "DEPTH": depth,
        "WIDTH": width,
        "INIT_FILE": contents,
        "RAM_STYLE": ram_style,
        "PUMPED_MEMORY": int(pumped),
    }.items():
        text = text.replace(f"${key}$", str(value))
    return text


def wrapper_of(op: Any) -> str:
    """Return the wrapper of a node of FINN's that has none, as in upstream's main line.

    Args:
        op: a matrix-vector or depthwise unit after code generation.

    Raises:
        MsqError: as `wrapper`.
    """
    if op.get_nodeattr("runtime_writeable_weights"):
        raise _not_on_main(op.onnx_node.name, "weights written at run time")
    return wrapper(
        op.onnx_node.name,
        op.calc_wmem(),
        weight_stream_bits(op),
        Path(op.get_nodeattr("code_gen_dir_ipgen")) / "memblock.dat",
        op.get_nodeattr("ram_style"),
    )


def _not_on_main(name: str, what: str) -> MsqError:
    return MsqError(
        f"{what} cannot be simulated with this FINN's memstream, {_TEMPLATE} is missing; "
        "use finn-plus, or upstream's dev",
        where=name,
    )


def _bare(
    name: str, depth: int, width: int, contents: Path | str, ram_style: str, pumped: bool
) -> str:
    """A wrapper around the memstream of upstream's main, which has no template of one."""
    if pumped or not contents:
        raise _not_on_main(name, "pumped or uninitialised memory")
    return f"""\
module {name}_memstream_wrapper (
  input ap_clk, input ap_clk2x, input ap_rst_n,
{axilite.ports()}  input s_axis_0_tvalid, input s_axis_0_tdata, output s_axis_0_tready,
  input m_axis_0_tready, output m_axis_0_tvalid, output [{width - 1}:0] m_axis_0_tdata
);
  memstream #(
    .DEPTH({depth}), .WIDTH({width}), .INIT_FILE("{contents}"), .RAM_STYLE("{ram_style}")
  ) core (
    .clk(ap_clk), .rst(!ap_rst_n),
    .config_ce(1'b0), .config_we(1'b0), .config_address(32'd0), .config_d0({width}'d0),
    .config_rack(), .config_q0(),
    .ordy(m_axis_0_tready), .ovld(m_axis_0_tvalid), .odat(m_axis_0_tdata)
  );
endmodule
"""


def sources() -> list[Path]:
    """Return FINN's files beneath the wrapper, in compilation order.

    Raises:
        MissingToolError: FINN's RTL library is not found.
    """
    modules = ["memstream/hdl/memstream"]
    if (rtl_library() / _TEMPLATE).exists():
        modules = ["axi/hdl/axilite", "memstream/hdl/memstream_axi", *modules]
    return [rtl_library() / f"{module}.sv" for module in modules]
