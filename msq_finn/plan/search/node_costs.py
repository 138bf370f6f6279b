"""What nodes cost that are no layers of lanes: pools, concatenations, layers of FINN's own."""

from __future__ import annotations

import math
from dataclasses import replace

from msq_finn.lanes import dsp
from msq_finn.plan.cost.cost_model import Cost, CostModel, add
from msq_finn.plan.cost.memories import ram_sites, registered_ram
from msq_finn.plan.cost.point_kinds import (
    Add,
    LookupTable,
    Memstream,
    Mvu,
    PaddedWindow,
    Padding,
    Pool,
    SerialThresholds,
    Thresholds,
    Window,
    WordWindow,
)
from msq_finn.plan.cost.threshold_features import BRAM_FROM
from msq_finn.plan.frontend.network import Conv, Fold, Node
from msq_finn.plan.frontend.pixels import in_words, words_of
from msq_finn.plan.search.converters import Repacked
from msq_finn.plan.search.streams import Streams
from msq_finn.rtl.threshold_tree import memory_style

#: What keeps the places in the memory of a reversal; from Yosys runs of 8 to 1024 words of 8 to 64
#: bits.
_PLACES = Cost(lut=40, ff=20)

#: Bits of the weights that synthesis runs of FINN's unit were made with.
_RUN_WEIGHT_BITS = 4


class NodeCosts:
    """Costs of nodes at a parallelism.

    Args:
        model: costs.
        streams: costs of FIFOs and converters.
    """

    def __init__(self, model: CostModel, streams: Streams) -> None:
        self.model = model
        self.streams = streams

    def cost(self, node: Node, fold: Fold) -> Cost:
        """A node with the FIFO and the width converter that it is given.

        What stands beside it need not be as wide; a converter that halves words stands for all.

        Args:
            node: of the network.
            fold: one of its parallelisms.
        """
        width = fold.pe * node.out_bits
        around = [
            self.streams.fifo(width),
            self.streams.dwc(Repacked(node.out_bits, 2 * fold.pe, 2 * fold.pe, 2), fold.pe),
        ]
        return add((*self._own(node, fold), *around))

    def _own(self, node: Node, fold: Fold) -> list[Cost]:
        cost = self.streams.cost
        if fold.pixels > 1 and node.conv is not None:
            return self._pool_of_words(node, node.conv, fold)
        if node.kind == "MVAU":
            return self._matrix(node, fold)
        if node.kind == "Thresholding":
            channels = max(node.channels, fold.pe)
            sizes = (channels, fold.pe, node.in_bits, node.steps)
            if fold.serial:
                style = memory_style(channels, fold.pe, node.steps)
                return [cost(SerialThresholds(*sizes, style))]
            return [cost(Thresholds(*sizes))]
        if node.kind == "DuplicateStreams":  # a few flip-flops, which its FIFOs outweigh
            return []
        if node.kind == "StreamingTable":
            return [cost(LookupTable(fold.pe, node.in_bits, node.out_bits))]
        if node.kind == "ReverseSteps":
            # A word a cycle, of a memory of a frame; and about as much of what comes from the other
            # direction waits meanwhile, in a FIFO where they meet.
            width, depth = fold.pe * node.out_bits, fold.cycles
            sites, blocks = registered_ram(width, depth)
            own = Cost(lut=sites, lutram=sites, bram=blocks)
            return [_PLACES, own, self.streams.fifo(width, depth)]
        if node.conv is None:
            # An adder, or what selects among words, takes about a LUT a bit, and so do counters.
            sums = [cost(Add(fold.pe, node.out_bits))]
            return [*sums, self._held(node, fold)] if node.kind == "GlobalAccPool" else sums
        windows = self._windows(node, node.conv, fold)
        if node.kind != "Pool":
            return windows
        pool = Pool(fold.pe, math.prod(node.conv.kernel), max(node.in_bits, node.out_bits))
        return [*windows, cost(pool)]

    def _windows(self, node: Node, conv: Conv, fold: Fold) -> list[Cost]:
        """The generator of a node's windows: FINN's, and its padding, where they leave whole."""
        cost, depthwise = self.streams.cost, node.kind == "Pool"
        if self.streams.uneven and not fold.parallel:
            return [cost(PaddedWindow.of(conv, fold.pe, node.in_bits, depthwise, "distributed"))]
        window = Window.nearest(conv, fold.pe, node.in_bits, fold.parallel, "distributed")
        padding = Padding(conv.channels, fold.pe, max(conv.dim), node.in_bits)
        pads = [cost(padding)] if conv.pad != (0, 0) else []
        return [*pads, cost(replace(window, depthwise=depthwise))]

    def _pool_of_words(self, node: Node, conv: Conv, fold: Fold) -> list[Cost]:
        """A pool of whole windows, several pixels a cycle, with the generator of these."""
        words = words_of(conv, fold.pixels)
        assert words is not None
        over, pixels = in_words(conv, words), math.prod(conv.kernel)
        window = self.streams.cost(WordWindow.over(over, node.in_bits, "distributed"))
        # One element compared with another or added to it, as in a pool of single pixels.
        reduced = Pool((pixels - 1) * fold.pe, pixels, max(node.in_bits, node.out_bits))
        return [
            window,
            self.streams.fifo(pixels * fold.pe * node.in_bits),
            self.streams.cost(reduced),
        ]

    def _held(self, node: Node, fold: Fold) -> Cost:
        """Sums that wait for the next pixel."""
        words = node.channels // fold.pe
        if words == 1:
            return Cost(ff=fold.pe * node.out_bits)
        sites = ram_sites(fold.pe * node.out_bits, words)
        return Cost(lut=sites, lutram=sites)

    def _matrix(self, node: Node, fold: Fold) -> list[Cost]:
        """FINN's unit with its weights; of wider weights, products are as wide as they get.

        DSP slices are counted as FINN's mvu.sv packs them.
        """
        bits, acts = node.weight_bits, node.in_bits
        size = (node.mw, node.channels, fold.simd, fold.pe)
        like = Mvu(*size, acts + bits - _RUN_WEIGHT_BITS, node.signed, node.out_bits)
        unit = self.streams.cost(like)
        block = dsp.get(self.model.dsp_block)
        lanes = 1 + (block.weight_port - bits) // (bits + acts - 1)
        slices = math.ceil(fold.pe / max(1, lanes)) * fold.simd
        depth = node.mw * node.channels // (fold.simd * fold.pe)
        width = 8 * math.ceil(fold.simd * fold.pe * bits / 8)
        style = "block" if depth >= BRAM_FROM else "distributed"
        return [unit._replace(dsp=slices), self.streams.cost(Memstream(width, depth, style))]
