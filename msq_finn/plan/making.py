"""From a search's result to a plan file."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from msq_finn.errors import MsqError
from msq_finn.plan.cost import default_model
from msq_finn.plan.devices import device_of_part
from msq_finn.plan.layer_plan import (
    Alternative,
    Lanes,
    LayerPlan,
    Memory,
    Resources,
    Rows,
    Window,
)
from msq_finn.plan.network import Layer, Network
from msq_finn.plan.optimize import RESOURCES, Budget, Solution, maximize, meet, what_limits
from msq_finn.plan.option import Option
from msq_finn.plan.options import Catalogue
from msq_finn.plan.planfile import Plan, Shares, Totals
from msq_finn.plan.reasons import Choice, choices, difference
from msq_finn.plan.request import SCHEMES, design_of, limited_rows, shares_of

#: Resources, as messages call them.
NAMES = {
    "lut": "LUTs",
    "dsp": "DSP slices",
    "bram": "block RAMs",
    "lutram": "LUTs that can be memory",
    "ff": "flip-flops",
}


def make_plan(
    network: Network,
    board: str,
    part: str,
    dsp_block: str,
    *,
    clk_ns: float = 10.0,
    target_fps: float | None = None,
    shares: dict[str, float] | None = None,
    schemes: tuple[str, ...] = SCHEMES,
    progress: Callable[[int, int], None] | None = None,
) -> Plan:
    """Plan a network for a board.

    Args:
        network: what to fold.
        board: its name.
        part: its FPGA part.
        dsp_block: its kind of DSP slice, such as "DSP48E1".
        clk_ns: clock period in ns.
        target_fps: frames per second to reach with least resources; None for the most there is.
        shares: of the device's resources, as :func:`shares_of` gives them.
        schemes: of :data:`SCHEMES`, those that rows may have.
        progress: called with steps done and their number.

    Returns:
        the plan.

    Raises:
        MsqError: the network does not fit, or not at the target (the best reachable is named), or
            its weights need a scheme that is not given.
    """
    design = design_of(schemes)
    network = limited_rows(network, schemes)
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
                f"--target-fps {target_fps:.10g}: {network.name} reaches {reachable:.0f} frames "
                f"per second on {board} at most (limited by {best.limited_by}); lower the target, "
                "raise the budget or the clock, or take a larger board"
            )
        cheapest = meet(network, int(1e9 / clk_ns / target_fps), budget, model, design)
        solution = best if cheapest is None else cheapest
    made = choices(Catalogue(network, design, model), solution, budget)
    return _plan(network, solution, made, best.bound, board, part, clk_ns, shares)


def _binding(catalogue: Catalogue, budget: Budget) -> str:
    """What even the smallest folding needs more of than there is."""
    slowest = max(catalogue.reachable_cycles())
    limited_by, needed = what_limits(catalogue, slowest, budget)
    limits = dict(zip(RESOURCES, budget, strict=True))
    if limited_by in needed:
        limit = limits[limited_by]
        least = f"the cheapest folding takes {needed[limited_by] * limit:.0f}"
        return f"{NAMES[limited_by]}: there are {limit:.0f}, and {least}"
    return "several at once: there are " + ", ".join(
        f"{limit:.0f} {NAMES[name]}" for name, limit in limits.items()
    )


def _plan(
    network: Network,
    solution: Solution,
    made: list[Choice],
    bound: int,
    board: str,
    part: str,
    clk_ns: float,
    shares: dict[str, float],
) -> Plan:
    fps = 1e9 / clk_ns / solution.cycles
    slowest = max(solution.options, key=lambda option: option.cycles)
    bottleneck = network.layers[solution.options.index(slowest)].name
    return Plan(
        network=network.name,
        board=board,
        part=part,
        clk_ns=clk_ns,
        budget=Shares(**shares),
        totals=Totals(
            cycles=solution.cycles,
            fps=round(fps, 2),
            gops=round(2 * network.macs * fps / 1e9, 3),
            resources=Resources.of(solution.cost),
            bottleneck=bottleneck,
            limited_by=solution.limited_by,
            bound_fps=round(1e9 / clk_ns / bound, 2),
        ),
        not_planned=list(network.not_planned),
        layers=[
            layer_plan(layer, choice, solution.cycles, clk_ns)
            for layer, choice in zip(network.layers, made, strict=True)
        ],
    )


def layer_plan(layer: Layer, choice: Choice, cycles: int, clk_ns: float) -> LayerPlan:
    """Write down how a layer is folded.

    Args:
        layer: what is folded.
        choice: how, and why.
        cycles: of the network's frame.
        clk_ns: clock period in ns.
    """
    option = choice.option
    sp2 = _sp2_rows(layer, option)
    front = option.front
    window = None
    if front.simd:
        window = Window(
            simd=front.simd,
            parallel=front.parallel,
            memory="block" if front.style == "block" else "distributed",
        )
    return LayerPlan(
        name=layer.name,
        mw=layer.mw,
        mh=layer.mh,
        vectors=layer.vectors,
        simd=option.simd,
        lanes=_lanes(layer, option),
        memory=cast(Memory, option.memory),
        rows=Rows(sp2_4=sp2, fixed_4=layer.mh - sp2),
        sp2_ratio=round(sp2 / layer.mh, 4),
        window=window,
        threshold_pe=option.back.pe,
        depthwise=layer.depthwise,
        cycles=option.cycles,
        resources=Resources.of(option.cost),
        why=choice.why,
        next_best=[
            Alternative(
                simd=other.simd,
                lanes=_lanes(layer, other),
                memory=cast(Memory, other.memory),
                cycles=other.cycles,
                resources=Resources.of(other.cost),
                fps=round(1e9 / clk_ns / max(cycles, other.cycles), 2),
                fits=fits,
                change=difference(other.cost, option.cost),
            )
            for other, fits in zip(choice.others, choice.fits, strict=True)
        ],
    )


def _sp2_rows(layer: Layer, option: Option) -> int:
    """Rows that are to be SP2: where lanes take either, fixed point loses least."""
    lanes = option.lanes
    if layer.depthwise:
        # With LUT lanes beside, which take one scheme, so that the order of rows is free.
        return layer.mh if lanes.sp2_lut else layer.allowed.only_sp2
    if lanes.embedded:
        return layer.allowed.only_sp2
    return lanes.sp2_lut * layer.mh // lanes.pe


def _lanes(layer: Layer, option: Option) -> Lanes:
    lanes = option.lanes
    if layer.depthwise:
        wide = lanes.fixed_dsp if layer.dsp_bits == 8 else 0
        return Lanes(
            sp2_4_lut=lanes.sp2_lut,
            fixed_4_lut=lanes.fixed_lut,
            fixed_4_dsp=0,
            fixed_5_dsp=lanes.fixed_dsp - wide,
            fixed_8_dsp=wide,
        )
    return Lanes(
        sp2_4_lut=lanes.sp2_lut,
        fixed_4_lut=lanes.fixed_lut,
        fixed_4_dsp=lanes.fixed_dsp,
        embedded_lut=lanes.embedded,
    )
