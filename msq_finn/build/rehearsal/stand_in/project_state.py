"""What Vivado knows of an open project."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from msq_finn.build.rehearsal.marker import MARK
from msq_finn.build.rehearsal.stand_in.block_design import BlockDesign
from msq_finn.build.rehearsal.stand_in.hdl import Sources
from msq_finn.build.rehearsal.stand_in.interfaces import Ip


@dataclass
class ToolRun:
    """A synthesis or implementation run.

    Attributes:
        name: of the run.
        complete: whether it ran.
        settings: properties that were set.
    """

    name: str
    complete: bool = False
    settings: dict[str, str] = field(default_factory=dict)


class Project:
    """A project.

    Args:
        name: of the project.
        folder: where it lies.
        part: of the FPGA.

    Attributes:
        sources: what is compiled.
        files: what was added, in order.
        settings: properties that were set.
        catalog: IP of the repositories.
        designs: block designs by name.
        design: the one that commands are about.
        tops: by file set.
        runs: by name.
        opened: the run whose netlist is open.
    """

    def __init__(self, name: str, folder: Path, part: str) -> None:
        self.name, self.folder, self.part = name, folder, part
        library = os.environ.get("FINN_RTLLIB")
        self.sources = Sources(Path(library) if library else None)
        self.files: list[Path] = []
        self.settings: dict[str, str] = {}
        self.catalog: dict[str, Ip] = {}
        self.designs: dict[str, BlockDesign] = {}
        self.design: BlockDesign | None = None
        self.tops: dict[str, str] = {}
        self.ports: list[str] = []
        self.runs = {run: ToolRun(run) for run in ("synth_1", "impl_1")}
        self.opened: ToolRun | None = None
        self.core: Any = None

    @property
    def file(self) -> Path:
        """The project's own file."""
        return self.folder / f"{self.name}.xpr"

    def save(self) -> None:
        """Write it."""
        text = {"note": MARK, "part": self.part, "tops": self.tops, "ports": self.ports}
        self.file.write_text(json.dumps(text, indent=2) + "\n")
