"""Vitis HLS: its commands, which check sources and leave an IP of the ports that it would have."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from msq_finn.build.rehearsal.findings import Refusal
from msq_finn.build.rehearsal.stand_in import component
from msq_finn.build.rehearsal.stand_in.command import HLS, Args, command
from msq_finn.build.rehearsal.stand_in.interfaces import BlockPin, Bus, Ip
from msq_finn.build.rehearsal.stand_in.session import Session

_INTERFACE = re.compile(r"#pragma HLS INTERFACE (\w+)([^\n]*)")
_ARGUMENT = re.compile(r"(?:ap_u?int\s*<\s*(\d+)\s*>|unsigned int|int)\s*>?\s*([*&]?)\s*(\w+)")

#: Headers that come with Vitis HLS or C++.
_OWN_HEADERS = re.compile(r"ap_\w+\.h|hls_\w+\.h|\w+")

#: Where FINN's library of HLS functions lies, if it is on this machine.
_LIBRARY = "finn-hlslib"

_CONFIGURATIONS = {
    "config_compile": ("-disable_unroll_code_size_check", "-pipeline_style="),
    "config_interface": ("-m_axi_addr64",),
    "config_rtl": ("-module_auto_prefix", "-deadlock_detection="),
}


@command("open_project", words=(1, 1), table=HLS)
def _open_project(session: Session, args: Args) -> None:
    session.state["project"] = Path(args.words[0]).absolute()


@command("add_files", "-cflags=", words=(1, 1), table=HLS)
def _add_files(session: Session, args: Args) -> None:
    source = session.file(args.words[0])
    folders = [Path(f[2:]) for f in args.get("-cflags").split() if f.startswith("-I")]
    session.state.setdefault("sources", []).append((source, folders))


@command("set_top", words=(1, 1), table=HLS)
def _set_top(session: Session, args: Args) -> None:
    session.state["top"] = args.words[0]


@command("open_solution", words=(1, 1), table=HLS)
def _open_solution(session: Session, args: Args) -> None:
    session.state["solution"] = _needed(session, "project") / args.words[0]


@command("set_part", words=(1, 1), table=HLS)
def _set_part(session: Session, args: Args) -> None:
    _needed(session, "solution")


@command("create_clock", "-period=", "-name=", table=HLS)
def _create_clock(session: Session, args: Args) -> None:
    if float(args.need("create_clock", "-period")) <= 0:
        raise Refusal("clock", f"a clock period of {args.get('-period')} ns")


@command("set_param", words=(2, 2), table=HLS)
def _set_param(session: Session, args: Args) -> None:
    if args.words[0] != "hls.enable_hidden_option_error":
        raise Refusal("property", f"there is no parameter {args.words[0]} that is known here")


def _configure(session: Session, args: Args) -> None:
    _needed(session, "solution")


for _name, _options in _CONFIGURATIONS.items():
    command(_name, *_options, table=HLS)(_configure)


@command("csynth_design", table=HLS)
def _csynth_design(session: Session, args: Args) -> None:
    top = _needed(session, "top")
    texts = []
    for source, folders in _needed(session, "sources"):
        text = source.read_text()
        _check_headers(session, source, text, folders)
        texts.append(text)
    session.state["ip"] = describe(top, "\n".join(texts))
    kind = re.sub(r"_\d+$|^\w+?_\d+_(?=\D)", "", top)
    session.unseen(f"the HLS synthesis of {kind}: its C++ was only looked at, by names and ports")


def _check_headers(session: Session, source: Path, text: str, folders: list[Path]) -> None:
    library = [folder for folder in folders if _LIBRARY in folder.parts]
    missing = [folder for folder in library if not folder.is_dir()]
    for folder in missing:
        session.unseen(
            f"FINN's HLS library, which is not on this machine ({folder}); where Vivado is, "
            "'msq-finn finn deps update' fetches it"
        )
    for name in re.findall(r'#include\s*[<"]([^>"]+)[>"]', text):
        found = any((folder / name).is_file() for folder in (source.parent, *folders))
        if not found and not missing and not _OWN_HEADERS.fullmatch(name):
            raise Refusal("hls", f"{source.name} includes {name}, which is in none of its folders")


@command("export_design", "-format=", table=HLS)
def _export_design(session: Session, args: Args) -> None:
    if args.get("-format") != "ip_catalog":
        raise Refusal("hls", f"export_design -format {args.get('-format')}")
    folder = _needed(session, "solution") / "impl/ip"
    folder.mkdir(parents=True, exist_ok=True)
    component.write(_needed(session, "ip"), folder / "component.xml", {})


def describe(top: str, text: str) -> Ip:
    """The IP that HLS would make of a function.

    Args:
        top: name of the function.
        text: C++ that defines it.

    Raises:
        Refusal: there is no such function, or an interface is of no argument.

    >>> ip = describe("f", '''void f(hls::stream<ap_uint<8> > &in0_V, ap_uint<64> *out0_V) {
    ... #pragma HLS INTERFACE axis port=in0_V
    ... #pragma HLS INTERFACE m_axi offset=slave port=out0_V
    ... }''')
    >>> [(bus.name, bus.mode) for bus in ip.buses]
    [('in0_V', 'Slave'), ('m_axi_gmem', 'Master')]
    """
    match = re.search(rf"\bvoid\s+{re.escape(top)}\s*\((.*?)\)\s*\{{", text, re.DOTALL)
    if match is None:
        raise Refusal("hls", f"no source defines the top function {top}")
    arguments = {a[3]: a for a in _ARGUMENT.finditer(match[1])}
    buses: dict[str, Bus] = {}
    registers = 0x10
    for mode, rest in _INTERFACE.findall(text):
        options = dict(re.findall(r"(\w+)=(\w+)", rest))
        name = options.get("port", "")
        if name == "return":
            continue
        if name not in arguments:
            raise Refusal("hls", f"{top}: an interface for {name}, which is no argument")
        width = int(arguments[name][1] or 32)
        if mode == "axis":
            # An input is read, an output written: FINN's names say which is which.
            side = "Slave" if name.startswith("in") else "Master"
            buses[name] = Bus(name, side, "axis", {"TDATA_NUM_BYTES": f"{width / 8:g}"}, "ap_clk")
        elif mode == "m_axi":
            bus = f"m_axi_{options.get('bundle', 'gmem')}"
            config = {"ADDR_WIDTH": "64", "DATA_WIDTH": str(width), "PROTOCOL": "AXI4"}
            buses[bus] = Bus(bus, "Master", "aximm", config, "ap_clk")
        elif mode == "s_axilite":
            registers += 12 if arguments[name][2] == "*" else 8
            bus = f"s_axi_{options.get('bundle', 'control')}"
            bits = (registers - 1).bit_length()
            config = {"ADDR_WIDTH": str(bits), "DATA_WIDTH": "32", "PROTOCOL": "AXI4LITE"}
            buses[bus] = Bus(bus, "Slave", "aximm", config, "ap_clk")
    open_ = [n for n, a in arguments.items() if a[2] == "&" and n not in buses]
    if open_:
        raise Refusal("hls", f"{top}: no interface for the stream {open_[0]}")
    pins = (BlockPin("ap_clk", "I", kind="clk"), BlockPin("ap_rst_n", "I", kind="rst"))
    return Ip(f"xilinx.com:hls:{top}:1.0", pins, tuple(buses.values()))


def _needed(session: Session, key: str) -> Any:
    if key not in session.state:
        raise Refusal("command", f"there is no {key} yet")
    return session.state[key]
