"""FINN's memstream, the memory that weights stream from."""

from __future__ import annotations

from pathlib import Path

from msq_finn.finn_compat import rtl_library


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
    text = (rtl_library() / "memstream/hdl/memstream_wrapper_template.v").read_text()
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


def sources() -> list[Path]:
    """Return FINN's files beneath the wrapper, in compilation order.

    Raises:
        MissingToolError: FINN's RTL library is not found.
    """
    modules = ("axi/hdl/axilite", "memstream/hdl/memstream_axi", "memstream/hdl/memstream")
    return [rtl_library() / f"{module}.sv" for module in modules]
