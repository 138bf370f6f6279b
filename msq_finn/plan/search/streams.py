"""What surrounds a layer's lanes: windows and padding before, thresholds and pools behind."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from itertools import chain
from typing import TypeVar

from msq_finn.lanes.divisors import divisors
from msq_finn.plan.cost.cost_model import Cost, CostModel, add
from msq_finn.plan.cost.memories import bits
from msq_finn.plan.cost.point_kinds import Add, Dwc, Fifo, Padding, Pool, Thresholds, Window
from msq_finn.plan.frontend.network import Conv, Layer
from msq_finn.plan.frontend.windows import (
    WINDOW_WORDS,
    backlog,
    pool_window,
    row_cycles,
    window_cycles,
)
from msq_finn.plan.search.foldings import fronts_that_meet

#: Words that a FIFO is given where streams only jitter; the simulation of a build leaves 2 to 7.
SHALLOW = 6

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


def stream_cycles(layer: Layer) -> Iterator[int]:
    """Cycles a frame that the windows and thresholds of a layer can take.

    Args:
        layer: of the network.
    """
    conv = layer.conv
    if conv is not None and conv.is_needed:
        for simd in divisors(conv.channels):
            yield window_cycles(conv, simd, False, layer.depthwise)
            yield math.prod(conv.padded) * conv.channels // simd
        yield window_cycles(conv, conv.channels, True)
    if layer.pool:
        for simd in divisors(layer.mh):
            yield window_cycles(pool_window(layer), simd, False, True)
    if layer.steps:
        for lanes in divisors(layer.mh):
            yield layer.vectors * layer.mh // lanes


class Streams:
    """Costs of streaming nodes, each computed once.

    Args:
        model: costs.
    """

    def __init__(self, model: CostModel) -> None:
        self.cost = cache(model.cost)

    def dwc(self, bits_in: int, bits_out: int) -> Cost:
        """A width converter, if one is needed.

        Args:
            bits_in: of its input.
            bits_out: of its output.
        """
        return Cost() if bits_in == bits_out else self.cost(Dwc(bits_in, bits_out))

    def fifo(self, width: int, depth: int = SHALLOW) -> Cost:
        """A FIFO as a build inserts them on every stream.

        Args:
            width: bits of a word.
            depth: words.
        """
        return self.cost(Fifo(8 * math.ceil(width / 8), max(2, depth)))

    def converted(self, bits_in: int, bits_out: int) -> Cost:
        """A width converter, if one is needed, and the FIFO that it then has behind.

        Args:
            bits_in: of its input.
            bits_out: of its output.
        """
        if bits_in == bits_out:
            return Cost()
        return add((self.dwc(bits_in, bits_out), self.fifo(bits_out)))

    def link(self, layer: Layer, cycles: int) -> int:
        """Elements a cycle that the stream into a layer must carry to meet a target.

        A layer with a window takes what its slowest window needs, others what their input needs.

        Args:
            layer: of the network.
            cycles: target, cycles a frame.
        """
        conv = layer.conv
        if conv is not None and conv.is_needed:
            fronts = list(fronts_that_meet(layer, conv, cycles))
            return min((simd for simd, _ in fronts), default=conv.channels)
        length = layer.mh if layer.depthwise else layer.mw
        fast = [d for d in divisors(length) if layer.vectors * length // d <= cycles]
        return min(fast, default=length)

    def fronts(self, layer: Layer, simd: int, pe: int, cycles: int) -> list[Front]:
        """Windows that meet a cycle target, with the converter and the FIFOs up to the lanes.

        Args:
            layer: whose windows they are; those of a depthwise one have as many channels as lanes.
            simd: elements that a lane takes a cycle.
            pe: lanes.
            cycles: target.
        """
        link, conv = self.link(layer, cycles), layer.conv
        taken = simd * pe if layer.depthwise else simd
        lanes = layer.cycles(simd, pe)
        if conv is None or not conv.is_needed:
            cost = self.converted(link * layer.act_bits, taken * layer.act_bits)
            words = layer.vectors * ((layer.mh if layer.depthwise else layer.mw) // link)
            return [Front(0, False, "", words, cost)]
        choices = list(fronts_that_meet(layer, conv, cycles))
        if layer.depthwise:
            choices = [choice for choice in choices if choice == (pe, simd > 1)]
        fronts = (self._windows(layer, conv, choice, taken, link, lanes) for choice in choices)
        return _cheapest(chain(*fronts))

    def _windows(
        self,
        layer: Layer,
        conv: Conv,
        choice: tuple[int, bool],
        taken: int,
        link: int,
        lanes: int,
    ) -> Iterator[Front]:
        """A window of one parallelism in every style of memory, up to the lanes.

        Args:
            layer: whose window it is.
            conv: the window.
            choice: channels a cycle, and whether windows leave whole.
            taken: elements that the lanes take a cycle.
            link: elements a cycle of the stream into the layer.
            lanes: cycles a frame of the lanes.
        """
        (elements, parallel), act = choice, layer.act_bits
        spent = window_cycles(conv, elements, parallel, layer.depthwise)
        around = [self.converted(link * act, elements * act)]
        whole = conv.kernel[0] * conv.kernel[1] * elements if parallel else elements
        words = conv.out[1] * math.prod(conv.kernel) * conv.channels // taken
        leaves = row_cycles(conv, elements, parallel, layer.depthwise)
        held = ahead = SHALLOW + backlog(conv, words, leaves, lanes)
        if parallel or max(conv.stride) == 1:
            held = min(ahead, WINDOW_WORDS)
        if conv.pad != (0, 0):
            # Windows that do not leave whole read no pixels for about a row at a time.
            folds = conv.channels // elements
            pixels = math.ceil((ahead - held) * conv.out[1] / words)
            row = folds * (pixels if parallel else max(pixels, conv.padded[1]))
            padding = self.cost(Padding(conv.channels, elements, max(conv.dim), act))
            around += [padding, self.fifo(elements * act, SHALLOW + row)]
            spent = max(spent, math.prod(conv.padded) * conv.channels // elements)
        if whole != taken:
            around += [self.fifo(whole * act), self.dwc(whole * act, taken * act)]
        around.append(self.fifo(taken * act, held))
        for style in ("distributed", "block"):
            point = Window.nearest(conv, elements, act, parallel, style)
            window = self.cost(replace(point, depthwise=layer.depthwise))
            yield Front(elements, parallel, style, spent, add((*around, window)))

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
                self.fifo(lanes * layer.acc_bits),
                self.cost(Thresholds(layer.mh, lanes, layer.acc_bits, layer.steps)),
            ]
            if layer.adds:
                parts += self._addition(layer, lanes)
            out = lanes
            if layer.pool:
                out, pooled = self._pooling(layer, lanes, cycles)
                parts += pooled
            parts.append(self.fifo(out * ACT_BITS))
            if following:
                parts.append(self.converted(out * ACT_BITS, following * ACT_BITS))
            found.append(Back(lanes, spent, add(parts)))
        return _cheapest(found)

    def _addition(self, layer: Layer, lanes: int) -> list[Cost]:
        """The sum with a second stream: its FIFO, its thresholds, and those of the sum."""
        operand = bits(layer.steps + 1)
        costs = [
            self.fifo(lanes * operand, SHALLOW + layer.skip_pixels * layer.mh // lanes),
            self.fifo(lanes * operand),
            self.cost(Add(lanes, operand)),
            self.fifo(lanes * (operand + 1)),
            self.cost(Thresholds(layer.mh, lanes, operand + 1, layer.sum_steps)),
        ]
        if layer.skip_steps:
            costs.append(self.cost(Thresholds(layer.mh, lanes, ACT_BITS, layer.skip_steps)))
        return costs

    def _pooling(self, layer: Layer, lanes: int, cycles: int) -> tuple[int, list[Cost]]:
        """A max pool: elements a cycle, and the costs of converter, window and pool."""
        window = pool_window(layer)
        dim, kernel = window.dim, window.kernel
        flat = min(dim) == 1
        fast = [d for d in divisors(layer.mh) if window_cycles(window, d, False, True) <= cycles]
        simd = min(fast, default=layer.mh)
        square = max(4, layer.pool) if flat else max(dim)
        point = Window(layer.mh, simd, square, layer.pool, layer.pool, depthwise=True)
        return simd, [
            self.fifo(lanes * ACT_BITS),
            self.converted(lanes * ACT_BITS, simd * ACT_BITS),
            self.cost(point),
            self.fifo(simd * ACT_BITS),
            self.cost(Pool(simd, math.prod(kernel))),
        ]


def _cheapest(found: Iterable[Choice]) -> list[Choice]:
    """Drop what another beats in both LUTs and block RAM."""
    kept: list[Choice] = []
    for item in sorted(found, key=lambda item: (item.cost.lut, item.cost.bram)):
        if not kept or item.cost.bram < kept[-1].cost.bram:
            kept.append(item)
    return kept
