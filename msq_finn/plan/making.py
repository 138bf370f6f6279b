"""From a search's result to a plan file."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal, cast

from msq_finn import schemes
from msq_finn.devices import device_of_part
from msq_finn.errors import MsqError
from msq_finn.plan.clock import check_clock
from msq_finn.plan.cost.cost_model import default_model
from msq_finn.plan.cost.lane_costs import EMBEDDED
from msq_finn.plan.file.layer_plan import LayerPlan, WindowPlan
from msq_finn.plan.file.schema import Plan, Shares
from msq_finn.plan.frontend.network import Layer, Network
from msq_finn.plan.frontend.request import limited_rows, shares_of
from msq_finn.plan.report.outcome import (
    RESOURCE_NAMES,
    Alternative,
    LayerOutcome,
    NodeOutcome,
    Outcome,
    PlannedResources,
    Totals,
)
from msq_finn.plan.search.budget import RESOURCES, Budget
from msq_finn.plan.search.candidates import Catalogue
from msq_finn.plan.search.design import PLANNED
from msq_finn.plan.search.explain import Choice, choices, difference
from msq_finn.plan.search.optimize import Solution, maximize, meet, what_limits
from msq_finn.plan.search.option import Option

#: What of a layer is slowest, as a report calls it behind the layer's name.
_SLOW_PARTS = {"lanes": "", "window": " (its windows)", "thresholds": " (its thresholds)"}


def make_plan(
    network: Network,
    board: str,
    part: str,
    dsp_block: str,
    *,
    clk_ns: float = 10.0,
    target_fps: float | None = None,
    shares: dict[str, float] | None = None,
    only: tuple[str, ...] = (),
    progress: Callable[[int, int], None] | None = None,
) -> Outcome:
    """Plan a network for a board.

    Args:
        network: what to fold.
        part: its FPGA part.
        dsp_block: its kind of DSP slice, such as "DSP48E1".
        clk_ns: clock period in ns.
        target_fps: frames per second to reach with least resources; None for the most there is.
        shares: of the device's resources, as :func:`shares_of` gives them.
        only: schemes that rows may have; none for all that hold them.
        progress: called with steps done and their number.

    Returns:
        the plan, and what it comes to.

    Raises:
        MsqError: the network does not fit, or not at the target (the best reachable is named), or
            no lanes, windows or thresholds are fast enough for the clock, or its weights need a
            scheme that is not given.
    """
    design = PLANNED
    network = limited_rows(network, only)
    shares = shares or shares_of("")
    device = device_of_part(part)
    budget = Budget.of(device, **shares)
    model = default_model(dsp_block)
    best = maximize(network, budget, model, design, progress)
    if best is None:
        binding = _binding(Catalogue(network, design, model), budget)
        raise MsqError(
            f"{network.name} does not fit {board} at any speed, for lack of {binding}; raise the "
            "budget or take a larger board"
        )
    solution = best
    if target_fps is not None:
        reachable = 1e9 / clk_ns / best.cycles
        if target_fps > reachable:
            raise MsqError(
                f"--target-fps {target_fps:.10g}: {network.name} reaches {math.floor(reachable)} "
                f"frames per second on {board} at most (limited by {best.limited_by}); lower the "
                "target, raise the budget or the clock, or take a larger board",
                field="--target-fps",
                value=target_fps,
            )
        cheapest = meet(network, int(1e9 / clk_ns / target_fps), budget, model, design)
        solution = best if cheapest is None else cheapest
    check_clock(network, solution, dsp_block, clk_ns)
    made = choices(Catalogue(network, design, model), solution, budget)
    return _outcome(network, solution, made, best.bound, board, part, clk_ns, shares)


def _binding(catalogue: Catalogue, budget: Budget) -> str:
    """What even the smallest folding needs more of than there is."""
    slowest = max(catalogue.targets.reachable())
    limited_by, needed = what_limits(catalogue, slowest, budget)
    limits = dict(zip(RESOURCES, budget, strict=True))
    if limited_by in needed:
        limit = limits[limited_by]
        least = f"the cheapest folding takes {needed[limited_by] * limit:.0f}"
        return f"{RESOURCE_NAMES[limited_by]}: there are {limit:.0f}, and {least}"
    return "several at once: there are " + ", ".join(
        f"{limit:.0f} {RESOURCE_NAMES[name]}" for name, limit in limits.items()
    )


def _outcome(
    network: Network,
    solution: Solution,
    made: list[Choice],
    bound: int,
    board: str,
    part: str,
    clk_ns: float,
    shares: dict[str, float],
) -> Outcome:
    fps = 1e9 / clk_ns / solution.cycles
    layers = list(zip(network.layers, made, strict=True))
    return Outcome(
        plan=Plan(
            network=network.name,
            board=board,
            part=part,
            clk_ns=clk_ns,
            budget=Shares(**shares),
            cycles=solution.cycles,
            layers=[layer_plan(layer, choice.option) for layer, choice in layers],
        ),
        totals=Totals(
            cycles=solution.cycles,
            fps=math.floor(100 * fps) / 100,  # which may be asked for
            gops=round(2 * network.macs * fps / 1e9, 3),
            resources=PlannedResources.of(solution.cost),
            bottleneck=_bottleneck(network, solution),
            limited_by=solution.limited_by,
            bound_fps=round(1e9 / clk_ns / bound, 2),
        ),
        layers=[_layer(layer, choice, solution.cycles, clk_ns) for layer, choice in layers],
        nodes=[
            NodeOutcome(
                name=node.name,
                what=node.what,
                pe=fold.pe,
                simd=fold.simd,
                cycles=fold.cycles,
                resources=PlannedResources.of(cost),
            )
            for node, (fold, cost) in zip(network.nodes, solution.nodes, strict=True)
        ],
        on_host=list(network.on_host),
    )


def _bottleneck(network: Network, solution: Solution) -> str:
    """The node that the rate is that of: one that cannot be faster, else a layer."""
    slow = [
        (f"{node.name} ({node.what})", node.folds[-1].cycles == fold.cycles)
        for node, (fold, _) in zip(network.nodes, solution.nodes, strict=True)
        if fold.cycles == solution.cycles
    ]
    at_their_end = [name for name, is_fastest in slow if is_fastest]
    layers = [
        f"{layer.name}{_SLOW_PARTS[option.slowest]}"
        for layer, option in zip(network.layers, solution.options, strict=True)
        if option.cycles == solution.cycles
    ]
    return next(iter((*at_their_end, *layers, *(name for name, _ in slow))))


def layer_plan(layer: Layer, option: Option) -> LayerPlan:
    """Write down how a layer is folded.

    Args:
        option: how.
    """
    front = option.front
    window = None
    if front.simd:
        window = WindowPlan(
            simd=front.simd,
            parallel=front.parallel,
            memory="block" if front.style == "block" else "distributed",
        )
    memory = "auto" if option.memory == EMBEDDED else option.memory
    return LayerPlan(
        name=layer.name,
        mw=layer.mw,
        mh=layer.mh,
        vectors=layer.vectors,
        depthwise=layer.depthwise,
        simd=option.simd,
        lanes=option.lanes,
        memory=cast(Literal["auto", "distributed", "block"], memory),
        rows=_rows(layer, option),
        window=window,
        pixels=cast(Literal[1, 2, 4, 8], option.pixels),
        threshold_pe=option.back.pe,
        serial_thresholds=cast(Literal["none", "distributed", "block"], option.back.serial),
    )


def _layer(layer: Layer, choice: Choice, cycles: int, clk_ns: float) -> LayerOutcome:
    option = choice.option
    return LayerOutcome(
        name=layer.name,
        cycles=option.cycles,
        resources=PlannedResources.of(option.cost),
        why=choice.why,
        next_best=[
            Alternative(
                simd=other.simd,
                lanes=other.lanes,
                memory=other.memory,
                cycles=other.cycles,
                resources=PlannedResources.of(other.cost),
                fps=round(1e9 / clk_ns / max(cycles, other.cycles), 2),
                fits=fits,
                change=difference(other.cost, option.cost),
            )
            for other, fits in zip(choice.others, choice.fits, strict=True)
        ],
    )


def _rows(layer: Layer, option: Option) -> dict[str, int]:
    """Rows of each scheme that suit the lanes best."""
    lanes, taken = option.lanes, option.lanes.rows_taken(layer.mh)
    own = [kind for kind in lanes.kinds if not kind.any_scheme]
    if layer.depthwise and own:
        # LUT lanes of one scheme beside DSP lanes: so the order of rows is free.
        return {own[0].scheme.name: layer.mh}
    found: dict[str, int] = {}
    for kind in own:
        found[kind.scheme.name] = found.get(kind.scheme.name, 0) + taken[kind.name]
    if len(own) < len(lanes):
        # Where lanes take any scheme, fixed point loses least.
        for names, count in layer.demand.items():
            chosen = next((n for n in names if isinstance(schemes.get(n), schemes.Fixed)), names[0])
            found[chosen] = found.get(chosen, 0) + count
    return found
