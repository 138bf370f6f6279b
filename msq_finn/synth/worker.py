"""Synthesise one design with Yosys, in a process of its own.

``python -m msq_finn.synth.worker JOB.json`` runs in the job's folder and writes ``resources.json``
and the netlist, ``netlist.v.gz``, beside it. Yosys ends the process on errors; their text is on
standard error.
"""

from __future__ import annotations

import fnmatch
import gzip
import json
import re
import sys
from pathlib import Path
from typing import Any

import pyosys
from pyosys import libyosys as ys

from msq_finn.synth import netlist
from msq_finn.synth.carry import merge_carries
from msq_finn.synth.resources import measure
from msq_finn.synth.rom_tables import map_roms

_SLANG_OPTIONS = "slang.f"
_NETLIST = Path("netlist.json")
_VERILOG = Path("netlist.v")
_BOXES = Path("hard_blocks.v")
_BMUX_TAPS = Path(__file__).with_name("bmux_taps.v")

#: What Yosys maps to and has no simulation model of.
_HARD_BLOCKS = {"xc7": (), "xcup": ("DSP48E2", "RAMB18E2", "RAMB36E2", "URAM288")}

#: Attributes that say what a memory is made of; sources write them in any letters.
_STYLES = ("\\ram_style", "\\rom_style")

#: Words of the deepest LUT RAM that there is in UltraScale+.
_LUT_RAM_WORDS = 512


def run(job: dict[str, Any]) -> dict[str, Any]:
    """Synthesise a job and count what it takes.

    Args:
        job: ``top``, ``family``, ``slang`` (the front end's options), ``unused_ports`` (patterns),
            ``module`` (the netlist's name).

    Returns:
        the fields of :class:`msq_finn.synth.resources.Resources` but the version of Yosys.

    Raises:
        MsqError: a cell is left unmapped, or the logic has a loop.
    """
    top, family = job["top"], job["family"]
    Path(_SLANG_OPTIONS).write_text("\n".join(job["slang"]))
    design = ys.Design()
    ys.run_pass(f"read_slang -f {_SLANG_OPTIONS}", design)
    _drop_ports(design.module(ys.IdString(f"\\{top}")), job["unused_ports"])
    _normalise_ram_style(design)
    synth = f"synth_xilinx -family {family} -top {top} -flatten -noiopad -noclkbuf"
    if family == "xcup":
        synth += " -uram"
    for command in (
        "read_verilog -lib -specify +/xilinx/cells_sim.v",
        f"read_verilog -lib {_write_hard_blocks(family)}",
        f"hierarchy -check -top {top}",
        f"{synth} -run prepare:map_memory",
    ):
        ys.run_pass(command, design)
    map_roms(design)
    if family == "xcup":
        _keep_deep_memories_out_of_luts(design)
    # Reading what memories map to takes a second.
    first = "map_memory" if _has_memories(design) else "map_ffram"
    for command in (
        f"{synth} -run {first}:fine",
        f"techmap -map {_BMUX_TAPS}",
        f"{synth} -run fine:",
    ):
        ys.run_pass(command, design)
    module = job["module"]
    for command in (f"rename {top} {module}", f"write_json {_NETLIST}"):
        ys.run_pass(command, design)
    if family == "xcup":
        written = json.loads(_NETLIST.read_text())
        merge_carries(written["modules"][module])
        _NETLIST.write_text(json.dumps(written))
        for command in ("design -reset", f"read_json {_NETLIST}"):
            ys.run_pass(command, design)
    resources = measure(netlist.load(_NETLIST, module), family)
    # Undefined bits of memories and registers stay so, for simulation in four states.
    ys.run_pass(f"write_verilog -noattr {_VERILOG}", design)
    _NETLIST.unlink()
    with gzip.open(f"{_VERILOG}.gz", "wb", compresslevel=4) as packed:
        packed.write(_VERILOG.read_bytes())
    for path in (_VERILOG, _BOXES):
        path.unlink()
    return resources


def _write_hard_blocks(family: str) -> Path:
    """Write Yosys' black boxes of a family's hard blocks; all that it has take it a second."""
    text = (Path(pyosys.__file__).parent / "share/xilinx/cells_xtra.v").read_text()
    boxes = (
        re.search(rf"^module {name}\(.*?^endmodule\n", text, re.MULTILINE | re.DOTALL)
        for name in _HARD_BLOCKS[family]
    )
    _BOXES.write_text("".join(box[0] for box in boxes if box))
    return _BOXES


def _drop_ports(module: Any, patterns: list[str]) -> None:
    """Tie inputs to zero and leave outputs open."""
    for name in list(module.wires_):
        wire = module.wires_[name]
        if not any(fnmatch.fnmatchcase(name.str().lstrip("\\"), p) for p in patterns):
            continue
        if wire.port_input:
            module.connect(ys.SigSpec(wire), ys.SigSpec(ys.Const(0, wire.width)))
        wire.port_input = wire.port_output = False
    module.fixup_ports()


def _has_memories(design: Any) -> bool:
    return any(
        cell.type.str().startswith("$mem")
        for module in design.selected_modules()
        for cell in module.selected_cells()
    )


def _normalise_ram_style(design: Any) -> None:
    """Write styles of memories as Yosys wants them: small letters, no padding of a parameter's.

    LUTs that are never written are logic to Yosys, not distributed memory.
    """
    for module in design.selected_modules():
        written = {
            cell.parameters[ys.IdString("\\MEMID")].decode_string()
            for cell in module.selected_cells()
            if cell.type.str().startswith("$memwr")
        }
        for name in module.memories:
            memory = module.memories[name]
            styles = {
                key.str().lower(): memory.attributes[key].decode_string()
                for key in memory.attributes
                if key.str().lower() in _STYLES
            }
            for key, style in styles.items():
                text = style.replace("\0", "").lower()
                if text == "distributed" and memory.name.str() not in written:
                    text = "logic"
                memory.set_string_attribute(ys.IdString(key), text)


def _keep_deep_memories_out_of_luts(design: Any) -> None:
    """Have memories that are read at a clock edge in block RAM, where LUTs cannot be that deep.

    Yosys' UltraScale+ library offers LUT RAM of 2^16 words at the price of 2^9, and then has no
    cells for it.
    """
    style = ys.IdString("\\ram_style")
    for module in design.selected_modules():
        for cell in module.selected_cells():
            if not cell.type.str().startswith("$mem"):
                continue
            clocked = cell.parameters[ys.IdString("\\RD_CLK_ENABLE")].as_bool()
            deep = cell.parameters[ys.IdString("\\SIZE")].as_int() > _LUT_RAM_WORDS
            chosen = cell.attributes[style].decode_string() if style in cell.attributes else "auto"
            if clocked and deep and chosen == "auto":
                cell.set_string_attribute(style, "block")


def main() -> None:
    """Run the job that the command line names."""
    path = Path(sys.argv[1])
    result = run(json.loads(path.read_text()))
    path.with_name("resources.json").write_text(json.dumps(result))


if __name__ == "__main__":
    main()
