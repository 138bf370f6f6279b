"""Choose PE, SIMD and the lanes of every VVAU_MSQ for a cycle target."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import networkx as nx
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp
from qonnx.transformation.base import Transformation

from msq_finn.errors import MsqError
from msq_finn.ops.vvau_msq import DSP_KINDS, LUT_KINDS
from msq_finn.rtl.lanes import LaneKind
from msq_finn.transforms.channel_spaces import ChannelSpace, channel_spaces
from msq_finn.transforms.place_rows import ROW_MIXED
from msq_finn.transforms.set_lanes import divisors


class SetDepthwiseLanes(Transformation):
    """Give every VVAU_MSQ the least PE that meets a cycle target, on DSP lanes while DSPs last.

    A DSP lane takes rows of every scheme and saves 16 LUT sites for half a DSP slice
    (benchmarks/depthwise_cost.py); in an MVAU_MSQ four lanes share a slice and save seven each, so
    that depthwise layers come first. LUT lanes stand in where DSPs run out, and where a
    window has to be summed several elements at a time. Run it after SetLanes: rows of LUT lanes
    have to suit the lanes of the layer before as well, which orders the same channels.

    As FINN's SetFolding does, the window generator gets the layer's parallelism: PE as SIMD, and
    whole windows at a time if the layer takes several elements.

    Args:
        target_cycles: cycles per frame that each layer may take.
        dsp_budget: DSP slices that all depthwise layers together may take.
    """

    def __init__(self, target_cycles: int, dsp_budget: int) -> None:
        super().__init__()
        self.target_cycles = target_cycles
        self.dsps_left = dsp_budget

    def dsps_wanted(self, model: ModelWrapper) -> int:
        """DSP slices that the layers will take, to be left to them by layers folded before.

        Args:
            model: graph of hardware nodes.
        """
        wanted = 0
        for node in model.graph.node:
            if node.op_type.startswith("VVAU_MSQ"):
                pe, simd = self._parallelism(model, node)[0]
                packing = getCustomOp(node).channel_packing()
                wanted += math.ceil(pe / packing) if simd == 1 else 0
        return min(wanted, self.dsps_left)

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        """Set PE, SIMD, laneKinds and lanePE, and the window generators' parallelism.

        Raises:
            MsqError: no choice of lanes takes the rows, or windows come from something else than
                a depthwise window generator.
        """
        folded: set[str] = set()
        for space in channel_spaces(model):
            for node in space.inside:
                if node.op_type.startswith("VVAU_MSQ"):
                    self._fold(model, node, space, folded)
                    folded.add(node.name)
        return model, False

    def _fold(self, model: ModelWrapper, node: Any, space: ChannelSpace, folded: set[str]) -> None:
        op = getCustomOp(node)
        nodes = (*space.producers, *space.inside)
        others = [
            getCustomOp(n)
            for n in nodes
            if n.op_type.startswith(ROW_MIXED) and (n in space.producers or n.name in folded)
        ]
        rows = [op.row_schemes(), *(other.row_schemes() for other in others)]
        channels = len(rows[0])
        kinds = [other.layout().row_kinds(channels) for other in others]
        names = [*LUT_KINDS, DSP_KINDS[op.dsp_bits()].name]
        for pe, simd in self._parallelism(model, node):
            for counts in self._lanes(op, pe, simd):
                _set(op, pe, simd, names, counts)
                own = op.layout().row_kinds(channels)
                if placeable(rows, [own, *kinds], ordered=space.fixed_by is not None):
                    self.dsps_left -= op.dsp_estimation("")
                    _set_generator(model, node, pe, simd)
                    return
        layers = " and ".join(n.onnx_node.name for n in (op, *others))
        raise MsqError(
            f"{layers}: no lanes take the rows of both in one order; leave more DSPs to the "
            "depthwise layer, or give these layers one assignment of rows"
        )

    def _parallelism(self, model: ModelWrapper, node: Any) -> list[tuple[int, int]]:
        """(PE, SIMD) by preference: the smallest that meets the target first, else the fastest."""
        op = getCustomOp(node)
        generator = _window_generator(model, node)
        choices = [(pe, 1) for pe in divisors(op.get_nodeattr("Channels"))]
        choices += [(op.get_nodeattr("Channels"), simd) for simd in divisors(op.window())[1:]]
        cycles = {}
        for pe, simd in choices:
            op.set_nodeattr("PE", pe)
            op.set_nodeattr("SIMD", simd)
            _set_generator(model, node, pe, simd)
            cycles[pe, simd] = max(part.get_exp_cycles() for part in (op, generator) if part)
        meeting = [choice for choice in choices if cycles[choice] <= self.target_cycles]
        missing = [choice for choice in choices if cycles[choice] > self.target_cycles]
        return meeting + sorted(missing, key=cycles.__getitem__)

    def _lanes(self, op: Any, pe: int, simd: int) -> Iterator[tuple[int, int, int]]:
        """Lanes (SP2 LUT, fixed LUT, DSP): as many DSP lanes as there are DSPs for."""
        packing = op.channel_packing()
        dsp = min(pe, packing * self.dsps_left) if simd == 1 else 0
        for sp2 in range(pe - dsp, -1, -1):
            yield sp2, pe - dsp - sp2, dsp


def placeable(
    rows: Sequence[Sequence[tuple[str, ...]]],
    kinds: Sequence[Sequence[LaneKind]],
    ordered: bool = False,
) -> bool:
    """Tell whether layers that share the order of their rows can all have them on lanes.

    Args:
        rows: per layer and row, the schemes that hold it.
        kinds: per layer and position, the lane there.
        ordered: whether the rows must stay in the order they are in.

    >>> from msq_finn.rtl.lanes import get
    >>> sp2, fixed = get("sp2_4_lut"), get("fixed_4_lut")
    >>> rows = [("sp2_4",), ("fixed_4",)]
    >>> placeable([rows], [[fixed, sp2]]), placeable([rows], [[fixed, sp2]], ordered=True)
    (True, False)
    """
    of_row, of_place = list(zip(*rows, strict=True)), list(zip(*kinds, strict=True))
    if ordered:
        return all(map(_takes, of_place, of_row))
    flow = nx.DiGraph()
    for row, count in Counter(of_row).items():
        flow.add_edge("all", ("row", row), capacity=count)
        for place in set(of_place):
            if _takes(place, row):
                flow.add_edge(("row", row), ("place", place))
    for place, count in Counter(of_place).items():
        flow.add_edge(("place", place), "placed", capacity=count)
    return bool(nx.maximum_flow_value(flow, "all", "placed") == len(of_row))


def _takes(place: tuple[LaneKind, ...], row: tuple[tuple[str, ...], ...]) -> bool:
    return all(kind.takes(names) for kind, names in zip(place, row, strict=True))


def _set(op: Any, pe: int, simd: int, names: list[str], counts: tuple[int, ...]) -> None:
    op.set_nodeattr("PE", pe)
    op.set_nodeattr("SIMD", simd)
    op.set_nodeattr("laneKinds", names)
    op.set_nodeattr("lanePE", list(counts))


def _window_generator(model: ModelWrapper, node: Any) -> Any:
    """The generator of a layer's windows, None where windows are single pixels."""
    producer = model.find_producer(node.input[0])
    if producer is not None and producer.op_type.startswith("ConvolutionInputGenerator"):
        generator = getCustomOp(producer)
        if generator.get_nodeattr("depthwise"):
            return generator
    if getCustomOp(node).window() > 1:
        raise MsqError(
            f"{node.name}: its input {node.input[0]} must come from a ConvolutionInputGenerator "
            "with depthwise=1; fold before streams are inserted"
        )
    return None


def _set_generator(model: ModelWrapper, node: Any, pe: int, simd: int) -> None:
    generator = _window_generator(model, node)
    if generator is not None:
        generator.set_nodeattr("SIMD", pe)
        generator.set_nodeattr("parallel_window", int(simd > 1))
