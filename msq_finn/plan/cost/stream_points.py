"""Design points of the streaming nodes between matrix-vector units."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from msq_finn.lanes import sources
from msq_finn.plan.cost.design_point import Design, Point


@dataclass(frozen=True)
class FinnNode(Point):
    """A node whose RTL FINN's custom op writes."""

    def design(self, folder: Path, part: str) -> Design:
        """What FINN's PrepareIP generates."""
        from msq_finn.plan.cost.finn_node import generate

        top, files = generate(self.op(), part)
        return top, files, {}

    @abstractmethod
    def op(self) -> dict[str, Any]:
        """Arguments of :func:`msq_finn.plan.cost.finn_node.one_node_model`."""


@dataclass(frozen=True)
class Thresholds(FinnNode):
    """Thresholding_rtl with a uniform quantizer's thresholds in LUTs or block RAM.

    Attributes:
        channels: thresholded apart.
        pe: channels compared a cycle.
        in_bits: bits of what is compared.
        steps: thresholds of a channel.
        bram_from: words from which on a stage's memory is block RAM; 0 for Yosys' own choice.
    """

    node: ClassVar[str] = "thresholds"
    channels: int
    pe: int
    in_bits: int
    steps: int = 15
    bram_from: int = 0

    def op(self) -> dict[str, Any]:
        """See FinnNode."""
        limit = 2 ** (self.in_bits - 1)
        # Even steps, as a uniform quantizer's. Sums seldom come near the ends of their type: in
        # built networks thresholds span 2 to 30 % of it, and steps of 1 where that is too little.
        rng, size = np.random.default_rng(3), (self.channels, 1)
        span = np.clip(rng.uniform(0.02, 0.3, size) * limit, self.steps, 2 * limit - 1)
        middle = np.clip(rng.normal(0, 0.05, size) * limit, span / 2 - limit, limit - 1 - span / 2)
        values = np.round(middle + span * np.linspace(-0.5, 0.5, self.steps)).astype(int)
        bits = self.steps.bit_length()
        return {
            "op_type": "Thresholding_rtl",
            "shapes": [(1, self.channels)] * 2,
            "weights": values,
            "dtypes": (f"INT{self.in_bits}", f"INT{self.in_bits}", f"UINT{bits}"),
            "NumChannels": self.channels,
            "PE": self.pe,
            "numSteps": self.steps,
            "weightDataType": f"INT{self.in_bits}",
            "numInputVectors": [1],
            "depth_trigger_bram": self.bram_from,
        }


@dataclass(frozen=True)
class SerialThresholds(FinnNode):
    """ThresholdingSerial_rtl with thresholds such as those of Thresholds.

    Attributes:
        channels: thresholded apart.
        pe: channels compared a cycle.
        in_bits: bits of what is compared.
        steps: thresholds of a channel.
        style: of the memories, "distributed" or "block".
    """

    node: ClassVar[str] = "serial_thresholds"
    channels: int
    pe: int
    in_bits: int
    steps: int = 15
    style: str = "distributed"

    @property
    def sources(self) -> list[Path]:
        """The modules' files."""
        folder = sources()[0].parent / "streaming"
        return [folder / f"{module}.sv" for module in ("threshold_search", "stream_thresholds")]

    def op(self) -> dict[str, Any]:
        """See FinnNode."""
        like = Thresholds(self.channels, self.pe, self.in_bits, self.steps).op()
        del like["depth_trigger_bram"]
        return like | {"op_type": "ThresholdingSerial_rtl", "ram_style": self.style}


@dataclass(frozen=True)
class Dwc(FinnNode):
    """StreamingDataWidthConverter_rtl.

    Attributes:
        in_bits: bits of an input word.
        out_bits: bits of an output word.
    """

    node: ClassVar[str] = "dwc"
    in_bits: int
    out_bits: int

    def op(self) -> dict[str, Any]:
        """See FinnNode."""
        bits = self.in_bits * self.out_bits
        return {
            "op_type": "StreamingDataWidthConverter_rtl",
            "shapes": [(1, bits)] * 2,
            "dtypes": ("BINARY", None, "BINARY"),
            "inShape": [1, bits],
            "outShape": [1, bits],
            "inWidth": self.in_bits,
            "outWidth": self.out_bits,
            "dataType": "BINARY",
        }


@dataclass(frozen=True)
class Fifo(FinnNode):
    """StreamingFIFO_rtl.

    Attributes:
        width: bits of a word.
        depth: words.
        style: of the memory, "distributed", "block" or "auto".
    """

    node: ClassVar[str] = "fifo"
    width: int
    depth: int
    style: str = "auto"

    def op(self) -> dict[str, Any]:
        """See FinnNode."""
        shape = [1, self.depth, self.width]
        return {
            "op_type": "StreamingFIFO_rtl",
            "shapes": [tuple(shape)] * 2,
            "dtypes": ("BINARY", None, "BINARY"),
            "folded_shape": shape,
            "normal_shape": shape,
            "dataType": "BINARY",
            "depth": self.depth,
            "ram_style": self.style,
        }


@dataclass(frozen=True)
class LookupTable(FinnNode):
    """StreamingTable_rtl, its entries at random.

    Attributes:
        elements: looked up a cycle.
        in_bits: bits of an element.
        out_bits: bits of an entry.
    """

    node: ClassVar[str] = "table"
    elements: int
    in_bits: int
    out_bits: int

    @property
    def source(self) -> Path:
        """The module's file."""
        return sources()[0].parent / "streaming" / "stream_table.sv"

    def op(self) -> dict[str, Any]:
        """See FinnNode."""
        entries = np.random.default_rng(4).integers(0, 2**self.out_bits, 2**self.in_bits)
        return {
            "op_type": "StreamingTable_rtl",
            "shapes": [(1, self.elements)] * 2,
            "dtypes": (f"UINT{self.in_bits}", None, f"UINT{self.out_bits}"),
            "Shape": [1, self.elements],
            "First": 0,
            "Entries": entries.tolist(),
            "PE": self.elements,
        }
