"""A testbench for a model of ours and the vendor's side by side: pins, instances, comparison."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

#: Cycles after the vendor's global reset in which memories are filled and registers reset.
QUIET = 24
NOISE = "{$random(seed), $random(seed), $random(seed)}"


@dataclass
class Pair:
    """One configuration: a model of ours and one of the vendor's on the same pins.

    Attributes:
        pins: per pin its width, and what it is drawn from; the clock is not among them. Later pins
            may look at earlier ones.
        body: instances of both, and what else they need.
        compared: expressions of ours, of the vendor's, and whether X has a reason there; widths.
        whole_words: the vendor's model gives up whole words where it has a reason.
    """

    pins: dict[str, tuple[int, str]]
    body: str
    compared: list[tuple[str, str, str, int]] = field(default_factory=list)
    whole_words: bool = False

    def module(self, name: str, cycles: int, seed: int) -> str:
        """The module that drives and compares the two."""
        width = sum(bits for *_, bits in self.compared)
        ours = ", ".join(mine for mine, _, _, _ in self.compared)
        theirs = ", ".join(other for _, other, _, _ in self.compared)
        reason = ", ".join(f"{{{bits}{{{why}}}}}" for _, _, why, bits in self.compared)
        return BENCH.format(
            name=name, cycles=cycles, seed=seed, quiet=QUIET, width=width, body=self.body,
            pins="\n".join(f"  reg [{bits - 1}:0] {pin};" for pin, (bits, _) in self.pins.items()),
            drive="\n".join(f"      {pin} = {drawn};" for pin, (_, drawn) in self.pins.items()),
            ours=ours, theirs=theirs, reason=reason, whole_words=int(self.whole_words),
        )  # fmt: skip


#: Pins change in the middle of a cycle; outputs are compared before the next change. A bit of
#: which one says X has a reason or differs.
BENCH = """
module {name};
  integer seed = {seed}, cycle = 0, bits = 0, differ = 0, stricter = 0, bolder = 0, both = 0, k;
  reg quiet = 1;
{pins}
{body}
  wire [{width}-1:0] ours = {{{ours}}};
  wire [{width}-1:0] theirs = {{{theirs}}};
  wire [{width}-1:0] reason = {{{reason}}};
  task drive;
    begin
{drive}
    end
  endtask
  task compare;
    if (^theirs !== 1'bx && ours === theirs) bits = bits + {width};
    else for (k = 0; k < {width}; k = k + 1)
      if (theirs[k] === 1'bx) begin
        if (ours[k] === 1'bx) both = both + 1;
        else if (reason[k] && {whole_words}) bolder = bolder + 1;
        else wrong;
      end else begin
        bits = bits + 1;
        if (ours[k] === 1'bx && reason[k]) stricter = stricter + 1;
        else if (ours[k] !== theirs[k]) wrong;
      end
  endtask
  task wrong;
    begin
      if (differ == 0)
        $display("FIRST {name} cycle %0d bit %0d: %h, vendor %h", cycle - {quiet}, k, ours, theirs);
      differ = differ + 1;
    end
  endtask
  initial begin
    drive;
    #110000;  // the vendor's models are in their global reset
    for (cycle = 0; cycle < {quiet} + {cycles}; cycle = cycle + 1) begin
      @(negedge bench.clk);
      quiet = cycle < {quiet};
      drive;
      @(posedge bench.clk);
      #4000;
      if (!quiet) compare;
    end
    $display("COUNTED {name} %0d %0d %0d %0d %0d %0d", cycle - {quiet}, bits, differ, stricter,
             bolder, both);
  end
endmodule
"""

TOP = """
module bench;
  reg clk = 0;
  always #5000 clk = ~clk;
{pairs}
  initial #{end} $finish;
endmodule
"""


def rare(odds: int) -> str:
    """A pin that is 1 in one of so many cycles, and 0 in quiet ones."""
    return f"($unsigned($random(seed)) % {odds}) == 0 && !quiet"


def often(odds: int) -> str:
    """A pin that is 0 in one of so many cycles, and 1 in quiet ones."""
    return f"($unsigned($random(seed)) % {odds}) != 0 || quiet"


def one_of(width: int, values: Sequence[int]) -> str:
    """A pin with one of some values, the first one in quiet cycles."""
    table = sum(value << index * width for index, value in enumerate(values))
    at = f"quiet ? 0 : ($unsigned($random(seed)) % {len(values)}) * {width}"
    return f"{len(values) * width}'h{table:x} >> ({at})"


def text(value: str) -> str:
    """A string parameter."""
    return f'"{value}"'


def instances(kind: str, parameters: dict[str, Any], inputs: Sequence[str], clocks: Sequence[str],
              outputs: dict[str, int]) -> str:  # fmt: skip
    """Our model and the vendor's on the same pins."""
    settings = ", ".join(f".{name}({value})" for name, value in parameters.items())
    pins = [f".{name}(bench.clk)" for name in clocks] + [f".{name}({name})" for name in inputs]
    lines = []
    for who, module in (("ours", f"our_{kind}"), ("theirs", kind)):
        lines += [f"  wire [{bits - 1}:0] {who}_{out};" for out, bits in outputs.items()]
        ends = ", ".join([*pins, *(f".{out}({who}_{out})" for out in outputs)])
        lines.append(f"  {module} #({settings}) {who}_model ({ends});")
    return "\n".join(lines)


def seen(output: str, bits: int, reason: str = "1'b0") -> tuple[str, str, str, int]:
    """The low bits of an output, to compare."""
    return f"ours_{output}[{bits - 1}:0]", f"theirs_{output}[{bits - 1}:0]", reason, bits
