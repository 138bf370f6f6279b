"""A stitched design as data: ports, nets and instances of its top."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

#: Name of the stitched top module.
TOP = "finn_design"

#: Watches a stream in every simulation.
STREAM_CHECK = Path(__file__).with_name("stream_check.sv")


@dataclass(frozen=True)
class Instance:
    """An instance in the top.

    Attributes:
        part: name of the part of the design that it is.
        module: with its parameters.
        pins: port -> what it is wired to.
    """

    part: str
    module: str
    pins: dict[str, str]

    @property
    def text(self) -> str:
        """As SystemVerilog."""
        pins = ", ".join(f".{pin}({net})" for pin, net in self.pins.items())
        return f"{self.module} i_{self.part} ({pins});"


@dataclass
class Stitched:
    """A stitched design.

    Attributes:
        path: the top's file.
        sources: every source in compilation order, the top last.
        probes: FIFO name -> port with the most words it ever held.
        taps: tensor -> output stream with a copy of its words, see `stitch`.
        parts: per node, (name, top module, sources) of the modules it is made of.
        writeable: names of those parts that are written at run time.
        ports: of the top, with directions and widths.
        nets: declarations between the instances.
        streams: AXI streams in the top, its own and those between parts: name -> bits of data.
        instances: of the parts.
        defines: macros to simulate it with, name to value.
    """

    path: Path
    sources: list[Path]
    probes: dict[str, str] = field(default_factory=dict)
    taps: dict[str, str] = field(default_factory=dict)
    parts: list[tuple[str, str, list[Path]]] = field(default_factory=list)
    writeable: set[str] = field(default_factory=set)
    ports: list[str] = field(default_factory=list)
    nets: list[str] = field(default_factory=list)
    streams: dict[str, int] = field(default_factory=dict)
    instances: list[Instance] = field(default_factory=list)
    defines: dict[str, str] = field(default_factory=dict)

    def write(self) -> None:
        """Write the top's file."""
        instances = [instance.text for instance in self.instances]
        lines = [*self.nets, *instances, "`ifndef SYNTHESIS", *self._checks(), "`endif"]
        body = "\n".join(f"  {line}" for line in lines)
        ports = ",\n  ".join(self.ports)
        self.path.write_text(f"module {TOP} (\n  {ports}\n);\n{body}\nendmodule\n")

    def _checks(self) -> Iterator[str]:
        """A watch on every stream that a part of the design drives; taps wait for nobody."""
        for name, bits in self.streams.items():
            given = f"input logic [{bits - 1}:0] {name}_TDATA"
            if given in self.ports or name in self.taps.values():
                continue
            signals = [f".{side}_i({name}_T{side.upper()})" for side in ("data", "valid", "ready")]
            pins = ", ".join([".clk_i(ap_clk)", ".rst_ni(ap_rst_n)", *signals])
            yield f'stream_check #(.Width({bits}), .Name("{name}")) check_{name} ({pins});'
