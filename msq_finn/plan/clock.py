"""Clocks that no design of a plan's nodes reaches, as far as synthesis tells."""

from __future__ import annotations

from collections.abc import Iterator
from operator import itemgetter

from msq_finn.errors import MsqError
from msq_finn.lanes import get
from msq_finn.plan.cost.cost_model import CostModel
from msq_finn.plan.cost.point_kinds import PaddedWindow, SerialThresholds, Thresholds, Window
from msq_finn.plan.frontend.network import Network
from msq_finn.plan.search.optimize import Solution
from msq_finn.plan.search.option import Option


def check_clock(network: Network, solution: Solution, model: CostModel, clk_ns: float) -> None:
    """Refuse a clock that some node is too slow for in every synthesis run of its kind.

    A build's report has the longest path of every node, by the same estimate; larger nodes have
    longer ones than the least that is known here.

    Args:
        network: what is planned.
        solution: how.
        model: has the shortest of all longest paths of a kind.
        clk_ns: clock period in ns.

    Raises:
        MsqError: the layer and the node that need more time.
    """
    paths = [
        (model.paths.get(name, 0) / 1000, layer.name, what)
        for layer, option in zip(network.layers, solution.options, strict=True)
        for name, what in _kinds(option)
    ]
    least, layer, what = max(paths, key=itemgetter(0))
    if clk_ns < least:
        raise MsqError(
            f"a clock of {1e3 / clk_ns:.0f} MHz: {what} of layer {layer} have paths of {least:.1f} "
            f"ns at least, as estimated from synthesis, so that {1e3 / least:.0f} MHz is the most; "
            "give a slower clock",
            field="clk_ns",
            value=clk_ns,
        )


def _kinds(option: Option) -> Iterator[tuple[str, str]]:
    """What a layer is built of: the name in `CostModel.paths`, and what people call it."""
    for name in option.lanes:
        yield name, f"{get(name).label} lanes"
    if option.back.pe:
        serial = option.back.serial != "none"
        yield (SerialThresholds if serial else Thresholds).node, "thresholds"
    if option.front.style:
        yield (Window if option.front.parallel else PaddedWindow).node, "windows"
