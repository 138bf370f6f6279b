"""The signals of the AXI-lite port on which the processor writes at run time."""

from __future__ import annotations

#: The port's name, as FINN has it.
PORT = "s_axilite"

_DRIVEN: dict[str, dict[str, int | None]] = {
    "input": {
        "AWVALID": 1, "AWPROT": 3, "AWADDR": None, "WVALID": 1, "WDATA": 32, "WSTRB": 4,
        "BREADY": 1, "ARVALID": 1, "ARPROT": 3, "ARADDR": None, "RREADY": 1,
    },
    "output": {
        "AWREADY": 1, "WREADY": 1, "BVALID": 1, "BRESP": 2,
        "ARREADY": 1, "RVALID": 1, "RDATA": 32, "RRESP": 2,
    },
}  # fmt: skip


def signals(address_bits: int = 32) -> dict[str, tuple[str, int]]:
    """By the name of a signal, its direction at the module that has the port, and its width.

    Args:
        address_bits: how wide an address is.

    >>> signals(4)["AWADDR"], signals()["RDATA"]
    (('input', 4), ('output', 32))
    """
    return {
        name: (direction, address_bits if bits is None else bits)
        for direction, widths in _DRIVEN.items()
        for name, bits in widths.items()
    }


def ports(address_bits: int = 32) -> str:
    """Declarations of the port's signals in Verilog, each on a line and with a comma behind it.

    Args:
        address_bits: how wide an address is.
    """
    return "".join(
        f"  {direction} [{bits - 1}:0] {PORT}_{name},\n"
        for name, (direction, bits) in signals(address_bits).items()
    )
