"""Design points of matrix-vector units, depthwise units and their weight memories."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from msq_finn.finn_compat import rtl_library
from msq_finn.lanes import LaneCounts, Shape, sources
from msq_finn.lanes.constants import layer_tables
from msq_finn.lanes.dsp import DspBlock
from msq_finn.lanes.hardware import lanes_parameter
from msq_finn.ops.wrapper import Parameters, render
from msq_finn.plan.cost.design_point import Design, Point


@dataclass(frozen=True)
class Unit(Point):
    """A unit with lanes of ours, without weight memory.

    Attributes:
        mw: products in a sum: columns of the weight matrix, or elements of a window.
        mh: rows of the weight matrix, or channels.
        simd: elements that a lane takes a cycle.
        lanes: of each kind.
        act_bits: bits of an activation.
        act_signed: whether activations are signed.
        acc_bits: bits of a sum.
    """

    mw: int
    mh: int
    simd: int
    lanes: LaneCounts
    act_bits: int = 4
    act_signed: bool = False
    acc_bits: int = 14

    def __post_init__(self) -> None:
        """Take lanes by name as well, as records have them."""
        object.__setattr__(self, "lanes", LaneCounts(self.lanes))

    @property
    def pe(self) -> int:
        """Lanes of all kinds."""
        return self.lanes.pe

    def shape(self, block: DspBlock) -> Shape:
        """What the size of a lane depends on.

        Args:
            block: the device's DSP slice.
        """
        folds = self.mw * self.mh // (self.simd * self.pe)
        # Inside, a depthwise unit's accumulators hold at least one product.
        least = self.act_bits + 4 if isinstance(self, Depthwise) else 0
        acc = max(self.acc_bits, least)
        return Shape(self.mw, self.simd, folds, self.act_bits, self.act_signed, acc, block)


@dataclass(frozen=True)
class Msq(Unit):
    """MVAU_MSQ's compute module; weights that lanes hold are random, of 4 bits.

    Attributes:
        add_offset: whether rows' constants, which are random, are taken off the sums.
    """

    node: ClassVar[str] = "msq"
    add_offset: bool = False

    def design(self, folder: Path, part: str) -> Design:
        """``mvau_msq`` in the wrapper that a build gives it."""
        offsets = np.zeros(self.mh, dtype=int)
        if self.add_offset:
            offsets = np.random.default_rng(1).integers(1, 2**self.acc_bits, self.mh)
        tables = None
        if held := len(self.lanes.constant_lanes):
            folds = self.mw * self.mh // (self.simd * self.pe)
            weights = np.random.default_rng(1).integers(-7, 8, size=(held, folds, self.simd))
            tables = layer_tables(weights)
        parameters = Parameters(
            mw=self.mw,
            mh=self.mh,
            simd=self.simd,
            lanes=self.lanes,
            act_bits=self.act_bits,
            act_signed=self.act_signed,
            acc_bits=self.acc_bits,
            dsp_version=_version(part),
            offsets=tuple(offsets.tolist()),
            tables=tables,
        )
        wrapper = folder / "layer.v"
        wrapper.write_text(render("layer", parameters))
        return "layer", [*sources(self.lanes.is_serial), wrapper], {}


@dataclass(frozen=True)
class Depthwise(Unit):
    """VVAU_MSQ's compute module: ``mw`` elements of a window, ``mh`` channels."""

    node: ClassVar[str] = "depthwise"
    acc_bits: int = 12

    def design(self, folder: Path, part: str) -> Design:
        """``vvau_msq``, which a build wraps in nothing that takes resources."""
        parameters = {
            "Window": self.mw,
            "Channels": self.mh,
            "SIMD": self.simd,
            "Lanes": lanes_parameter(self.lanes)[0],
            "WeightBits": self.lanes.widest_code,
            "ActBits": self.act_bits,
            "ActSigned": int(self.act_signed),
            "AccBits": self.acc_bits,
            "DspVersion": _version(part),
            "UsePrimitives": 1,
        }
        return "vvau_msq", sources(), parameters


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
            "VERSION": _version(part),
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
        files = [library / f"{name}.sv" for name in (*names, "add_multi")]
        return "mvu_vvu_axi", files, parameters


def _version(part: str) -> int:
    """``DspVersion`` of a part: 7-series, or else UltraScale+."""
    return 1 if part.startswith("xc7") else 2
