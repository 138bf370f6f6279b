"""Netlists whose nets have one bit each.

Yosys gives a net the vector that it had in the source, and cells drive the vector's bits one by
one. Icarus Verilog puts such a vector together anew for every bit that changes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_NAME = r"\\\S+[ ]|[A-Za-z_]\w*"

_DECLARATION = re.compile(rf"  (input|output|wire) \[(\d+):(\d+)\] ({_NAME});")

# Numbers, texts and names of pins come first, so that nothing in them is taken for a net.
_NET = re.compile(
    rf"\d+'\w+|\"[^\"]*\"|\.(?:{_NAME})|({_NAME})(?:\[(?P<left>\d+)(?::(?P<right>\d+))?\])?"
)


def split(netlist: str) -> str:
    r"""Return a netlist with a net for every bit of a vector, inputs excepted.

    Ports stay as they are: an output is put together from its bits at the end.

    Args:
        netlist: one module as Yosys writes it without attributes (`write_verilog -noattr`), which
            gives every declaration, pin and assignment a line.

    >>> netlist = r'''module m(a, q);
    ...   input [1:0] a;
    ...   wire [1:0] a;
    ...   output [1:0] q;
    ...   wire [1:0] q;
    ...   INV u (
    ...     .I(a[0]),
    ...     .O(q[1])
    ...   );
    ...   assign q[0] = a[1];
    ... endmodule
    ... '''
    >>> print(split(netlist), end="")
    module m(a, q);
      input [1:0] a;
      wire [1:0] a;
      output [1:0] q;
      wire [1:0] q;
      wire \q:1 ;
      wire \q:0 ;
      INV u (
        .I(a[0]),
        .O(\q:1 )
      );
      assign \q:0  = a[1];
      assign q = {\q:1 , \q:0 };
    endmodule
    """
    lines = netlist.splitlines()
    declared = [match.groups() for match in map(_DECLARATION.fullmatch, lines) if match]
    inputs = {name for kind, *_, name in declared if kind == "input"}
    outputs = {name for kind, *_, name in declared if kind == "output"}
    nets = {
        name: _bits(name, int(left), int(right))
        for _, left, right, name in declared
        if name not in inputs
    }

    def put(found: re.Match[str]) -> str:
        name, left, right = found.groups()
        if name not in nets:
            return found[0]
        indices = nets[name] if left is None else _indices(int(left), int(right or left))
        return _joined(nets[name][index] for index in indices)

    result = []
    for line in lines:
        found = _DECLARATION.fullmatch(line)
        if found is not None and found[4] in nets:
            if found[4] in outputs:
                result.append(line)
            if found[1] == "wire":
                result += [f"  wire {bit};" for bit in nets[found[4]].values()]
        elif line == "endmodule":
            result += [
                f"  assign {name} = {_joined(nets[name].values())};" for name in sorted(outputs)
            ]
            result.append(line)
        else:
            result.append(line if line.startswith("module ") else _NET.sub(put, line))
    return "\n".join(result) + "\n"


def _indices(left: int, right: int) -> range:
    """Indices of a range, which Verilog writes down or up."""
    step = -1 if left > right else 1
    return range(left, right + step, step)


def _bits(name: str, left: int, right: int) -> dict[int, str]:
    """Names of a vector's bits, by index; no net of Yosys' has a colon in its name."""
    plain = name.strip().removeprefix("\\")
    return {index: f"\\{plain}:{index} " for index in _indices(left, right)}


def _joined(bits: Iterable[str]) -> str:
    several = list(bits)
    return several[0] if len(several) == 1 else f"{{{', '.join(several)}}}"
