"""Design points: single nodes with their parameters, and how each is put through synthesis."""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from msq_finn.ops.wrapper import Parameters, render
from msq_finn.rtl import lanes
from msq_finn.rtl.embedded import layer_tables
from msq_finn.synth.network import UNUSED_PORTS
from msq_finn.synth.resources import Resources
from msq_finn.synth.yosys import synthesize

PART = "xc7z020clg400-1"


@dataclass(frozen=True)
class Point:
    """A node with its parameters; subclasses name the node and know its sources."""

    node: ClassVar[str]

    @property
    def key(self) -> str:
        """The point as text, such as ``dwc{"in_bits": 16, "out_bits": 64}``."""
        return self.node + json.dumps(asdict(self), sort_keys=True)

    def synthesize(self, part: str = PART) -> Resources:
        """Resources of the node alone."""
        with tempfile.TemporaryDirectory() as folder:
            top, sources, parameters = self.design(Path(folder), part)
            return synthesize(
                top, sources, part=part, parameters=parameters, unused_ports=UNUSED_PORTS
            )

    def design(self, folder: Path, part: str) -> tuple[str, list[Path], Mapping[str, int]]:
        """Top module, sources and parameters; generated files go to ``folder``."""
        raise NotImplementedError


@dataclass(frozen=True)
class Msq(Point):
    """MVAU_MSQ's compute module, without weight memory."""

    node: ClassVar[str] = "msq"
    mw: int
    mh: int
    simd: int
    sp2_lut: int = 0
    fixed_lut: int = 0
    fixed_dsp: int = 0
    act_bits: int = 4
    act_signed: bool = False
    acc_bits: int = 14
    add_offset: bool = False

    @property
    def pe(self) -> int:
        """Lanes of all kinds."""
        return self.sp2_lut + self.fixed_lut + self.fixed_dsp

    def design(self, folder: Path, part: str) -> tuple[str, list[Path], Mapping[str, int]]:
        """``mvau_msq`` in the wrapper that a build gives it; offsets, if any, are random."""
        offsets = np.zeros(self.mh, dtype=int)
        if self.add_offset:
            offsets = np.random.default_rng(1).integers(1, 2**self.acc_bits, self.mh)
        parameters = Parameters(
            mw=self.mw,
            mh=self.mh,
            simd=self.simd,
            pe_sp2_lut=self.sp2_lut,
            pe_fixed_lut=self.fixed_lut,
            pe_fixed_dsp=self.fixed_dsp,
            act_bits=self.act_bits,
            act_signed=self.act_signed,
            acc_bits=self.acc_bits,
            dsp_version=1 if part.startswith("xc7") else 2,
            offsets=tuple(offsets.tolist()),
        )
        wrapper = folder / "layer.v"
        wrapper.write_text(render("layer", parameters))
        return "layer", [*lanes.sources(), wrapper], {}


@dataclass(frozen=True)
class Embedded(Point):
    """MVAU_MSQ of embedded lanes only, with random 4-bit weights."""

    node: ClassVar[str] = "embedded"
    mw: int
    mh: int
    simd: int
    pe: int
    act_bits: int = 4
    act_signed: bool = False
    acc_bits: int = 14

    @property
    def folds(self) -> int:
        """Cycles a vector."""
        return self.mw * self.mh // (self.simd * self.pe)

    def design(self, folder: Path, part: str) -> tuple[str, list[Path], Mapping[str, int]]:
        """``mvau_msq`` in the wrapper that a build gives it."""
        weights = np.random.default_rng(1).integers(-7, 8, size=(self.pe, self.folds, self.simd))
        parameters = Parameters(
            mw=self.mw,
            mh=self.mh,
            simd=self.simd,
            pe_sp2_lut=0,
            pe_fixed_lut=0,
            pe_fixed_dsp=0,
            act_bits=self.act_bits,
            act_signed=self.act_signed,
            acc_bits=self.acc_bits,
            dsp_version=1,
            offsets=(0,) * self.mh,
            pe_embedded=self.pe,
            tables=layer_tables(weights),
        )
        wrapper = folder / "layer.v"
        wrapper.write_text(render("layer", parameters))
        return "layer", [*lanes.sources(), wrapper], {}


@dataclass(frozen=True)
class Mvu(Point):
    """FINN's DSP matrix-vector unit, without weight memory."""

    node: ClassVar[str] = "finn_mvu"
    mw: int
    mh: int
    simd: int
    pe: int
    act_bits: int = 4
    act_signed: bool = False
    acc_bits: int = 14

    def design(self, folder: Path, part: str) -> tuple[str, list[Path], Mapping[str, int]]:
        """``mvu_vvu_axi`` with 4-bit weights of narrow range."""
        library = _rtllib() / "mvu"
        names = ("mvu_pkg", "mvu_vvu_axi", "replay_buffer", "mvu", "mvu_vvu_8sx9_dsp58")
        parameters = {
            "IS_MVU": 1,
            "VERSION": 1 if part.startswith("xc7") else 2,
            "MW": self.mw,
            "MH": self.mh,
            "PE": self.pe,
            "SIMD": self.simd,
            "WEIGHT_WIDTH": 4,
            "ACTIVATION_WIDTH": self.act_bits,
            "ACCU_WIDTH": self.acc_bits,
            "NARROW_WEIGHTS": 1,
            "SIGNED_ACTIVATIONS": int(self.act_signed),
        }
        sources = [library / f"{name}.sv" for name in (*names, "add_multi")]
        return "mvu_vvu_axi", sources, parameters


@dataclass(frozen=True)
class Memory(Point):
    """FINN's memstream with random contents, never written."""

    node: ClassVar[str] = "memory"
    width: int
    depth: int
    style: str

    def design(self, folder: Path, part: str) -> tuple[str, list[Path], Mapping[str, int]]:
        """The wrapper that FINN's MVAU gets, filled in."""
        library = _rtllib()
        contents = folder / "memblock.dat"
        rng = np.random.default_rng(2)
        digits = math.ceil(self.width / 4)
        words = (rng.bytes(digits).hex()[:digits] for _ in range(self.depth))
        contents.write_text("".join(f"{word}\n" for word in words))
        text = (library / "memstream/hdl/memstream_wrapper_template.v").read_text()
        for name, value in {
            "MODULE_NAME": "weights",
            "SETS": 1,
            "DEPTH": self.depth,
            "WIDTH": self.width,
            "INIT_FILE": contents,
            "RAM_STYLE": self.style,
            "PUMPED_MEMORY": 0,
        }.items():
            text = text.replace(f"${name}$", str(value))
        wrapper = folder / "weights_memstream_wrapper.v"
        wrapper.write_text(text)
        modules = ("axi/hdl/axilite", "memstream/hdl/memstream_axi", "memstream/hdl/memstream")
        sources = [wrapper, *(library / f"{name}.sv" for name in modules)]
        return "weights_memstream_wrapper", sources, {}


@dataclass(frozen=True)
class FinnNode(Point):
    """A node whose RTL FINN's custom op writes."""

    def design(self, folder: Path, part: str) -> tuple[str, list[Path], Mapping[str, int]]:
        """What FINN's PrepareIP generates."""
        from msq_finn.plan.finn_node import generate

        top, sources = generate(self.op(), part)
        return top, sources, {}

    def op(self) -> dict[str, Any]:
        """Arguments of :func:`msq_finn.plan.finn_node.one_node_model`."""
        raise NotImplementedError


@dataclass(frozen=True)
class Thresholds(FinnNode):
    """Thresholding_rtl with random thresholds; LUTs or, from a stage depth on, block RAM."""

    node: ClassVar[str] = "thresholds"
    channels: int
    pe: int
    in_bits: int
    steps: int = 15
    bram_from: int = 0

    def op(self) -> dict[str, Any]:
        """See FinnNode."""
        limit = 2 ** (self.in_bits - 1)
        values = np.random.default_rng(3).integers(-limit, limit, (self.channels, self.steps))
        bits = (self.steps + 1).bit_length() - 1
        return {
            "op_type": "Thresholding_rtl",
            "shapes": [(1, self.channels)] * 2,
            "weights": np.sort(values, axis=1),
            "dtypes": (f"INT{self.in_bits}", f"INT{self.in_bits}", f"UINT{bits}"),
            "NumChannels": self.channels,
            "PE": self.pe,
            "numSteps": self.steps,
            "weightDataType": f"INT{self.in_bits}",
            "numInputVectors": [1],
            "depth_trigger_bram": self.bram_from,
        }


@dataclass(frozen=True)
class Window(FinnNode):
    """ConvolutionInputGenerator_rtl, square; channel by channel if depthwise."""

    node: ClassVar[str] = "swg"
    channels: int
    simd: int
    dim: int
    kernel: int = 3
    stride: int = 1
    act_bits: int = 4
    parallel: bool = False
    depthwise: bool = False
    style: str = "distributed"

    def op(self) -> dict[str, Any]:
        """See FinnNode."""
        out = (self.dim - self.kernel) // self.stride + 1
        return {
            "op_type": "ConvolutionInputGenerator_rtl",
            "shapes": [
                (1, self.dim, self.dim, self.channels),
                (1, out, out, self.kernel**2 * self.channels),
            ],
            "dtypes": (f"UINT{self.act_bits}", None, f"UINT{self.act_bits}"),
            "ConvKernelDim": [self.kernel] * 2,
            "IFMChannels": self.channels,
            "IFMDim": [self.dim] * 2,
            "OFMDim": [out] * 2,
            "SIMD": self.simd,
            "Stride": [self.stride] * 2,
            "Dilation": [1, 1],
            "parallel_window": int(self.parallel),
            "depthwise": int(self.depthwise),
            "ram_style": self.style,
        }


@dataclass(frozen=True)
class Padding(FinnNode):
    """FMPadding_rtl, one pixel on every side of a square."""

    node: ClassVar[str] = "padding"
    channels: int
    simd: int
    dim: int
    act_bits: int = 4

    def op(self) -> dict[str, Any]:
        """See FinnNode."""
        return {
            "op_type": "FMPadding_rtl",
            "shapes": [(1, self.dim + p, self.dim + p, self.channels) for p in (0, 2)],
            "dtypes": (f"UINT{self.act_bits}", None, None),
            "ImgDim": [self.dim] * 2,
            "Padding": [1] * 4,
            "NumChannels": self.channels,
            "SIMD": self.simd,
            "numInputVectors": 1,
        }


@dataclass(frozen=True)
class Dwc(FinnNode):
    """StreamingDataWidthConverter_rtl."""

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
    """StreamingFIFO_rtl."""

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
class Pool(Point):
    """Largest value of every window."""

    node: ClassVar[str] = "pool"
    elements: int
    window: int = 4
    act_bits: int = 4

    def design(self, folder: Path, part: str) -> tuple[str, list[Path], Mapping[str, int]]:
        """``stream_pool``."""
        parameters = {"InBits": self.act_bits, "OutBits": self.act_bits}
        return _own("stream_pool", Elements=self.elements, Window=self.window, **parameters)


@dataclass(frozen=True)
class Add(Point):
    """Sum of two streams."""

    node: ClassVar[str] = "add"
    elements: int
    act_bits: int = 4

    def design(self, folder: Path, part: str) -> tuple[str, list[Path], Mapping[str, int]]:
        """``stream_add`` of signed operands."""
        operands = {"LhsBits": self.act_bits, "RhsBits": self.act_bits}
        signs = {"LhsSigned": 1, "RhsSigned": 1}
        out = self.act_bits + 1
        return _own("stream_add", Elements=self.elements, **operands, **signs, OutBits=out)


NODES: dict[str, type[Point]] = {
    cls.node: cls
    for cls in (Msq, Embedded, Mvu, Memory, Thresholds, Window, Padding, Dwc, Fifo, Pool, Add)
}

#: Nodes whose sources come with FINN.
NEED_FINN = (Mvu, Memory, FinnNode)


def _own(module: str, **parameters: int) -> tuple[str, list[Path], Mapping[str, int]]:
    return module, [lanes.sources()[0].parent / "streaming" / f"{module}.sv"], parameters


def _rtllib() -> Path:
    from finn.util.settings import get_settings

    return Path(get_settings().finn_rtllib)
