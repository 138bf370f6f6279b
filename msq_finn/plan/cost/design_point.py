"""A design point: a single node with its parameters, and its way through synthesis."""

from __future__ import annotations

import json
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, ClassVar

from msq_finn.lanes import LaneCounts
from msq_finn.synth.module_resources import CONFIGURATION_PORTS, UNUSED_PORTS
from msq_finn.synth.resources import Resources
from msq_finn.synth.yosys import synthesize

#: Top module, sources and parameters.
Design = tuple[str, list[Path], Mapping[str, int]]


@dataclass(frozen=True)
class Point(ABC):
    """A node with its parameters; subclasses name the node and know its sources."""

    node: ClassVar[str]

    @property
    def key(self) -> str:
        """The point as text, such as ``dwc{"in_bits": 16, "out_bits": 64}``."""
        return self.node + json.dumps(self.record(), sort_keys=True)

    def record(self) -> dict[str, Any]:
        """The parameters, as JSON takes them."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {k: dict(v) if isinstance(v, LaneCounts) else v for k, v in values.items()}

    def synthesize(self, part: str) -> Resources:
        """Resources of the node alone, as a build whose weights do not change has it.

        Args:
            part: FPGA part.
        """
        with tempfile.TemporaryDirectory() as folder:
            top, sources, parameters = self.design(Path(folder), part)
            unused = UNUSED_PORTS + CONFIGURATION_PORTS
            return synthesize(top, sources, part=part, parameters=parameters, unused_ports=unused)

    @abstractmethod
    def design(self, folder: Path, part: str) -> Design:
        """Top module, sources and parameters; generated files go to ``folder``.

        Args:
            folder: where generated files go.
            part: FPGA part.
        """
