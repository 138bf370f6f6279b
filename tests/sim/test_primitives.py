"""Simulation models of primitives: against the vendor's own where there are such, and alone.

``MSQ_UNISIMS`` names a folder with Xilinx' unisim library (DSP48E1.v and the others), which is open
source; its models and ours then run side by side on random pins.
"""

from __future__ import annotations

import os
import random
import re
from pathlib import Path

import pytest

from msq_finn.errors import MsqError
from msq_finn.sim import primitives
from tests.icarus import run

UNISIMS = os.environ.get("MSQ_UNISIMS")
MODELS = Path(primitives.__file__).parent

against_unisims = pytest.mark.skipif(
    not UNISIMS, reason="MSQ_UNISIMS names no folder of Xilinx' simulation models"
)

BENCH = """
`timescale 1ps / 1ps
module bench;
  reg clk = 0;
  integer seed = {seed}, checks = 0, wrong = 0, unsure = 0;
  always #5000 clk = ~clk;
{pairs}
  task drive;
    begin
{drive}
    end
  endtask
  reg quiet;
  integer cycle;
  initial begin
    quiet = 1;
    drive;
    #200000;  // the vendor's models are in their global reset
    for (cycle = 0; cycle < {cycles}; cycle = cycle + 1) begin
      @(negedge clk);
      quiet = cycle < 12;
      drive;
      @(posedge clk);
      #4000;
      if (!quiet) begin
{compare}
      end
    end
    $display("checks %0d wrong %0d unsure %0d", checks, wrong, unsure);
    $finish;
  end
endmodule
"""


def beside_unisims(tmp_path, kind, ports, configurations, weights, cycles=1200):
    """Run our model and the vendor's of several configurations on the same pins.

    ``weights`` says how a pin is drawn: by an expression, where not uniformly.
    """
    inputs = {n: w for n, (side, w) in ports.items() if side == "input" and n not in {"CLK"}}
    pairs, drive, compare = [], [], []
    for k, (parameters, outputs, own) in enumerate(configurations):
        text = ", ".join(f".{name}({value})" for name, value in parameters.items())
        for name, width in inputs.items():
            pairs.append(f"  reg [{width - 1}:0] {name}_{k};")
            drawn = (weights | own).get(name, "{$random(seed), $random(seed), $random(seed)}")
            drive.append(f"      {name}_{k} = {drawn};")
        pins = ", ".join(f".{name}({name}_{k})" for name in inputs)
        clocks = ", ".join(f".{c}(clk)" for c in ports if ports[c] == ("clock", 1))
        for who, module in (("ours", f"our_{kind}"), ("theirs", kind)):
            outs = ", ".join(f".{name}({who}_{name}_{k})" for name in outputs)
            pairs += [f"  wire [{ports[n][1] - 1}:0] {who}_{n}_{k};" for n in outputs]
            pairs.append(f"  {module} #({text}) {who}_{k} ({clocks}, {pins}, {outs});")
        for name in outputs:
            ours, theirs = f"ours_{name}_{k}", f"theirs_{name}_{k}"
            compare.append(
                f"        if (^{theirs} !== 1'bx) begin checks = checks + 1;\n"
                f"          if (^{ours} === 1'bx) unsure = unsure + 1;\n"
                f"          if (|({ours} ^ {theirs}) === 1'b1) begin wrong = wrong + 1;\n"
                f'            if (wrong < 9) $display("{k} {name} %h not %h", {ours}, {theirs});\n'
                f"          end end"
            )
    bench = tmp_path / "bench.v"
    bench.write_text(
        BENCH.format(
            seed=7,
            cycles=cycles,
            pairs="\n".join(pairs),
            drive="\n".join(drive),
            compare="\n".join(compare),
        )
    )
    own = tmp_path / "ours.v"
    files = [MODELS / f"{kind}.v", *sorted(MODELS.glob("[a-z]*.v"))]
    text = "\n".join(file.read_text() for file in files)
    own.write_text(re.sub(rf"\bmodule {kind}\b", f"module our_{kind}", text))
    folder = Path(UNISIMS)
    vendor = [folder / f"{kind}.v", folder.parent / "glbl.v"]
    printed = run([bench, own, *vendor], ["bench", "glbl"], tmp_path, libraries=[folder])
    found = re.search(r"checks (\d+) wrong (\d+) unsure (\d+)", printed)
    assert found, printed[-2000:]
    return (*map(int, found.groups()), printed)


@pytest.mark.parametrize(
    ("kind", "parameters", "complaint"),
    [
        ("DSP48E1", '.USE_SIMD("TWO24")', "DSP48E1: SIMD and pattern detection are not modelled"),
        (
            "DSP48E2",
            '.USE_WIDEXOR("TRUE")',
            "DSP48E2: SIMD, pattern detection and wide XOR are not",
        ),
        ("RAMB18E1", ".READ_WIDTH_A(9), .DOA_REG(1)", "RAMB18E1: output registers are not"),
        ("RAMB36E1", '.RAM_EXTENSION_A("LOWER")', "RAMB36E1: initial files, cascades and ECC are"),
        ("RAMB18E2", ".DOA_REG(0), .DOB_REG(0), .READ_WIDTH_B(36)", "RAMB18E2: widths 0, 0, 36, 0"),
        ("RAMB36E2", '.EN_ECC_READ("TRUE")', "RAMB36E2: initial files, cascades, ECC and address"),
        ("URAM288", '.OREG_A("TRUE")', "URAM288: pipeline registers are not modelled"),
        ("FDRE", ".IS_C_INVERTED(1'b1)", "FDRE: inverted pins are not modelled"),
    ],
)
def test_what_is_not_modelled_is_refused(tmp_path, kind, parameters, complaint):
    (tmp_path / "bench.v").write_text(f"module bench; {kind} #({parameters}) dut (); endmodule\n")
    (tmp_path / "models.v").write_text(primitives.models([f"  {kind} #(\n"]))
    printed = run([tmp_path / "bench.v", tmp_path / "models.v"], ["bench"], tmp_path)
    assert f"FATAL: {tmp_path}" in printed and complaint in printed, printed
    assert "status 1" in printed


def test_a_primitive_without_a_model_is_named():
    with pytest.raises(MsqError, match="no simulation model of PLLE9_ADV"):
        primitives.models(["  PLLE9_ADV #(\n", "  FDRE #(\n"])


def rare(odds):
    return f"($unsigned($random(seed)) % {odds}) == 0 || quiet"


def often(odds):
    return f"($unsigned($random(seed)) % {odds}) != 0 || quiet"


def one_of(width, *values):
    """A case a draw; the first while it is quiet."""
    text = f"{width}'d{values[0]}"
    for value in values[1:]:
        text = f"$random(seed) & 1 && !quiet ? {width}'d{value} : {text}"
    return text


DSP_ENABLES = [
    *("CEA1", "CEA2", "CEAD", "CEALUMODE", "CEB1", "CEB2", "CEC", "CECARRYIN", "CECTRL", "CED"),
    *("CEINMODE", "CEM", "CEP"),
]
DSP_RESETS = [
    *("RSTA", "RSTALLCARRYIN", "RSTALUMODE", "RSTB", "RSTC", "RSTCTRL", "RSTD", "RSTINMODE"),
    *("RSTM", "RSTP"),
]


@pytest.mark.slow
@against_unisims
@pytest.mark.parametrize("kind", ["DSP48E1", "DSP48E2"])
def test_dsp_slices_equal_the_vendors(tmp_path, kind):
    second = kind == "DSP48E2"
    wide = {
        "A": 30,
        "ACIN": 30,
        "B": 18,
        "BCIN": 18,
        "C": 48,
        "PCIN": 48,
        "D": 27 if second else 25,
    }
    wide |= {"ALUMODE": 4, "INMODE": 5, "OPMODE": 9 if second else 7, "CARRYINSEL": 3}
    wide |= dict.fromkeys(("CARRYIN", "CARRYCASCIN", "MULTSIGNIN", *DSP_ENABLES, *DSP_RESETS), 1)
    ports = {name: ("input", width) for name, width in wide.items()} | {"CLK": ("clock", 1)}
    ports |= {"P": ("output", 48), "PCOUT": ("output", 48)}
    ports |= {"ACOUT": ("output", 30), "BCOUT": ("output", 18)}
    weights = {name: often(10) for name in DSP_ENABLES}
    weights |= {name: rare(40) for name in DSP_RESETS}
    weights |= {"CARRYINSEL": "0", "CARRYCASCIN": "0", "MULTSIGNIN": "0"}
    weights["ALUMODE"] = one_of(4, 0, 0, 0, 1, 2, 3)
    draw = random.Random(3)
    configurations = []
    for _ in range(20):
        a, b = draw.choice([0, 1, 2]), draw.choice([0, 1, 2])
        mult = draw.random() < 0.7
        p = int(draw.random() < 0.8)
        parameters = {
            "AREG": a, "ACASCREG": 1 if a == 2 and draw.random() < 0.5 else a,
            "BREG": b, "BCASCREG": 1 if b == 2 and draw.random() < 0.5 else b,
            "PREG": p, "MREG": draw.choice([0, 1]) if mult else 0,
            "USE_MULT": '"MULTIPLY"' if mult else '"NONE"',
            "A_INPUT": draw.choice(['"DIRECT"', '"CASCADE"']),
            "B_INPUT": draw.choice(['"DIRECT"', '"CASCADE"']),
            "CARRYINSELREG": 0,
        }  # fmt: skip
        for name in ("ADREG", "ALUMODEREG", "CARRYINREG", "CREG", "DREG", "INMODEREG", "OPMODEREG"):
            parameters[name] = draw.choice([0, 1])
        xs = [0b0101] if mult else [0b0011]
        xs += [0b0000, 0b1100] + ([0b0010, 0b1110] if p else [])
        zs = [0, 1, 3, 5] + ([2, 6] if p else [])
        ws = ([0, 2, 3] + ([1] if p else [])) if second else [0]
        modes = [draw.choice(ws) << 7 | draw.choice(zs) << 4 | draw.choice(xs) for _ in range(8)]
        early = (a == 2) | (b == 2) << 4
        own = {"OPMODE": one_of(9, *modes), "INMODE": f"$random(seed) & {14 | early}"}
        if second:
            preadd = draw.choice(["A", "B"])
            parameters["PREADDINSEL"] = f'"{preadd}"'
            if mult and draw.random() < 0.7:
                parameters["AMULTSEL"] = '"AD"' if draw.random() < 0.8 else '"A"'
                parameters["BMULTSEL"] = '"B"'
            parameters["RND"] = f"48'h{draw.getrandbits(48):x}"
        elif mult:
            parameters["USE_DPORT"] = draw.choice(['"TRUE"', '"FALSE"'])
        configurations.append((parameters, ("P", "PCOUT", "ACOUT", "BCOUT"), own))
    checks, wrong, unsure, printed = beside_unisims(tmp_path, kind, ports, configurations, weights)
    assert checks > 50_000 and wrong == 0 and unsure == 0, printed[:3000]


def ram_ports(kind):
    """Pins of a block RAM: direction and width."""
    wide, second = kind.startswith("RAMB36"), kind.endswith("E2")
    data, parity = (32, 4) if wide else (16, 2)
    address = (15 if second else 16) if wide else 14
    into = (
        ("DINADIN", "DINBDIN", "DINPADINP", "DINPBDINP")
        if second
        else ("DIADI", "DIBDI", "DIPADIP", "DIPBDIP")
    )
    out = (
        ("DOUTADOUT", "DOUTBDOUT", "DOUTPADOUTP", "DOUTPBDOUTP")
        if second
        else ("DOADO", "DOBDO", "DOPADOP", "DOPBDOP")
    )
    ports = dict.fromkeys(("CLKARDCLK", "CLKBWRCLK"), ("clock", 1))
    one = ["ENARDEN", "ENBWREN", "RSTRAMARSTRAM", "RSTRAMB", "REGCEAREGCE", "REGCEB"]
    one += ["RSTREGARSTREG", "RSTREGB"]
    if second:
        one += ["ADDRENA", "ADDRENB", "SLEEP", "CASDIMUXA", "CASDIMUXB", "CASDOMUXA", "CASDOMUXB"]
        one += ["CASDOMUXEN_A", "CASDOMUXEN_B", "CASOREGIMUXA", "CASOREGIMUXB"]
        one += ["CASOREGIMUXEN_A", "CASOREGIMUXEN_B"]
        ports |= {f"CASDIN{p}": ("input", data) for p in "AB"}
        ports |= {f"CASDINP{p}": ("input", parity) for p in "AB"}
        one += ["CASINDBITERR", "CASINSBITERR", "ECCPIPECE"] if wide else []
    elif wide:
        one += ["CASCADEINA", "CASCADEINB"]
    one += ["INJECTDBITERR", "INJECTSBITERR"] if wide else []
    ports |= dict.fromkeys(one, ("input", 1))
    ports |= {"ADDRARDADDR": ("input", address), "ADDRBWRADDR": ("input", address)}
    ports |= dict(zip(into, (("input", w) for w in (data, data, parity, parity)), strict=True))
    ports |= dict(zip(out, (("output", w) for w in (data, data, parity, parity)), strict=True))
    return ports | {"WEA": ("input", parity), "WEBWE": ("input", 2 * parity)}, out


@pytest.mark.slow
@against_unisims
@pytest.mark.parametrize("kind", ["RAMB18E1", "RAMB36E1", "RAMB18E2", "RAMB36E2"])
def test_block_rams_equal_the_vendors(tmp_path, kind):
    ports, out = ram_ports(kind)
    wide, second = kind.startswith("RAMB36"), kind.endswith("E2")
    half, lanes = (36, 4) if wide else (18, 2)
    weights = dict.fromkeys([name for name, (side, _) in ports.items() if side == "input"], "0")
    weights |= {"ADDRENA": "1", "ADDRENB": "1", "ENARDEN": often(8), "ENBWREN": often(8)}
    weights |= {"RSTRAMARSTRAM": rare(60), "RSTRAMB": rare(60)}
    for name in ports:
        if name.startswith("DI"):
            weights[name] = "$random(seed)"
    draw = random.Random(5)
    configurations = []
    modes = ["READ_FIRST", "WRITE_FIRST", "NO_CHANGE"]
    widths = [1, 2, 4, 9, 18] + ([36] if wide else [])
    for index in range(8):
        sdp = index % 2 == 1
        mode_a, mode_b = draw.choice(modes), draw.choice(modes)
        # Into few words, so that ports meet.
        own = dict.fromkeys(("ADDRARDADDR", "ADDRBWRADDR"), "$random(seed) & 255")
        if sdp:
            narrow = draw.choice([*widths, 2 * half])
            used = (narrow, 0, 0, 2 * half) if index % 4 == 1 else (2 * half, 0, 0, narrow)
            mode_a = mode_b = draw.choice(modes[:2])
        else:
            used = tuple(draw.choice(widths) for _ in range(4))
        lanes_b = 2 * lanes if used[3] == 2 * half else lanes
        # A port's enables are one a byte, or all the same.
        for pin, width, count in (("WEA", used[1], lanes), ("WEBWE", used[3], lanes_b)):
            whole = width in {half, 2 * half}
            full = (1 << count) - 1
            own[pin] = f"$random(seed) & {full}" if whole else one_of(count, 0, full)
            if not width:
                own[pin] = "0"
        depth = 128 if wide else 64
        parameters = {f"INIT_{k:02X}": f"256'h{draw.getrandbits(256):x}" for k in range(depth)}
        parameters |= {
            f"INITP_{k:02X}": f"256'h{draw.getrandbits(256):x}" for k in range(depth // 8)
        }
        names = ("READ_WIDTH_A", "WRITE_WIDTH_A", "READ_WIDTH_B", "WRITE_WIDTH_B")
        parameters |= dict(zip(names, used, strict=True)) | {"DOA_REG": 0, "DOB_REG": 0}
        parameters |= {"WRITE_MODE_A": f'"{mode_a}"', "WRITE_MODE_B": f'"{mode_b}"'}
        parameters["SIM_COLLISION_CHECK"] = '"GENERATE_X_ONLY"'
        for name in ("INIT_A", "INIT_B", "SRVAL_A", "SRVAL_B"):
            parameters[name] = f"{half}'h{draw.getrandbits(half):x}"
        if not second:
            parameters |= {"SIM_DEVICE": '"7SERIES"', "RAM_MODE": '"SDP"' if sdp else '"TDP"'}
        shown = [out[0], out[2]] + ([out[1], out[3]] if used[2] or used[0] == 2 * half else [])
        configurations.append((parameters, shown if used[0] else shown[2:], own))
    checks, wrong, unsure, printed = beside_unisims(
        tmp_path, kind, ports, configurations, weights, cycles=400
    )
    # Where ports meet ours may say X of more bits.
    assert checks > 3_000 and wrong == 0 and unsure < 0.05 * checks, printed[:3000]


@pytest.mark.slow
@against_unisims
def test_ultra_rams_equal_the_vendors(tmp_path):
    one = [f"{pin}_{p}" for p in "AB" for pin in ("EN", "RDB_WR", "RST")]
    errors = [f"INJECT_{kind}BITERR_{p}" for p in "AB" for kind in "DS"]
    ports = dict.fromkeys([*one, *errors, "SLEEP"], ("input", 1)) | {"CLK": ("clock", 1)}
    for p in "AB":
        ports |= {f"ADDR_{p}": ("input", 23), f"BWE_{p}": ("input", 9)}
        ports |= {f"DIN_{p}": ("input", 72), f"DOUT_{p}": ("output", 72)}
    weights = dict.fromkeys([*errors, "SLEEP"], "0") | dict.fromkeys(one, "$random(seed)")
    weights |= {f"RST_{p}": rare(60) for p in "AB"} | {
        f"ADDR_{p}": "$random(seed) & 15" for p in "AB"
    }
    modes = ("PARITY_INTERLEAVED", "PARITY_INDEPENDENT")
    configurations = [
        ({"BWE_MODE_A": f'"{a}"', "BWE_MODE_B": f'"{b}"'}, ("DOUT_A", "DOUT_B"), {})
        for a in modes
        for b in modes
    ]
    checks, wrong, _, printed = beside_unisims(tmp_path, "URAM288", ports, configurations, weights)
    # The vendor's starts with zeros, ours unknown: a few words are not written yet.
    assert checks > 8_000 and wrong == 0, printed[:3000]
