"""Clocks a tenth below every synthesis run of some node are refused, others are not."""

from __future__ import annotations

import json

import pytest

from msq_finn import models
from msq_finn.errors import MsqError
from msq_finn.plan.cost.stored_runs import path_of
from msq_finn.plan.frontend.source import network_of_module
from msq_finn.plan.making import make_plan

BOARDS = {
    "Pynq-Z1": ("xc7z020clg400-1", "DSP48E1"),
    "ZCU104": ("xczu7ev-ffvc1156-2-e", "DSP48E2"),
}


@pytest.fixture(scope="module")
def network():
    return network_of_module(models.digits_cnn(), "digits", "Pynq-Z1", (1, 8, 8))


def shortest_ns(part, *names):
    """Of runs of these nodes, or of units with a lane of these kinds, the shortest longest path."""
    runs = [json.loads(line) for line in path_of(part).read_text().splitlines()]
    return min(
        run["resources"]["longest_path_ps"] / 1000
        for run in runs
        if {run["node"], *run["point"].get("lanes", ())} & set(names)
    )


def bound_of(plan):
    """The least period by the runs of each kind that a plan has."""
    kinds = {(name,) for layer in plan.layers for name in layer.lanes}
    for layer in plan.layers:
        if layer.threshold_pe:
            serial = layer.serial_thresholds != "none"
            kinds.add(("serial_thresholds" if serial else "thresholds",))
        if layer.window is not None:
            kinds.add(("swg" if layer.window.parallel else "window",))
    return max(shortest_ns(plan.part, *names) for names in kinds)


@pytest.mark.parametrize("board", BOARDS)
def test_a_tenth_below_the_shortest_path_that_synthesis_knows_is_the_limit(network, board):
    part, block = BOARDS[board]
    cycles = 1000

    def planned(clk_ns):
        fps = 1e9 / clk_ns / cycles
        return make_plan(network, board, part, block, clk_ns=clk_ns, target_fps=fps).plan

    bound = bound_of(planned(10.0))
    assert 1.2 < bound < 4
    assert planned(0.901 * bound).clk_ns == 0.901 * bound
    told = rf"{bound:.1f} ns at least, .* {1e3 / bound:.0f} MHz allows"
    with pytest.raises(MsqError, match=told):
        planned(0.899 * bound)
