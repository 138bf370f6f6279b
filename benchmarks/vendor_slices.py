"""Configurations of DSP slices, and of `dsp_mac` on them, for vendor_models.py."""

from __future__ import annotations

import random
import sys
from pathlib import Path
from typing import Any

from vendor_bench import NOISE, Pair, instances, often, one_of, rare, seen, text

import msq_finn.rtl
from msq_finn.errors import MsqError
from msq_finn.rewordings import for_slang
from msq_finn.synth import yosys as synth

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests import yosys

RTL = Path(msq_finn.rtl.__file__).parent
MAC_SOURCES = ("msq_pkg", "delay_line", "dsp48e1_mac", "dsp48e2_mac", "dsp58_mac", "dsp_mac")

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
