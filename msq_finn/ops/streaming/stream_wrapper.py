"""The Verilog wrapper that gives a streaming module FINN's port names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class InputStream:
    """An input stream.

    Attributes:
        port: the module's name for it, which ``_data_i``, ``_valid_i`` and ``_ready_o`` follow;
            streams of one name share a port, the first of them in the lowest bits.
        bits: of a word, without padding.
    """

    port: str
    bits: int


def render(
    name: str,
    module: str,
    parameters: Mapping[str, int | str],
    inputs: Sequence[InputStream],
    out_bits: int,
    outputs: int,
) -> str:
    """Return the wrapper's text.

    Streams are padded to bytes, with zeros above the data.

    Args:
        name: of the wrapper module.
        module: of the module inside.
        parameters: of the module inside.
        inputs: ``in0_V`` and on.
        out_bits: bits of an output word without padding.
        outputs: how many outputs carry it, ``out0_V`` and on.
    """
    pins = [".clk_i(ap_clk)", ".rst_ni(ap_rst_n)"]
    for port in dict.fromkeys(stream.port for stream in inputs):
        members = [(i, s.bits) for i, s in enumerate(inputs) if s.port == port]
        pins += [
            f".{port}_data_i({_joined(f'in{i}_V_TDATA[{bits - 1}:0]' for i, bits in members)})",
            f".{port}_valid_i({_joined(f'in{i}_V_TVALID' for i, _ in members)})",
            f".{port}_ready_o({_joined(f'in{i}_V_TREADY' for i, _ in members)})",
        ]
    pins += [
        ".out_data_o(out_data)",
        f".out_valid_o({_joined(f'out{i}_V_TVALID' for i in range(outputs))})",
        f".out_ready_i({_joined(f'out{i}_V_TREADY' for i in range(outputs))})",
    ]
    ports = [port for i, s in enumerate(inputs) for port in _ports(f"in{i}_V", s.bits, "input")]
    ports += [port for i in range(outputs) for port in _ports(f"out{i}_V", out_bits, "output")]
    padding = -out_bits % 8
    word = f"{{{padding}'d0, out_data}}" if padding else "out_data"
    busses = ":".join(
        [f"in{i}_V" for i in range(len(inputs))] + [f"out{i}_V" for i in range(outputs)]
    )
    newline = ",\n  "
    return f"""\
module {name} (
  (* X_INTERFACE_PARAMETER = "ASSOCIATED_BUSIF {busses}, ASSOCIATED_RESET ap_rst_n" *)
  (* X_INTERFACE_INFO = "xilinx.com:signal:clock:1.0 ap_clk CLK" *)
  input ap_clk,
  (* X_INTERFACE_PARAMETER = "POLARITY ACTIVE_LOW" *)
  input ap_rst_n,
  {newline.join(ports)}
);
  wire [{out_bits - 1}:0] out_data;
  {module} #(
    {", ".join(f".{key}({value})" for key, value in parameters.items())}
  ) i_{module} (
    {f"{newline}  ".join(pins)}
  );
{"".join(f"  assign out{i}_V_TDATA = {word};{chr(10)}" for i in range(outputs))}endmodule
"""


def _ports(name: str, bits: int, direction: str) -> list[str]:
    back = "output" if direction == "input" else "input"
    width = (bits + 7) // 8 * 8
    return [
        f"{direction} [{width - 1}:0] {name}_TDATA",
        f"{direction} {name}_TVALID",
        f"{back} {name}_TREADY",
    ]


def _joined(signals: Iterable[str]) -> str:
    """Several signals as one vector, the first in the lowest bits."""
    return f"{{{', '.join(reversed(list(signals)))}}}"
