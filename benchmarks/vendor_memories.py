"""Configurations of block RAMs and UltraRAM for vendor_models.py."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

from vendor_bench import NOISE, Pair, instances, often, one_of, rare, seen, text

MODES = ("READ_FIRST", "WRITE_FIRST", "NO_CHANGE")


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
