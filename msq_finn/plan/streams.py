"""What surrounds a layer's lanes: windows and padding before, thresholds and pools behind."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from itertools import chain
from typing import TypeVar

from msq_finn.plan.cost import Cost, CostModel, add
from msq_finn.plan.lanes import divisors
from msq_finn.plan.memories import bits
from msq_finn.plan.network import Conv, Layer
from msq_finn.plan.points import Add, Dwc, Fifo, Padding, Pool, Thresholds, Window

#: Words of the FIFO between two layers.
LINK_DEPTH = 32

#: Bits of a finished activation.
ACT_BITS = 4


@dataclass(frozen=True)
class Front:
    """A sliding window with its padding, at one parallelism.

    Attributes:
        simd: channels a cycle.
        parallel: whether windows leave whole.
        style: of the buffer's memory.
        cycles: a frame.
        cost: with padding and the converter to the lanes.
    """

    simd: int
    parallel: bool
    style: str
    cycles: int
    cost: Cost


@dataclass(frozen=True)
class Back:
    """Thresholds with what follows them up to the next layer's stream.

    Attributes:
        pe: channels a cycle, 0 where nothing follows the lanes.
        cycles: a frame.
        cost: with the converters around them.
    """

    pe: int
    cycles: int
    cost: Cost


Choice = TypeVar("Choice", Front, Back)


def window_cycles(conv: Conv, simd: int, parallel: bool, depthwise: bool = False) -> int:
    """Cycles of FINN's window generator for a frame (convolutioninputgenerator_rtl.py).

    Args:
        conv: the window.
        simd: channels a cycle.
        parallel: whether windows leave whole.
        depthwise: whether windows leave channel by channel.
    """
    (height, width), (rows, cols) = conv.padded, conv.out
    folds = conv.channels // simd
    kernel_h, kernel_w = conv.kernel
    if parallel or conv.kernel == (1, 1):
        return height * width * folds + 2
    if height == 1 or width == 1:
        kernel, stride = max(kernel_h, kernel_w), max(conv.stride)
        leaving = max(rows, cols) * kernel * folds
        if not depthwise:
            return leaving + 2
        entering = (max(height, width) + (kernel - 1) * (stride - 1)) * folds
        return max(leaving + (folds - 1) * kernel, entering) + 2
    start = ((kernel_h - 1) * width + kernel_w) * folds
    line = max(cols * kernel_h * kernel_w, conv.stride[1] * width) * folds
    if depthwise:
        start += (conv.stride[0] - 1) * width * folds
        line += cols * (conv.stride[1] - 1) * (folds - 1)
    return start + rows * line


def stream_cycles(layer: Layer) -> Iterator[int]:
    """Cycles a frame that the windows and thresholds of a layer can take."""
    conv = layer.conv
    if conv is not None and conv.is_needed:
        for simd in divisors(conv.channels):
            yield window_cycles(conv, simd, False, layer.depthwise)
            yield math.prod(conv.padded) * conv.channels // simd
        yield window_cycles(conv, conv.channels, True)
    if layer.pool:
        for simd in divisors(layer.mh):
            yield window_cycles(_pool_window(layer), simd, False, True)
    if layer.steps:
        for lanes in divisors(layer.mh):
            yield layer.vectors * layer.mh // lanes


def _pool_window(layer: Layer) -> Conv:
    """The window of the max pool behind a layer."""
    dim = layer.conv.out if layer.conv else (1, 1)
    kernel = (layer.pool if dim[0] > 1 else 1, layer.pool if dim[1] > 1 else 1)
    return Conv(layer.mh, dim, kernel, kernel)


def _window(conv: Conv, simd: int, act_bits: int, parallel: bool, style: str) -> Window:
    """The nearest square window: rectangles keep their buffer's depth and window's size."""
    height, width = conv.padded
    if height == 1 or width == 1:
        # One-dimensional: a short buffer, as that of a square of few columns.
        kernel = 1 if max(conv.kernel) == 1 else 2
        dim = max(2, max(conv.kernel))
    else:
        kernel, dim = max(conv.kernel), max(height, width)
    stride = min(max(conv.stride), dim)
    return Window(
        conv.channels,
        simd,
        dim,
        kernel=kernel,
        stride=stride,
        act_bits=act_bits,
        parallel=parallel,
        style=style,
    )


class Streams:
    """Costs of streaming nodes, each computed once."""

    def __init__(self, model: CostModel) -> None:
        self.cost = cache(model.cost)

    def dwc(self, bits_in: int, bits_out: int) -> Cost:
        """A width converter, if one is needed."""
        return Cost() if bits_in == bits_out else self.cost(Dwc(bits_in, bits_out))

    def link(self, layer: Layer, cycles: int) -> int:
        """Elements a cycle that the stream into a layer must carry to meet a target.

        A layer with a window takes what its slowest window needs, others what their input needs.
        """
        conv = layer.conv
        if conv is not None and conv.is_needed:
            fronts = list(_fronts_that_meet(layer, conv, cycles))
            return min((simd for simd, _ in fronts), default=conv.channels)
        length = layer.mh if layer.depthwise else layer.mw
        fast = [d for d in divisors(length) if layer.vectors * length // d <= cycles]
        return min(fast, default=length)

    def fronts(self, layer: Layer, simd: int, cycles: int) -> list[Front]:
        """Windows that meet a cycle target, with the converter to ``simd`` elements."""
        link = self.link(layer, cycles)
        conv = layer.conv
        if conv is None or not conv.is_needed:
            act = layer.act_bits
            fifo = self.cost(Fifo(8 * math.ceil(link * act / 8), LINK_DEPTH))
            cost = add((fifo, self.dwc(link * act, simd * act)))
            words = layer.vectors * ((layer.mh if layer.depthwise else layer.mw) // link)
            return [Front(0, False, "", words, cost)]
        choices = _fronts_that_meet(layer, conv, cycles)
        fronts = (self._windows(layer, conv, choice, simd, link) for choice in choices)
        return _cheapest(chain(*fronts))

    def depthwise_fronts(self, layer: Layer, simd: int, pe: int, cycles: int) -> list[Front]:
        """Windows of a depthwise layer that meet a cycle target, of as many channels as its lanes.

        Args:
            layer: a depthwise one.
            simd: elements that a lane takes a cycle.
            pe: lanes.
            cycles: target.
        """
        conv = layer.conv
        if conv is None or not conv.is_needed:
            return self.fronts(layer, pe, cycles)
        choice = (pe, simd > 1)
        if choice not in _fronts_that_meet(layer, conv, cycles):
            return []
        link = self.link(layer, cycles)
        return _cheapest(self._windows(layer, conv, choice, simd * pe, link))

    def _windows(
        self, layer: Layer, conv: Conv, choice: tuple[int, bool], taken: int, link: int
    ) -> Iterator[Front]:
        """A window of one parallelism in every style of memory, to ``taken`` elements a cycle."""
        (elements, parallel), act = choice, layer.act_bits
        fifo = self.cost(Fifo(8 * math.ceil(link * act / 8), LINK_DEPTH))
        padding = Cost()
        spent = window_cycles(conv, elements, parallel, layer.depthwise)
        if conv.pad != (0, 0):
            padding = self.cost(Padding(conv.channels, elements, max(conv.dim), act))
            spent = max(spent, math.prod(conv.padded) * conv.channels // elements)
        whole = conv.kernel[0] * conv.kernel[1] * elements if parallel else elements
        for style in ("distributed", "block"):
            point = _window(conv, elements, act, parallel, style)
            window = self.cost(replace(point, depthwise=layer.depthwise))
            around = (fifo, self.dwc(link * act, elements * act), padding)
            cost = add((*around, window, self.dwc(whole * act, taken * act)))
            yield Front(elements, parallel, style, spent, cost)

    def backs(self, layer: Layer, pe: int, following: int, cycles: int) -> list[Back]:
        """Thresholds that meet a cycle target, with what follows.

        Args:
            layer: whose thresholds they are.
            pe: lanes of the layer.
            following: elements a cycle of the stream that must result, 0 for any.
            cycles: target.
        """
        if not layer.steps:
            return [Back(0, 0, Cost())]
        found: list[Back] = []
        for lanes in divisors(layer.mh):
            spent = layer.vectors * layer.mh // lanes
            if spent > cycles or (lanes > pe and found):
                continue
            parts = [
                self.dwc(pe * layer.acc_bits, lanes * layer.acc_bits),
                self.cost(Thresholds(layer.mh, lanes, layer.acc_bits, layer.steps)),
            ]
            if layer.adds:
                parts += self._addition(layer, lanes)
            out = lanes
            if layer.pool:
                out, pooled = self._pooling(layer, lanes, cycles)
                parts += pooled
            if following:
                parts.append(self.dwc(out * ACT_BITS, following * ACT_BITS))
            found.append(Back(lanes, spent, add(parts)))
        return _cheapest(found)

    def _addition(self, layer: Layer, lanes: int) -> list[Cost]:
        """The sum with a second stream: its FIFO, its thresholds, and those of the sum."""
        operand = bits(layer.steps + 1)
        width = 8 * math.ceil(lanes * operand / 8)
        depth = max(2, layer.skip_words * layer.mh // lanes)
        fifos = [self.cost(Fifo(width, depth, style)) for style in ("distributed", "block")]
        costs = [
            min(fifos, key=lambda cost: cost.lut + 200 * cost.bram),
            self.cost(Add(lanes, operand)),
            self.cost(Thresholds(layer.mh, lanes, operand + 1, layer.sum_steps)),
        ]
        if layer.skip_steps:
            costs.append(self.cost(Thresholds(layer.mh, lanes, ACT_BITS, layer.skip_steps)))
        return costs

    def _pooling(self, layer: Layer, lanes: int, cycles: int) -> tuple[int, list[Cost]]:
        """A max pool: elements a cycle, and the costs of converter, window and pool."""
        window = _pool_window(layer)
        dim, kernel = window.dim, window.kernel
        flat = min(dim) == 1
        fast = [d for d in divisors(layer.mh) if window_cycles(window, d, False, True) <= cycles]
        simd = min(fast, default=layer.mh)
        square = max(4, layer.pool) if flat else max(dim)
        point = Window(layer.mh, simd, square, layer.pool, layer.pool, depthwise=True)
        return simd, [
            self.dwc(lanes * ACT_BITS, simd * ACT_BITS),
            self.cost(point),
            self.cost(Pool(simd, math.prod(kernel))),
        ]


def _fronts_that_meet(layer: Layer, conv: Conv, cycles: int) -> Iterator[tuple[int, bool]]:
    """Channels a cycle, and whether windows leave whole, that meet a target."""
    pads = conv.pad != (0, 0)
    for simd in divisors(conv.channels):
        padded = math.prod(conv.padded) * conv.channels // simd
        if pads and padded > cycles:
            continue
        if window_cycles(conv, simd, False, layer.depthwise) <= cycles:
            yield simd, False
        elif simd == conv.channels and window_cycles(conv, simd, True) <= cycles:
            yield simd, True


def _cheapest(found: Iterable[Choice]) -> list[Choice]:
    """Drop what another beats in both LUTs and block RAM."""
    kept: list[Choice] = []
    for item in sorted(found, key=lambda item: (item.cost.lut, item.cost.bram)):
        if not kept or item.cost.bram < kept[-1].cost.bram:
            kept.append(item)
    return kept
