"""Packaged IP: reading and writing ``component.xml`` (IP-XACT, as Vivado writes it)."""

from __future__ import annotations

import hashlib
import xml.etree.ElementTree as ET
from collections.abc import Iterable
from pathlib import Path

from msq_finn.build.rehearsal.findings import Refusal
from msq_finn.build.rehearsal.marker import MARK
from msq_finn.build.rehearsal.stand_in.interfaces import BlockPin, Bus, Ip

_SPIRIT = "http://www.spiritconsortium.org/XMLSchema/SPIRIT/1685-2009"
_S = f"{{{_SPIRIT}}}"
_XILINX = "http://www.xilinx.com"

_SIGNAL_BUSES = {"clk": "clock", "rst": "reset"}


def write(ip: Ip, path: Path, files: dict[str, list[str]]) -> None:
    """Write an IP's description.

    Args:
        path: the file.
        files: names of its files by file group.
    """
    ET.register_namespace("spirit", _SPIRIT)
    ET.register_namespace("xilinx", _XILINX)
    root = ET.Element(f"{_S}component")
    for tag, text in zip(("vendor", "library", "name", "version"), ip.vlnv.split(":"), strict=True):
        _add(root, tag, text)
    buses = ET.SubElement(root, f"{_S}busInterfaces")
    for bus in ip.buses:
        entry = _bus(buses, bus.name, bus.kind, bus.mode)
        _parameters(entry, {**bus.config, "CLOCK": bus.clock, "OPTIONAL": str(int(bus.optional))})
    ports = ET.SubElement(ET.SubElement(root, f"{_S}model"), f"{_S}ports")
    for pin in ip.pins:
        if pin.kind in _SIGNAL_BUSES:
            entry = _bus(buses, pin.name, _SIGNAL_BUSES[pin.kind], _mode(pin))
            _parameters(entry, {"PIN": pin.name})
        wire = ET.SubElement(_named(ports, "port", pin.name), f"{_S}wire")
        _add(wire, "direction", {"I": "in", "O": "out", "IO": "inout"}[pin.direction])
        vector = ET.SubElement(wire, f"{_S}vector")
        _add(vector, "left", str(pin.width - 1))
        _add(vector, "right", "0")
    sets = ET.SubElement(root, f"{_S}fileSets")
    for group, names in files.items():
        entry = _named(sets, "fileSet", group)
        for name in names:
            _named(entry, "file", name)
    _add(root, "description", MARK)
    ET.indent(root)
    ET.ElementTree(root).write(path, encoding="UTF-8", xml_declaration=True)


def read(path: Path) -> Ip:
    """Read an IP's description.

    Raises:
        Refusal: it is no description of an IP.
    """
    try:
        root = ET.parse(path).getroot()
    except ET.ParseError as error:
        raise Refusal("ip", f"{path} is not well formed ({error})") from error
    vlnv = ":".join(_text(root, tag) for tag in ("vendor", "library", "name", "version"))
    buses, kinds = [], {}
    for entry in root.iterfind(f"{_S}busInterfaces/{_S}busInterface"):
        config = {
            _text(p, "name"): _text(p, "value")
            for p in entry.iterfind(f"{_S}parameters/{_S}parameter")
        }
        kind = entry.find(f"{_S}busType")
        name = "" if kind is None else kind.get(f"{_S}name", "")
        if name in _SIGNAL_BUSES.values():
            kinds[config.pop("PIN", _text(entry, "name"))] = "clk" if name == "clock" else "rst"
            continue
        mode = "Master" if entry.find(f"{_S}master") is not None else "Slave"
        clock, optional = config.pop("CLOCK", ""), config.pop("OPTIONAL", "0") == "1"
        buses.append(Bus(_text(entry, "name"), mode, name, config, clock, optional))
    pins = [
        _pin(port, kinds.get(_text(port, "name"), "data"))
        for port in root.iterfind(f"{_S}model/{_S}ports/{_S}port")
    ]
    for file in root.iterfind(f"{_S}fileSets/{_S}fileSet/{_S}file"):
        if not (path.parent / _text(file, "name")).exists():
            raise Refusal("file", f"{path} lists {_text(file, 'name')}, which is not there")
    return Ip(vlnv, tuple(pins), tuple(buses), {}, path)


def scan(folders: Iterable[Path]) -> dict[str, Ip]:
    """Find the IP in repositories, by vendor, library, name and version.

    Raises:
        Refusal: a description is broken, or two of one name differ.
    """
    found: dict[str, Ip] = {}
    contents: dict[str, str] = {}
    for path in sorted({p.resolve() for folder in folders for p in folder.rglob("component.xml")}):
        ip, content = read(path), hashlib.sha256(path.read_bytes()).hexdigest()
        if contents.setdefault(ip.vlnv, content) != content:
            raise Refusal("name", f"{ip.vlnv} is in {found[ip.vlnv].source} and, other, in {path}")
        found.setdefault(ip.vlnv, ip)
    return found


def _pin(port: ET.Element, kind: str) -> BlockPin:
    wire = port.find(f"{_S}wire")
    assert wire is not None
    direction = {"in": "I", "out": "O"}.get(_text(wire, "direction"), "IO")
    vector = wire.find(f"{_S}vector")
    width = 1
    if vector is not None:
        width = int(_text(vector, "left")) - int(_text(vector, "right")) + 1
    return BlockPin(_text(port, "name"), direction, width, kind, direction == "O")


def _mode(pin: BlockPin) -> str:
    return "Master" if pin.direction == "O" else "Slave"


def _add(parent: ET.Element, tag: str, text: str) -> None:
    ET.SubElement(parent, f"{_S}{tag}").text = text


def _named(parent: ET.Element, tag: str, name: str) -> ET.Element:
    entry = ET.SubElement(parent, f"{_S}{tag}")
    _add(entry, "name", name)
    return entry


def _bus(parent: ET.Element, name: str, kind: str, mode: str) -> ET.Element:
    entry = _named(parent, "busInterface", name)
    library = "signal" if kind in _SIGNAL_BUSES.values() else "interface"
    attributes = {"vendor": "xilinx.com", "library": library, "name": kind, "version": "1.0"}
    ET.SubElement(entry, f"{_S}busType", {f"{_S}{k}": v for k, v in attributes.items()})
    ET.SubElement(entry, f"{_S}{mode.lower()}")
    return entry


def _parameters(entry: ET.Element, values: dict[str, str]) -> None:
    parameters = ET.SubElement(entry, f"{_S}parameters")
    for name, value in values.items():
        _add(_named(parameters, "parameter", name), "value", value)


def _text(parent: ET.Element, tag: str) -> str:
    return (parent.findtext(f"{_S}{tag}") or "").strip()
