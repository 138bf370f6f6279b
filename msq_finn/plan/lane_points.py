"""Design points of matrix-vector units, depthwise units and their weight memories."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from msq_finn.finn_compat import rtl_library
from msq_finn.ops import memstream
from msq_finn.ops.wrapper import Parameters, render
from msq_finn.plan.point import Design, Point
from msq_finn.rtl import lanes
from msq_finn.rtl.embedded import layer_tables


@dataclass(frozen=True)
class Msq(Point):
    """MVAU_MSQ's compute module, without weight memory.

    Attributes:
        mw: columns of the weight matrix.
        mh: rows of the weight matrix.
        simd: elements that a lane takes a cycle.
        sp2_lut: SP2(4) LUT lanes.
        fixed_lut: Fixed(4) LUT lanes.
        fixed_dsp: Fixed(4) DSP lanes.
        act_bits: bits of an activation.
        act_signed: whether activations are signed.
        acc_bits: bits of a sum.
        add_offset: whether rows' constants are taken off the sums.
    """

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

    def design(self, folder: Path, part: str) -> Design:
        """``mvau_msq`` in the wrapper that a build gives it; offsets, if any, are random."""
        offsets = np.zeros(self.mh, dtype=int)
        if self.add_offset:
            offsets = np.random.default_rng(1).integers(1, 2**self.acc_bits, self.mh)
        return _layer(
            self,
            folder,
            part,
            (self.sp2_lut, self.fixed_lut, self.fixed_dsp),
            offsets=tuple(offsets.tolist()),
        )


@dataclass(frozen=True)
class Embedded(Point):
    """MVAU_MSQ of embedded lanes only, with random 4-bit weights.

    Attributes:
        mw: columns of the weight matrix.
        mh: rows of the weight matrix.
        simd: elements that a lane takes a cycle.
        pe: embedded lanes.
        act_bits: bits of an activation.
        act_signed: whether activations are signed.
        acc_bits: bits of a sum.
    """

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

    def design(self, folder: Path, part: str) -> Design:
        """``mvau_msq`` in the wrapper that a build gives it."""
        weights = np.random.default_rng(1).integers(-7, 8, size=(self.pe, self.folds, self.simd))
        tables = layer_tables(weights)
        offsets = (0,) * self.mh
        return _layer(
            self, folder, part, (0, 0, 0), offsets=offsets, pe_embedded=self.pe, tables=tables
        )


@dataclass(frozen=True)
class Depthwise(Point):
    """VVAU_MSQ's compute module, without weight memory.

    Attributes:
        window: products in a sum.
        channels: windows side by side.
        simd: elements of a window that a lane takes a cycle.
        sp2_lut: lanes (PE) of each kind, likewise the next two.
        fixed_lut: Fixed(4) LUT lanes.
        fixed_dsp: DSP lanes, which take integers of ``dsp_bits``.
        act_bits: bits of an activation.
        act_signed: whether activations are signed.
        acc_bits: bits of a sum.
        dsp_bits: bits of a weight on the DSP lanes.
    """

    node: ClassVar[str] = "depthwise"
    window: int
    channels: int
    simd: int
    sp2_lut: int = 0
    fixed_lut: int = 0
    fixed_dsp: int = 0
    act_bits: int = 4
    act_signed: bool = False
    acc_bits: int = 12
    dsp_bits: int = 5

    @property
    def pe(self) -> int:
        """Lanes of all kinds."""
        return self.sp2_lut + self.fixed_lut + self.fixed_dsp

    def design(self, folder: Path, part: str) -> Design:
        """``vvau_msq``, which a build wraps in nothing that takes resources."""
        parameters = {
            "Window": self.window,
            "Channels": self.channels,
            "SIMD": self.simd,
            "PeSp2Lut": self.sp2_lut,
            "PeFixedLut": self.fixed_lut,
            "PeFixedDsp": self.fixed_dsp,
            "WeightBits": self.dsp_bits if self.fixed_dsp else 4,
            "ActBits": self.act_bits,
            "ActSigned": int(self.act_signed),
            "AccBits": self.acc_bits,
            "DspVersion": 1 if part.startswith("xc7") else 2,
            "UsePrimitives": 1,
        }
        return "vvau_msq", lanes.sources(), parameters


@dataclass(frozen=True)
class Mvu(Point):
    """FINN's DSP matrix-vector unit, without weight memory.

    Attributes:
        mw: columns of the weight matrix.
        mh: rows of the weight matrix.
        simd: elements that a lane takes a cycle.
        pe: lanes.
        act_bits: bits of an activation.
        act_signed: whether activations are signed.
        acc_bits: bits of a sum.
    """

    node: ClassVar[str] = "finn_mvu"
    mw: int
    mh: int
    simd: int
    pe: int
    act_bits: int = 4
    act_signed: bool = False
    acc_bits: int = 14

    def design(self, folder: Path, part: str) -> Design:
        """``mvu_vvu_axi`` with 4-bit weights of narrow range."""
        library = rtl_library() / "mvu"
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
    """FINN's memstream with random contents, never written.

    Attributes:
        width: bits of a word.
        depth: words.
        style: "distributed" or "block".
    """

    node: ClassVar[str] = "memory"
    width: int
    depth: int
    style: str

    def design(self, folder: Path, part: str) -> Design:
        """The wrapper that FINN's MVAU gets, filled in."""
        contents = folder / "memblock.dat"
        rng = np.random.default_rng(2)
        digits = math.ceil(self.width / 4)
        words = (rng.bytes(digits).hex()[:digits] for _ in range(self.depth))
        contents.write_text("".join(f"{word}\n" for word in words))
        wrapper = folder / "weights_memstream_wrapper.v"
        text = memstream.wrapper("weights", self.depth, self.width, contents, self.style)
        wrapper.write_text(text)
        return "weights_memstream_wrapper", [wrapper, *memstream.sources()], {}


def _layer(
    point: Msq | Embedded, folder: Path, part: str, lane_counts: tuple[int, int, int], **more: Any
) -> Design:
    """``mvau_msq`` in the wrapper that a build gives it."""
    sp2_lut, fixed_lut, fixed_dsp = lane_counts
    parameters = Parameters(
        mw=point.mw,
        mh=point.mh,
        simd=point.simd,
        pe_sp2_lut=sp2_lut,
        pe_fixed_lut=fixed_lut,
        pe_fixed_dsp=fixed_dsp,
        act_bits=point.act_bits,
        act_signed=point.act_signed,
        acc_bits=point.acc_bits,
        dsp_version=1 if part.startswith("xc7") else 2,
        **more,
    )
    wrapper = folder / "layer.v"
    wrapper.write_text(render("layer", parameters))
    return "layer", [*lanes.sources(), wrapper], {}
