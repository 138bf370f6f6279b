"""Our simulation models of FPGA primitives against the vendor's own, side by side in Icarus.

Both are driven with the same random pins, in random configurations out of those that our models
take: block RAMs of all widths and write modes, as two ports or as one to write and one to read;
UltraRAM with both kinds of byte enables; DSP slices with random registers, operand selections and
adder modes, and their cascades. Ports of memories often meet at an address. ``dsp_mac`` comes once
more as a whole: its behavioural form, which is all there is of us for a DSP58, against the vendor's
slice with the parameters it is given. One clock drives all ports.

Outputs are compared bit for bit in every cycle, in bits that a port has. "differ" is a bit that the
vendor's model knows and ours has otherwise, or of which one of the two says X without a reason.
Reasons there are where ports meet (UG473, UG573): a port reads what the other one is writing, not
READ_FIRST, or both have written. Of what a port reads there, bits of which only our model says X
count as "stricter": the vendor's sees no harm where a port is in reset, or in both writing the same
data. Bits of which only the vendor's does count as "bolder": its models of UltraScale+ give up
whole words, ours and those of 7-series the bytes that are written, which is what UG573 says; on
7-series they differ. "both X" are bits that neither knows.

The folder given is the vendor's library: ``*.v`` in it are found at any depth, ``glbl.v`` in it or
right above it. Primitives that it lacks are named and left out. The exit code is 1 where a bit
differs, or where nothing was compared.

    python benchmarks/vendor_models.py UNISIMS [--seeds N] [--cycles N] [--only NAME]... [--json]
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

import msq_finn.rtl
from msq_finn.errors import MsqError
from msq_finn.rewordings import for_slang
from msq_finn.sim import primitives
from msq_finn.synth import yosys as synth
from tests import icarus, yosys

MODELS = Path(primitives.__file__).parent
RTL = Path(msq_finn.rtl.__file__).parent
MAC_SOURCES = ("msq_pkg", "delay_line", "dsp48e1_mac", "dsp48e2_mac", "dsp58_mac", "dsp_mac")

#: What is counted of a row.
COUNTS = ("cycles", "bits", "differ", "stricter", "bolder", "both X")
#: Cycles after the vendor's global reset in which memories are filled and registers reset.
QUIET = 24
MODES = ("READ_FIRST", "WRITE_FIRST", "NO_CHANGE")
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


# Block RAM


@dataclass(frozen=True)
class Ram:
    """A kind of block RAM: how its pins are called and how wide they are."""

    kind: str

    @property
    def wide(self) -> bool:
        """36 kbit."""
        return self.kind.startswith("RAMB36")

    @property
    def second(self) -> bool:
        """Of UltraScale+."""
        return self.kind.endswith("E2")

    @property
    def data(self) -> int:
        """Data bits of a port."""
        return 32 if self.wide else 16

    @property
    def lanes(self) -> int:
        """Bytes, and bits of parity, of a port."""
        return self.data // 8

    @property
    def address(self) -> int:
        """Bits of an address that count."""
        return 15 if self.wide else 14

    @property
    def both(self) -> int:
        """Width of a word of both ports' pins, with parity."""
        return 2 * (self.data + self.lanes)

    @property
    def names(self) -> dict[str, str]:
        """Names of the data pins by port: DA, DB, PA, PB in, QA, QB, RA, RB out."""
        into, out = ("DIN", "DOUT") if self.second else ("DI", "DO")
        found = {}
        for port in "AB":
            pin = f"{port}DIN" if self.second else f"{port}DI"
            found[f"D{port}"] = f"{into}{pin}"
            found[f"P{port}"] = f"{into}P{pin}P"
            pin = f"{port}DOUT" if self.second else f"{port}DO"
            found[f"Q{port}"] = f"{out}{pin}"
            found[f"R{port}"] = f"{out}P{pin}P"
        return found

    def idle(self) -> dict[str, tuple[int, str]]:
        """Pins that are not used."""
        low = ["REGCEAREGCE", "REGCEB", "RSTREGARSTREG", "RSTREGB"]
        low += ["INJECTDBITERR", "INJECTSBITERR"] if self.wide else []
        if not self.second:
            low += ["CASCADEINA", "CASCADEINB"] if self.wide else []
            return dict.fromkeys(low, (1, "0"))
        muxes = ("CASDIMUX", "CASDOMUX", "CASOREGIMUX", "CASDOMUXEN_", "CASOREGIMUXEN_")
        low += ["SLEEP", *(f"{mux}{x}" for mux in muxes for x in "AB")]
        low += ["CASINDBITERR", "CASINSBITERR", "ECCPIPECE"] if self.wide else []
        pins = dict.fromkeys(low, (1, "0")) | {f"ADDREN{x}": (1, "1") for x in "AB"}
        pins |= {f"CASDIN{x}": (self.data, "0") for x in "AB"}
        return pins | {f"CASDINP{x}": (self.lanes, "0") for x in "AB"}


@dataclass(frozen=True)
class Shape:
    """Widths of a block RAM's ports with parity, 0 if unused, and what they do when writing."""

    read_a: int
    write_a: int
    read_b: int
    write_b: int
    mode_a: str
    mode_b: str
    sdp: bool

    @property
    def row(self) -> int:
        """Address bits within the widest word."""
        widest = max(self.read_a, self.write_a, self.read_b, self.write_b)
        return max(3, data_bits(widest).bit_length() - 1)


def data_bits(width: int) -> int:
    """Bits of data in a word of a width with parity."""
    return width if width < 9 else width // 9 * 8


def ram_shape(ram: Ram, draw: random.Random, index: int) -> Shape:
    """Two ports in even configurations; in odd ones A reads and B writes, one of them wide."""
    widths = [1, 2, 4, 9, 18, *([36] if ram.wide else [])]
    if index % 2:
        mode = draw.choice(MODES[:2])
        other = draw.choice([*widths, ram.both])
        read, write = (ram.both, other) if draw.random() < 0.5 else (other, ram.both)
        return Shape(read, 0, 0, write, mode, mode, True)
    mode_a, mode_b = draw.choice(MODES), draw.choice(MODES)
    if draw.random() < 0.3:
        width = draw.choice(widths)
        return Shape(width, width, width, width, mode_a, mode_b, False)
    read_a, (write_a, read_b, write_b) = draw.choice(widths), draw.choices([0, *widths], k=3)
    return Shape(read_a, write_a, read_b, write_b, mode_a, mode_b, False)


def enables(width: int, pins: int, whole: str = "0") -> str:
    """Byte enables as Yosys ties them: one a byte of the port's width, over and over.

    All bytes are written or none where ``whole`` says so, and in half of the other writes.
    """
    if not width:
        return "0"
    used = max(1, width // 9)
    full = (1 << used) - 1
    some = f"({whole}) || $random(seed) & 1 ? {full} : $random(seed) & {full}"
    over_and_over = sum(1 << k for k in range(0, pins, used))
    return f"{pins}'h{over_and_over:x} * (!quiet && ($random(seed) & 1) ? {some} : 0)"


def ram_pair(ram: Ram, draw: random.Random, index: int) -> Pair:
    """A configuration of a block RAM."""
    shape, name = ram_shape(ram, draw, index), ram.names
    pins = ram.idle()
    # Two words in which ports meet, and now and then any word.
    near, far = (draw.getrandbits(ram.address) for _ in range(2))
    few = f"({near} ^ ($random(seed) & {(2 << shape.row) - 1}))"
    address = f"$random(seed) & 7 ? {few} : $random(seed) & 1 ? {far} : $random(seed)"
    extra = 1 if ram.wide and not ram.second else 0
    top = f" | {1 << ram.address}" * extra
    for pin in ("ADDRARDADDR", "ADDRBWRADDR"):
        pins[pin] = (ram.address + extra, f"({address}){top}")
    for pin in ("ENARDEN", "ENBWREN"):
        pins[pin] = (1, f"!quiet && ({often(8)})")
    pins |= dict.fromkeys(("RSTRAMARSTRAM", "RSTRAMB"), (1, rare(30)))
    for part, bits in (("D", ram.data), ("P", ram.lanes)):
        pins |= {name[part + port]: (bits, "$random(seed)") for port in "AB"}
    pins |= ram_enables(ram, shape, never_both=index % 4 == 0)
    parameters = ram_parameters(ram, shape, draw)
    outs = {name[f"Q{port}"]: ram.data for port in "AB"}
    outs |= {name[f"R{port}"]: ram.lanes for port in "AB"}
    clocks = ("CLKARDCLK", "CLKBWRCLK")
    body = instances(ram.kind, parameters, list(pins), clocks, outs) + meeting(ram, shape)
    compared = ram_compared(ram, shape)
    return Pair(pins, body, compared, whole_words=ram.second)


def ram_enables(ram: Ram, shape: Shape, never_both: bool) -> dict[str, tuple[int, str]]:
    """Byte enables of both ports; ``never_both`` write a word at once, so that all are known."""
    lanes = 2 * ram.lanes if shape.sdp else ram.lanes
    part = f"[{ram.address - 1}:{shape.row}]"
    meet = f"ENARDEN && ENBWREN && ADDRARDADDR{part} == ADDRBWRADDR{part}"
    equal = len({shape.read_a, shape.write_a, shape.read_b, shape.write_b} - {0}) == 1
    # Where ports of unequal widths meet the vendor's models of 7-series look at enables of other
    # bytes than those that the ports have in common.
    whole = meet if not ram.second and not equal else "0"
    written = enables(shape.write_b, lanes, whole)
    # Both write a word at once only where they write all of it: the vendor's models mix up what is
    # left of it in other cases, all of them undefined.
    clashes = equal and shape.write_b and not never_both
    clash = f"&WEA && $random(seed) & 1 ? {(1 << lanes) - 1} : 0" if clashes else "0"
    return {
        "WEA": (ram.lanes, enables(shape.write_a, ram.lanes, whole)),
        "WEBWE": (2 * ram.lanes, f"|WEA && {meet} ? ({clash}) : {written}"),
    }


def ram_compared(ram: Ram, shape: Shape) -> list[tuple[str, str, str, int]]:
    """What the ports read, in as many bits as they have."""
    name, compared = ram.names, []
    for port, width in (("A", shape.read_a), ("B", shape.read_b)):
        if width == ram.both:
            compared += [seen(name[f"Q{half}"], ram.data, "met_a") for half in "AB"]
            compared += [seen(name[f"R{half}"], ram.lanes, "met_a") for half in "AB"]
        elif width:
            met = f"met_{port.lower()}"
            compared.append(seen(name[f"Q{port}"], data_bits(width), met))
            compared += [seen(name[f"R{port}"], width // 9, met)] if width >= 9 else []
    return compared


def ram_parameters(ram: Ram, shape: Shape, draw: random.Random) -> dict[str, Any]:
    """Parameters of a block RAM with random contents."""
    depth, half = (128, 36) if ram.wide else (64, 18)
    found: dict[str, Any] = {
        f"INIT{p}_{k:02X}": f"256'h{draw.getrandbits(256):x}"
        for p, rows in (("", depth), ("P", depth // 8))
        for k in range(rows)
    }
    for value in ("INIT", "SRVAL"):
        found |= {f"{value}_{port}": f"{half}'h{draw.getrandbits(half):x}" for port in "AB"}
    found |= {"READ_WIDTH_A": shape.read_a, "WRITE_WIDTH_A": shape.write_a}
    found |= {"READ_WIDTH_B": shape.read_b, "WRITE_WIDTH_B": shape.write_b}
    found |= {"WRITE_MODE_A": text(shape.mode_a), "WRITE_MODE_B": text(shape.mode_b)}
    found |= {"DOA_REG": 0, "DOB_REG": 0, "SIM_COLLISION_CHECK": text("GENERATE_X_ONLY")}
    if not ram.second:
        found |= {"SIM_DEVICE": text("7SERIES"), "RAM_MODE": text("SDP" if shape.sdp else "TDP")}
    return found


def meeting(ram: Ram, shape: Shape) -> str:
    """Whether what a port shows comes from a cycle in which the ports met.

    It does where the other port wrote into the row that it read, unless READ_FIRST, and where both
    ports have once written into that row at the same time.
    """
    high = ram.address - 1
    rows = 1 << (ram.address - shape.row)
    clocked = ""
    for me, enable, reset, other in (
        ("a", "ENARDEN", "RSTRAMARSTRAM", "b"),
        ("b", "ENBWREN", "RSTRAMB", "a"),
    ):
        mine, theirs = ((shape.mode_a, shape.mode_b) if me == "a" else
                        (shape.mode_b, shape.mode_a))  # fmt: skip
        keeps = int(mine == "NO_CHANGE")
        unsafe = int(theirs != "READ_FIRST")
        clocked += f"""
    if ({enable})
      met_{me} <= !{reset} && (({keeps} && writes_{me} && met_{me}) || torn[row_{me}]
        || near_rows && (writes_{other} && {unsafe} || writes_a && writes_b));"""
    return f"""
  wire [{high - shape.row}:0] row_a = ADDRARDADDR[{high}:{shape.row}];
  wire [{high - shape.row}:0] row_b = ADDRBWRADDR[{high}:{shape.row}];
  wire near_rows = row_a == row_b;
  wire writes_a = ENARDEN && |WEA, writes_b = ENBWREN && |WEBWE;
  reg met_a = 0, met_b = 0;
  reg [{rows - 1}:0] torn = 0;
  always @(posedge bench.clk) begin
    if (near_rows && writes_a && writes_b) torn[row_a] <= 1;{clocked}
  end"""


# UltraRAM


def ultra_pair(draw: random.Random, index: int) -> Pair:
    """A configuration of an UltraRAM: sixteen words, all of them written before it counts."""
    modes = ("PARITY_INTERLEAVED", "PARITY_INDEPENDENT")
    parameters = {f"BWE_MODE_{p}": text(modes[index >> k & 1]) for k, p in enumerate("AB")}
    errors = [f"INJECT_{kind}BITERR_{p}" for p in "AB" for kind in "DS"]
    pins: dict[str, tuple[int, str]] = dict.fromkeys([*errors, "SLEEP"], (1, "0"))
    base = draw.getrandbits(12)
    for p in "AB":
        pins[f"EN_{p}"] = (1, often(8) if p == "A" else f"!quiet && ({often(8)})")
        pins[f"RDB_WR_{p}"] = (1, "quiet || $random(seed) & 1")
        pins[f"RST_{p}"] = (1, f"quiet || {rare(30)}")
        pins[f"ADDR_{p}"] = (23, f"{base} ^ ((quiet ? cycle : $random(seed)) & 15)")
        pins[f"BWE_{p}"] = (9, f"quiet ? 511 : {one_of(9, [511, 0, *draw.sample(range(511), 9)])}")
        pins[f"DIN_{p}"] = (72, NOISE)
    outs = {"DOUT_A": 72, "DOUT_B": 72}
    body = instances("URAM288", parameters, list(pins), ["CLK"], outs)
    return Pair(pins, body, [seen(out, bits) for out, bits in outs.items()])


# DSP slices

DSP_ENABLES = [
    *("CEA1", "CEA2", "CEAD", "CEALUMODE", "CEB1", "CEB2", "CEC", "CECARRYIN", "CECTRL", "CED"),
    *("CEINMODE", "CEM", "CEP"),
]
DSP_RESETS = [
    *("RSTA", "RSTALLCARRYIN", "RSTALUMODE", "RSTB", "RSTC", "RSTCTRL", "RSTD", "RSTINMODE"),
    *("RSTM", "RSTP"),
]
DSP_REGISTERS = ("ADREG", "ALUMODEREG", "CARRYINREG", "CREG", "DREG", "INMODEREG", "OPMODEREG")


def dsp_parameters(second: bool, draw: random.Random) -> dict[str, Any]:
    """Random registers and operands of a DSP slice, as its guide allows."""
    found: dict[str, Any] = {name: draw.choice((0, 1)) for name in DSP_REGISTERS}
    for operand in "AB":
        depth = draw.choice((0, 1, 2))
        found[f"{operand}REG"] = depth
        found[f"{operand}CASCREG"] = draw.choice((1, 2)) if depth == 2 else depth
        found[f"{operand}_INPUT"] = text(draw.choice(("DIRECT", "CASCADE")))
    mult = draw.choice(("MULTIPLY", "MULTIPLY", "MULTIPLY", "DYNAMIC", "NONE"))
    found |= {"USE_MULT": text(mult), "MREG": draw.choice((0, 1)) if mult != "NONE" else 0}
    found |= {"PREG": int(draw.random() < 0.8), "CARRYINSELREG": draw.choice((0, 1))}
    found["IS_CARRYIN_INVERTED"] = draw.choice((0, 0, 1))
    if not second:
        preadd = ("FALSE",) if mult == "NONE" else ("TRUE", "FALSE")
        return found | {"USE_DPORT": text(draw.choice(preadd))}
    found |= {"AMULTSEL": text(draw.choice(("A", "AD"))), "PREADDINSEL": text(draw.choice("AB"))}
    found |= {"BMULTSEL": text(draw.choice(("B", "AD"))), "RND": f"48'h{draw.getrandbits(48):x}"}
    return found


def dsp_modes(second: bool, parameters: dict[str, Any], draw: random.Random) -> list[int]:
    """Some values of OPMODE: what is added up, as far as there is such."""
    mult, out = parameters["USE_MULT"], parameters["PREG"]
    # X and Y are the product, A beside B, C, P, or nothing.
    xys = [0b0101] * 3 if mult != text("NONE") else []
    xys += [0b0011, 0b1111] if mult != text("MULTIPLY") else []
    xys += [0b0000, 0b1100, *((0b0010, 0b1110) if out else ())]
    zs = [0, 1, 3, 5, *((2, 6) if out else ())]
    ws = [0, 2, 3, *((1,) if out else ())] if second else [0]
    return [draw.choice(ws) << 7 | draw.choice(zs) << 4 | draw.choice(xys) for _ in range(8)]


def dsp_pair(kind: str, draw: random.Random, _: int) -> Pair:
    """A configuration of a DSP slice."""
    second = kind == "DSP48E2"
    parameters = dsp_parameters(second, draw)
    wide = dict.fromkeys(("A", "ACIN"), 30) | dict.fromkeys(("B", "BCIN"), 18)
    wide |= {"C": 48, "PCIN": 48, "D": 27 if second else 25}
    pins = {name: (bits, NOISE) for name, bits in wide.items()}
    pins |= dict.fromkeys(("CARRYCASCIN", "MULTSIGNIN"), (1, "0")) | {"CARRYINSEL": (3, "0")}
    pins["CARRYIN"] = (1, "$random(seed)")
    pins["ALUMODE"] = (4, one_of(4, (0, 0, 0, 1, 2, 3)))
    early = (parameters["AREG"] == 2) | (parameters["BREG"] == 2) << 4
    pins["INMODE"] = (5, f"$random(seed) & {14 | early}")
    bits = 9 if second else 7
    pins["OPMODE"] = (bits, one_of(bits, dsp_modes(second, parameters, draw)))
    pins |= dict.fromkeys(DSP_ENABLES, (1, often(10)))
    pins |= dict.fromkeys(DSP_RESETS, (1, f"quiet || {rare(40)}"))
    outs = {"P": 48, "PCOUT": 48, "ACOUT": 30, "BCOUT": 18}
    body = instances(kind, parameters, list(pins), ["CLK"], outs)
    return Pair(pins, body, [seen(out, bits) for out, bits in outs.items()])


# dsp_mac

#: Bits of d and a, of b, and of p, by DspVersion.
MAC_PORTS = {1: (25, 18, 48), 2: (27, 18, 48), 3: (27, 24, 58)}


def mac_module(version: int, draw: random.Random, index: int) -> str:
    """A module with dsp_mac twice: behavioural, and on the vendor's slice."""
    weight, act, total = MAC_PORTS[version]
    settings = f".DspVersion({version}), .Start(58'h{draw.getrandbits(total):x})"
    for bit, name in enumerate(("Delayed", "Chained", "Accumulate")):
        settings += f", .{name}({index >> bit & 1})"
    ports = f"""
  input logic clk_i, en_i, p_en_i, first_i,
  input logic [{weight - 1}:0] d_i, a_i, input logic [{act - 1}:0] b_i,
  input logic [{total - 1}:0] chain_i,
  output logic [{total - 1}:0] ours_p, ours_chain, theirs_p, theirs_chain"""
    both = "\n".join(
        f"  dsp_mac #({settings}, .UsePrimitives({used})) {who} (\n"
        f"    .*, .p_o({who}_p), .chain_o({who}_chain));"
        for used, who in enumerate(("ours", "theirs"))
    )
    return f"module mac_{index} ({ports}\n);\n{both}\nendmodule\n"


def mac_pair(version: int, _: random.Random, index: int) -> Pair:
    """A configuration of dsp_mac; the module is in the sources."""
    weight, act, total = MAC_PORTS[version]
    pins = {"en_i": (1, often(6)), "p_en_i": (1, often(6)), "first_i": (1, f"quiet || {rare(5)}")}
    pins |= {"d_i": (weight, NOISE), "a_i": (weight, NOISE), "b_i": (act, NOISE)}
    pins["chain_i"] = (total, NOISE)
    outs = [f"{who}_{out}" for out in ("p", "chain") for who in ("ours", "theirs")]
    body = f"  wire [{total - 1}:0] {', '.join(outs)};\n  mac_{index} macs (.clk_i(bench.clk), "
    body += ", ".join(f".{pin}({pin})" for pin in (*pins, *outs)) + ");"
    return Pair(pins, body, [seen(out, total) for out in ("p", "chain")])


def macs_in_verilog(version: int, count: int, draw: random.Random, folder: Path) -> Path:
    """Verilog of the modules with dsp_mac, the vendor's slices left as they are."""
    source = folder / "macs.sv"
    source.write_text("".join(mac_module(version, draw, index) for index in range(count)))
    paths = []
    for name in MAC_SOURCES:
        path = RTL / f"{name}.sv"
        reworded = for_slang(path)
        if reworded is not None:
            path = folder / path.name
            path.write_text(reworded)
        paths.append(path)
    tops = " --top ".join(f"mac_{index}" for index in range(count))
    options = "--keep-hierarchy --allow-use-before-declare -D SYNTHESIS=1"
    read = yosys.read(tops, [synth._STUBS, *paths, source], options, tuple(synth._BLACK_BOXES))
    done = yosys.run(read, "proc", "opt_clean", "write_verilog -noattr macs.v", cwd=folder)
    if done.returncode:
        raise MsqError(f"Yosys rejects dsp_mac: {done.stderr[-500:]}")
    return folder / "macs.v"


# Runs


@dataclass(frozen=True)
class Row:
    """What is compared: a primitive of the vendor, and what of ours is held to it."""

    name: str
    primitive: str
    pair: Callable[[random.Random, int], Pair]
    version: int = 0

    def sources(self, count: int, draw: random.Random, folder: Path) -> Path:
        """What of ours the pairs are made of."""
        if self.version:
            return macs_in_verilog(self.version, count, draw, folder)
        files = [MODELS / f"{self.primitive}.v", *sorted(MODELS.glob("[a-z]*.v"))]
        ours = "\n".join(file.read_text() for file in files)
        path = folder / "ours.v"
        kind = self.primitive
        path.write_text(re.sub(rf"\bmodule {kind}\b", f"module our_{kind}", ours))
        return path


def rows() -> Iterator[Row]:
    """Everything that is compared."""
    for kind in ("RAMB18E1", "RAMB36E1", "RAMB18E2", "RAMB36E2"):
        yield Row(kind, kind, partial(ram_pair, Ram(kind)))
    yield Row("URAM288", "URAM288", ultra_pair)
    for kind in ("DSP48E1", "DSP48E2"):
        yield Row(kind, kind, partial(dsp_pair, kind))
    for version, kind in enumerate(("DSP48E1", "DSP48E2", "DSP58"), 1):
        yield Row(f"mac {kind}", kind, partial(mac_pair, version), version)


def find(library: Path, name: str) -> Path | None:
    """A file of the vendor's library."""
    found = sorted(library.rglob(name)) or sorted(library.parent.glob(name))
    return found[0] if found else None


def measure(row: Row, vendor: Sequence[Path], count: int, cycles: int) -> dict[str, Any]:
    """Run the pairs of a row, all of them in one simulation."""
    start = time.monotonic()
    draw = random.Random(row.name)
    with TemporaryDirectory(prefix="msq_finn_vendor_") as scratch:
        folder = Path(scratch)
        pairs = [row.pair(draw, index) for index in range(count)]
        bench = folder / "bench.v"
        modules = [
            pair.module(f"pair_{index}", cycles, draw.getrandbits(30))
            for index, pair in enumerate(pairs)
        ]
        names = "\n".join(f"  pair_{index} p{index} ();" for index in range(count))
        end = 110_000 + 10_000 * (QUIET + cycles + 2)
        top = TOP.format(pairs=names, end=end)
        bench.write_text("`timescale 1ps / 1ps\n" + "".join(modules) + top)
        ours = row.sources(count, draw, folder)
        printed = icarus.run([bench, ours, *vendor], ["bench", "glbl"], folder)
    counted = re.findall(r"^COUNTED \w+" + r" (\d+)" * len(COUNTS), printed, re.MULTILINE)
    if len(counted) != count:
        raise MsqError(f"{row.name}: {len(counted)} of {count} pairs ran: {printed[-1000:]}")
    sums = (sum(map(int, column)) for column in zip(*counted, strict=True))
    return {
        "name": row.name,
        "configurations": count,
        **dict(zip(COUNTS, sums, strict=True)),
        "first": re.findall(r"^FIRST (.*)", printed, re.MULTILINE),
        "seconds": round(time.monotonic() - start, 1),
    }


def show(results: list[dict[str, Any]], missing: list[str]) -> None:
    """Print a table, where models first differ, and what was left out."""
    console = Console()
    table = Table("ours", "configs", *COUNTS, box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for column in table.columns[1:]:
        column.justify = "right"
    for row in results:
        table.add_row(row["name"], *(f"{row[key]:,}" for key in ("configurations", *COUNTS)))
    console.print(table)
    for row in results:
        for line in row["first"]:
            console.print(f"{row['name']}: {line}", highlight=False, soft_wrap=True)
    if missing:
        console.print(f"not in the folder, and not compared: {', '.join(missing)}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("unisims", type=Path, help="folder of the vendor's Verilog models")
    parser.add_argument("--seeds", type=int, default=20, help="random configurations a primitive")
    parser.add_argument("--cycles", type=int, default=300, help="a configuration")
    parser.add_argument("--only", action="append", help="a row; default: all")
    parser.add_argument("--json", action="store_true", help="print JSON only")
    options = parser.parse_args()
    wanted = [row for row in rows() if not options.only or row.name in options.only]
    glbl = find(options.unisims, "glbl.v")
    models = {row.name: find(options.unisims, f"{row.primitive}.v") for row in wanted}
    missing = [name for name, path in models.items() if path is None or glbl is None]
    results = []
    try:
        with Progress(console=Console(stderr=True), transient=True) as bar:
            for row in bar.track(wanted, description="Simulation (Icarus)"):
                path = models[row.name]
                if path is not None and glbl is not None:
                    results.append(measure(row, [path, glbl], options.seeds, options.cycles))
    except MsqError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    if options.json:
        print(json.dumps({"rows": results, "missing": missing}, indent=2))
    else:
        show(results, missing)
    return int(not results or any(row["differ"] or not row["bits"] for row in results))


if __name__ == "__main__":
    sys.exit(main())
