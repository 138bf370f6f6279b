"""What is before a layer's lanes: windows and padding, and the stream into them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain

from msq_finn.lanes.divisors import divisors, folds, smallest_parts
from msq_finn.plan.cost.cost_model import Cost, add
from msq_finn.plan.cost.point_kinds import PaddedWindow, Padding, Window, WordWindow
from msq_finn.plan.frontend.network import Conv, Layer
from msq_finn.plan.frontend.pixels import in_words, pixel_cycles, windows_at, words_of
from msq_finn.plan.frontend.windows import (
    WINDOW_WORDS,
    backlog,
    front_cycles,
    row_cycles,
    words_before_lanes,
)
from msq_finn.plan.search.converters import SHALLOW, Converters, Repacked
from msq_finn.plan.search.foldings import fronts_that_meet
from msq_finn.plan.search.pareto import least_memory
from msq_finn.rtl.routes import route

#: What a window generator's memory may be made of.
STYLES = ("distributed", "block")


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


class BeforeLanes(Converters):
    """Costs of what is before lanes."""

    def link(self, layer: Layer, cycles: int, pixels: int = 1) -> int:
        """Elements a cycle that the stream into a layer must carry to meet a target.

        A layer with a window takes what its slowest window needs, others what their input needs.

        Args:
            layer: of the network.
            cycles: target, cycles a frame.
            pixels: that go into the layer side by side.
        """
        conv = layer.conv
        if pixels > 1:
            return pixels * (conv.channels if conv is not None else layer.mw)
        if conv is not None and conv.is_needed:
            fronts = list(fronts_that_meet(layer, conv, cycles, self.uneven))
            return min((simd for simd, _ in fronts), default=conv.channels)
        length = layer.mh if layer.depthwise else layer.inputs
        parts = smallest_parts(length) if self.pads(layer) else divisors(length)
        fast = (d for d in parts if layer.vectors * folds(length, d) <= cycles)
        return next(fast, length)

    def pads(self, layer: Layer) -> bool:
        """Whether columns of zeros may take what fills the last word up.

        Args:
            layer: of the network.
        """
        return self.uneven and not layer.depthwise and not layer.recurrence

    def fronts(
        self, layer: Layer, simd: int, pe: int, cycles: int, planes: int = 1, pixels: int = 1
    ) -> list[Front]:
        """Windows that meet a cycle target, with the converter and the FIFOs up to the lanes.

        Args:
            layer: whose windows they are; those of a depthwise one have as many channels as lanes.
            simd: elements that a lane takes a cycle.
            pe: lanes.
            cycles: target.
            planes: cycles that the lanes take for a word.
            pixels: that go into the layer side by side.
        """
        if pixels > 1:
            return least_memory(self._side_by_side(layer, simd, pe, planes, pixels))
        link, conv = self.link(layer, cycles), layer.conv
        taken = simd * pe if layer.depthwise else simd
        lanes = layer.cycles(simd, pe, planes)
        if conv is None or not conv.is_needed:
            length = layer.mh if layer.depthwise else layer.inputs
            link = taken if layer.first else link
            stream = Repacked(layer.act_bits, link, length, cycles // layer.vectors)
            cost = self.converted(stream, taken)
            words = layer.vectors * folds(length, link)
            return [Front(0, False, "", words, cost)]
        choices = list(fronts_that_meet(layer, conv, cycles, self.uneven))
        if layer.depthwise:
            choices = [choice for choice in choices if choice == (pe, simd > 1)]
        pixel = Repacked(layer.act_bits, link, conv.channels, cycles // math.prod(conv.dim))
        fronts = (self._windows(layer, conv, choice, taken, pixel, lanes) for choice in choices)
        return least_memory(chain(*fronts))

    def _windows(
        self,
        layer: Layer,
        conv: Conv,
        choice: tuple[int, bool],
        taken: int,
        pixel: Repacked,
        lanes: int,
    ) -> Iterator[Front]:
        """A window of one parallelism in every style of memory, up to the lanes.

        Args:
            layer: whose window it is.
            conv: the window.
            choice: channels a cycle, and whether windows leave whole.
            taken: elements that the lanes take a cycle.
            pixel: the stream into the layer.
            lanes: cycles a frame of the lanes.
        """
        (elements, parallel), act = choice, layer.act_bits
        spent = front_cycles(conv, elements, parallel, layer.depthwise, self.uneven)
        around = [self.converted(pixel, elements)]
        whole = conv.kernel[0] * conv.kernel[1] * elements if parallel else elements
        length = layer.mh * layer.mw if layer.depthwise else layer.mw
        if self.uneven and not parallel:
            yield from self._rings(layer, conv, (elements, taken, length), around, lanes)
            return
        words = conv.out[1] * folds(length, taken)
        leaves = row_cycles(conv, elements, parallel, layer.depthwise)
        held = ahead = SHALLOW + backlog(conv, words, leaves, lanes)
        if parallel or max(conv.stride) == 1:
            held = min(ahead, WINDOW_WORDS)
        if conv.pad != (0, 0):
            # Windows that do not leave whole read no pixels for about a row at a time.
            words_of_pixel = conv.channels // elements
            pixels = math.ceil((ahead - held) * conv.out[1] / words)
            row = words_of_pixel * (pixels if parallel else max(pixels, conv.padded[1]))
            padding = self.cost(Padding(conv.channels, elements, max(conv.dim), act))
            around += [padding, self.fifo(elements * act, SHALLOW + row)]
        if whole != taken:
            stream = Repacked(act, whole, length, lanes // layer.vectors)
            around += [self.fifo(whole * act), self.dwc(stream, taken)]
        around.append(self.fifo(taken * act, held))
        for style in STYLES:
            point = Window.nearest(conv, elements, act, parallel, style)
            window = self.cost(replace(point, depthwise=layer.depthwise))
            yield Front(elements, parallel, style, spent, add((*around, window)))

    def _rings(
        self,
        layer: Layer,
        conv: Conv,
        sizes: tuple[int, int, int],
        before: list[Cost],
        lanes: int,
    ) -> Iterator[Front]:
        """Our generator in every style of memory, up to the lanes.

        What is ahead of the lanes waits in its ring: a converter needs no FIFO before it.

        Args:
            layer: whose window it is.
            conv: the window.
            sizes: elements of a word of the generator, of the lanes, and of a vector.
            before: what is before the generator.
            lanes: cycles a frame of the lanes.
        """
        (elements, taken, length), act = sizes, layer.act_bits
        spent = front_cycles(conv, elements, False)
        stream = Repacked(act, elements, length, lanes // layer.vectors)
        hops = route(elements, taken, length, stream.cycles)
        each = [
            spent / layer.vectors,
            *(folds(length, min(given, left)) for given, left, _ in hops),
        ]
        held = words_before_lanes(folds(length, taken), max(each))
        around = [*before, self.dwc(stream, taken), self.fifo(taken * act, held)]
        for style in STYLES:
            ring = self.cost(PaddedWindow.of(conv, elements, act, layer.depthwise, style))
            yield Front(elements, False, style, spent, add((*around, ring)))

    def _side_by_side(
        self, layer: Layer, simd: int, pe: int, planes: int, pixels: int
    ) -> Iterator[Front]:
        """Windows over words of several pixels, in every style of memory, up to the lanes.

        Args:
            layer: whose windows they are.
            simd: elements that a lane takes a cycle.
            pe: lanes of a window.
            planes: cycles that the lanes take for a word.
            pixels: of a word, which comes as it is taken.
        """
        conv, act, windows = layer.conv, layer.act_bits, windows_at(layer, pixels)
        assert windows is not None
        spent = pixel_cycles(layer, pixels)
        if conv is None or not conv.is_needed:
            yield Front(0, False, "", spent, Cost())
            return
        words = words_of(conv, pixels)
        assert words is not None
        over, lanes = in_words(conv, words), layer.cycles(simd, pe, planes) // windows
        rows = layer.mh if layer.depthwise else 1  # each of which has a window of its own
        word, whole = over.channels * act, windows * layer.mw * rows
        taken = windows * simd * (pe if layer.depthwise else 1)
        row = words.results * folds(whole, taken)
        ahead = SHALLOW + backlog(over, row, row_cycles(over, over.channels, True), lanes)
        held = min(ahead, WINDOW_WORDS)
        around = [self.fifo(taken * act, held)]
        if conv.pad != (0, 0):
            padding = Padding(over.channels, over.channels, max(over.dim), act)
            waiting = math.ceil((ahead - held) * words.results / row)
            around += [self.cost(padding), self.fifo(word, SHALLOW + waiting)]
        if whole != taken:
            stream = Repacked(act, whole, whole, lanes // layer.vectors)
            around += [self.fifo(whole * act), self.dwc(stream, taken)]
        for style in STYLES:
            window = self.cost(WordWindow.over(over, act, style))
            yield Front(conv.channels, True, style, spent, add((*around, window)))
