"""Clocks that no design of a plan's nodes reaches, as far as synthesis tells."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from operator import itemgetter

from msq_finn.errors import MsqError
from msq_finn.lanes import get
from msq_finn.plan.cost import stored_runs
from msq_finn.plan.cost.point_kinds import (
    PaddedWindow,
    SerialThresholds,
    Thresholds,
    Unit,
    Window,
)
from msq_finn.plan.frontend.network import Network
from msq_finn.plan.search.optimize import Solution
from msq_finn.plan.search.option import Option

#: Nodes smaller than any that was synthesised may have paths that are shorter by a few per cent; of
#: the shortest that is known, a clock has to be below this share to be refused.
SHARE = 0.9


def check_clock(network: Network, solution: Solution, dsp_block: str, clk_ns: float) -> None:
    """Refuse a clock that some node is by far too slow for in every synthesis run of its kind.

    A build's report has the longest path of every node, by the same estimate.

    Args:
        network: what is planned.
        solution: how.
        dsp_block: kind of DSP slice, such as "DSP48E1".
        clk_ns: clock period in ns.

    Raises:
        MsqError: the layer and the node that need more time.
    """
    known = shortest_paths(dsp_block)
    paths = [
        (known.get(name, 0) / 1000, layer.name, what)
        for layer, option in zip(network.layers, solution.options, strict=True)
        for name, what in _kinds(option)
    ]
    least, layer, what = max(paths, key=itemgetter(0))
    if clk_ns < SHARE * least:
        raise MsqError(
            f"a clock of {1e3 / clk_ns:.0f} MHz: {what} of layer {layer} have paths of {least:.1f} "
            f"ns at least, as estimated from synthesis, which {1e3 / least:.0f} MHz allows; "
            "give a slower clock",
            field="clk_ns",
            value=clk_ns,
        )


@cache
def shortest_paths(dsp_block: str) -> dict[str, int]:
    """The shortest of all longest paths in ps, by kind of lanes and by name of other nodes.

    Args:
        dsp_block: kind of DSP slice, such as "DSP48E1".

    >>> shortest_paths("DSP48E2")["sp2_4_lut"] < shortest_paths("DSP48E1")["sp2_4_lut"]
    True
    """
    path = stored_runs.path_of(stored_runs.part_of(dsp_block))
    found: defaultdict[str, list[int]] = defaultdict(list)
    for run in stored_runs.load(path).values():
        for name in run.point.lanes if isinstance(run.point, Unit) else [run.point.node]:
            found[name].append(run.resources.longest_path_ps)
    return {name: min(paths) for name, paths in found.items()}


def _kinds(option: Option) -> Iterator[tuple[str, str]]:
    """What a layer is built of: the name in `shortest_paths`, and what people call it."""
    for name in option.lanes:
        yield name, f"{get(name).label} lanes"
    if option.back.pe:
        serial = option.back.serial != "none"
        yield (SerialThresholds if serial else Thresholds).node, "thresholds"
    if option.front.style:
        yield (Window if option.front.parallel else PaddedWindow).node, "windows"
