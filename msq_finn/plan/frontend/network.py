"""What the planner needs to know of a network: its layers' shapes, not their weights."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

from msq_finn.errors import MsqError
from msq_finn.lanes import LaneCounts, dsp
from msq_finn.lanes.demand import PAIR, Demand
from msq_finn.lanes.divisors import folds
from msq_finn.lanes.latency import sum_latency
from msq_finn.ops.recurrent.turns import Turns
from msq_finn.rtl.window_ring import MapWindows

Pair = tuple[int, int]


@dataclass(frozen=True)
class Conv:
    """The sliding window in front of a layer, and the padding in front of that.

    Attributes:
        channels: of the input.
        dim: height and width of the input, without padding.
        kernel: height and width.
        stride: vertical and horizontal.
        pad: rows above and below, columns left and right (of each).
        plain: whether windows have neighbouring pixels, and ``pad`` is all zeros that there are.
    """

    channels: int
    dim: Pair
    kernel: Pair = (3, 3)
    stride: Pair = (1, 1)
    pad: Pair = (0, 0)
    plain: bool = True

    @property
    def padded(self) -> Pair:
        """Height and width with padding."""
        return self.dim[0] + 2 * self.pad[0], self.dim[1] + 2 * self.pad[1]

    @property
    def out(self) -> Pair:
        """Height and width of the result."""
        height, width = (
            (n - k) // s + 1 for n, k, s in zip(self.padded, self.kernel, self.stride, strict=True)
        )
        return height, width

    @property
    def windows(self) -> MapWindows:
        """The window as our generator has it."""
        return MapWindows(self.dim, self.kernel, self.stride, self.pad * 2)

    @property
    def is_needed(self) -> bool:
        """Whether there is a window to slide: not for 1x1 kernels of stride 1 without padding."""
        padded = self.pad != (0, 0) or not self.plain
        return padded or self.kernel != (1, 1) or self.stride != (1, 1)


@dataclass(frozen=True)
class Recurrence:
    """What a recurrent layer adds to its matrix, whose last columns are those of its state.

    Attributes:
        states: units, of as many rows each as there are rows for a unit.
        cycles: from the sums of a step to its state.
        all_states: whether the states of all steps leave, else that of the last.
    """

    states: int
    cycles: int
    all_states: bool = False


@dataclass(frozen=True)
class Layer:
    """A matrix-vector layer with what surrounds it.

    Attributes:
        name: of the layer.
        mw: columns (MW).
        mh: rows (MH); of a depthwise layer, channels.
        vectors: matrix-vector products a frame.
        act_bits: bits of an input.
        act_signed: whether inputs are signed.
        acc_bits: bits of a sum.
        steps: thresholds behind a row, 0 where none follow.
        conv: the sliding window, if any.
        demand: which schemes hold how many rows; by default each row may be of either of the pair.
        depthwise: one window a channel, on a ``VVAU_MSQ``.
        adds: whether its sums are added to a second stream, after thresholds of their own.
        sum_steps: thresholds behind that sum.
        skip_steps: thresholds of the second stream, 0 where another layer's are all it has.
        skip_pixels: pixels of the second stream that wait in a FIFO.
        group: layers of one group share the order of their rows, because their outputs meet in
            adds; empty for a layer that shares it with none.
        ordered: whether the order of its rows is given, as that of a network's outputs: all rows
            are then of one scheme.
        recurrence: of a recurrent layer, whose vectors are steps.
        first: whether the network's input goes into it, in words as wide as it likes.
    """

    name: str
    mw: int
    mh: int
    vectors: int
    act_bits: int = 4
    act_signed: bool = False
    acc_bits: int = 0
    steps: int = 15
    conv: Conv | None = None
    demand: Demand = field(default_factory=lambda: Demand({}))
    depthwise: bool = False
    adds: bool = False
    sum_steps: int = 15
    skip_steps: int = 15
    skip_pixels: int = 0
    group: str = ""
    ordered: bool = False
    recurrence: Recurrence | None = None
    first: bool = False

    def __post_init__(self) -> None:
        """Derive what is not given, and refuse what cannot be."""
        if min(self.mw, self.mh, self.vectors) < 1:
            raise MsqError("MW, MH and vectors must be at least 1", where=self.name)
        if not self.acc_bits:
            # The largest magnitude of a sum: weights up to 8 on the grid.
            object.__setattr__(self, "acc_bits", math.ceil(math.log2(self.mw << self.act_bits)) + 3)
        if not self.demand:
            object.__setattr__(self, "demand", Demand({PAIR: self.mh}))

    @property
    def unnamed(self) -> Layer:
        """The layer without what makes it another than its like."""
        return replace(self, name="layer", group="")

    @property
    def macs(self) -> int:
        """Multiplications a frame."""
        return self.mw * self.mh * self.vectors

    def cycles(self, simd: int, pe: int, planes: int = 1) -> int:
        """Cycles a frame of the lanes, whose last folds may be padded.

        Args:
            simd: elements of a word.
            pe: lanes.
            planes: cycles that the lanes take for a word.
        """
        products = self.vectors * self.folds(simd, pe) * planes
        if self.recurrence is None:
            return products
        turns = self.turns(simd, pe)
        return turns.cycles(turns.places)

    def turns(self, simd: int, pe: int) -> Turns:
        """The steps of a recurrent layer on its lanes.

        Args:
            simd: elements of a word.
            pe: lanes.

        Raises:
            ValueError: the layer is not recurrent.
        """
        if (own := self.recurrence) is None:
            raise ValueError(f"{self.name} is not recurrent")
        # On DSP lanes of a DSP48E1, which are the deepest.
        lanes, block = LaneCounts({"fixed_4_dsp": 1, "fixed_4_dsp_chain": 1}), dsp.get("DSP48E1")
        sums = sum_latency(lanes, simd, self.act_bits, self.act_signed, self.acc_bits, block)
        results = own.states * self.unit_rows // pe if own.all_states else 0
        latency, inputs = sums + own.cycles, self.inputs // simd
        return Turns(self.vectors, self.folds(simd, pe), latency, inputs, results)

    @property
    def inputs(self) -> int:
        """Columns that the stream into the layer brings."""
        return self.mw - (self.recurrence.states if self.recurrence else 0)

    @property
    def unit_rows(self) -> int:
        """Rows of the matrix that make a channel, on lanes of one kind side by side."""
        return self.mh // self.recurrence.states if self.recurrence else 1

    def folds(self, simd: int, pe: int) -> int:
        """Words that the lanes take for a vector, and words of weights that they have.

        Args:
            simd: elements of a word.
            pe: lanes.
        """
        return folds(self.mw, simd) * folds(self.mh, pe)


@dataclass(frozen=True)
class Fold:
    """A parallelism of a node.

    Attributes:
        cycles: a frame.
        pe: elements a cycle; of a matrix-vector layer, lanes.
        simd: elements that a lane takes a cycle; 1 for others.
        parallel: whether windows leave whole.
        pixels: that go in side by side; ``pe`` counts the elements of all that leave.
        serial: whether thresholds are compared one after another.
    """

    cycles: int
    pe: int = 1
    simd: int = 1
    parallel: bool = False
    pixels: int = 1
    serial: bool = False


@dataclass(frozen=True)
class Node:
    """A node that belongs to no layer of lanes: a pool, a concatenation, a layer of FINN's own.

    Attributes:
        name: of the node.
        kind: FINN's type of it, such as "Pool", without what it is made in.
        what: it is, for people.
        folds: that it may have, least first; never empty.
        channels: of a pixel of its output; of a matrix-vector layer, rows.
        in_bits: bits of an element that goes in.
        out_bits: bits of an element that comes out.
        signed: whether elements that go in are signed.
        steps: thresholds of a channel.
        conv: its window, if any.
        mw: columns of the weights, 0 where there are none.
        weight_bits: bits that a weight has in memory.
    """

    name: str
    kind: str
    what: str
    folds: tuple[Fold, ...]
    channels: int
    in_bits: int = 4
    out_bits: int = 4
    signed: bool = False
    steps: int = 0
    conv: Conv | None = None
    mw: int = 0
    weight_bits: int = 0

    def fold(self, cycles: int) -> Fold:
        """The least that meets a target, else the fastest.

        Args:
            cycles: target, cycles a frame.
        """
        goal = max(cycles, min(fold.cycles for fold in self.folds))
        return next(fold for fold in self.folds if fold.cycles <= goal)


@dataclass(frozen=True)
class Network:
    """Layers in the order of the data.

    Attributes:
        name: of the network.
        layers: in the order of the data.
        nodes: others, which are folded as little as the layers' speed allows.
        on_host: layers that the processor computes, for people.
    """

    name: str
    layers: tuple[Layer, ...]
    nodes: tuple[Node, ...] = ()
    on_host: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Names identify layers."""
        names = [layer.name for layer in self.layers]
        if not names:
            raise MsqError(
                "no matrix-vector layer in it; there is nothing to plan", where=self.name
            )
        if len(set(names)) != len(names):
            raise MsqError("two layers have one name", where=self.name)

    @property
    def macs(self) -> int:
        """Multiplications a frame."""
        return sum(layer.macs for layer in self.layers)
