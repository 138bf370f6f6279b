"""From a search's result to a plan file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import cast

from msq_finn.build.progress import Progress, silent
from msq_finn.errors import MsqError
from msq_finn.plan.cost import default_model
from msq_finn.plan.design import PLANNED
from msq_finn.plan.devices import device_of_part
from msq_finn.plan.network import Layer, Network
from msq_finn.plan.optimize import Budget, Solution, maximize, meet
from msq_finn.plan.option import Option
from msq_finn.plan.planfile import (
    Alternative,
    Lanes,
    LayerPlan,
    Memory,
    Plan,
    Resources,
    Rows,
    Shares,
    Totals,
    Window,
)


def plan_file(
    model: Path,
    board: str,
    part: str,
    clk_ns: float,
    target_fps: float | None,
    shares: dict[str, float],
    progress: Progress = silent,
) -> Plan:
    """Plan an exported QONNX model; see :func:`make_plan`."""
    from msq_finn.plan.extract import network_of_file

    network = network_of_file(model, board, progress)
    from finn.util.basic import get_dsp_block

    return make_plan(
        network,
        board,
        part,
        str(get_dsp_block(part)),
        clk_ns=clk_ns,
        target_fps=target_fps,
        shares=shares,
        progress=lambda done, total: progress("Search", done, total),
    )


def make_plan(
    network: Network,
    board: str,
    part: str,
    dsp_block: str,
    *,
    clk_ns: float = 10.0,
    target_fps: float | None = None,
    shares: dict[str, float] | None = None,
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
        progress: called with steps done and their number.

    Returns:
        the plan.

    Raises:
        MsqError: the network does not fit, or not at the target (the best reachable is named).
    """
    shares = shares or shares_of("")
    device = device_of_part(part)
    budget = Budget.of(device, **shares)
    model = default_model(dsp_block)
    best = maximize(network, budget, model, PLANNED, progress)
    if best is None:
        raise MsqError(
            f"{network.name} does not fit {board} within "
            f"{budget.lut:.0f} LUTs, {budget.dsp:.0f} DSPs and {budget.bram:g} block RAMs at any "
            "speed; raise the budget or take a larger board"
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
        cheapest = meet(network, int(1e9 / clk_ns / target_fps), budget, model, PLANNED)
        solution = best if cheapest is None else cheapest
    return _plan(network, solution, best, board, part, clk_ns, shares)


def _plan(
    network: Network,
    solution: Solution,
    best: Solution,
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
            bound_fps=round(1e9 / clk_ns / best.bound, 2),
        ),
        layers=[
            layer_plan(layer, option, _why(option, solution.cycles), others)
            for layer, option, others in zip(
                network.layers, solution.options, solution.others, strict=True
            )
        ],
    )


def _why(option: Option, cycles: int) -> str:
    """What decided a layer's folding, in a few words."""
    if option.cycles == cycles:
        return "bottleneck: any smaller folding is slower"
    return f"fewest resources within {cycles} cycles, beside the other layers' needs"


def layer_plan(
    layer: Layer, option: Option, why: str = "", next_best: list[Option] | None = None
) -> LayerPlan:
    """Write down how a layer is folded."""
    lanes = option.lanes
    # Rows on embedded lanes may be what they like; fixed point loses least.
    sp2 = layer.allowed.only_sp2 if lanes.embedded else lanes.sp2_lut * layer.mh // lanes.pe
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
        lanes=_lanes(option),
        memory=cast(Memory, option.memory),
        rows=Rows(sp2_4=sp2, fixed_4=layer.mh - sp2),
        sp2_ratio=round(sp2 / layer.mh, 4),
        window=window,
        threshold_pe=option.back.pe,
        cycles=option.cycles,
        resources=Resources.of(option.cost),
        why=why,
        next_best=[
            Alternative(
                simd=other.simd,
                lanes=_lanes(other),
                memory=cast(Memory, other.memory),
                cycles=other.cycles,
                resources=Resources.of(other.cost),
            )
            for other in next_best or []
        ],
    )


def shares_of(text: str) -> dict[str, float]:
    """Read a budget such as ``lut=0.8,dsp=1,bram=0.9``.

    Raises:
        MsqError: an unknown resource, or no number above 0 and at most 1.

    >>> shares_of("lut=0.5")
    {'lut': 0.5, 'dsp': 1.0, 'bram': 0.9}
    """
    shares = {"lut": 0.8, "dsp": 1.0, "bram": 0.9}
    for part in text.split(",") if text else ():
        name, _, value = (piece.strip() for piece in part.partition("="))
        if name not in shares:
            raise MsqError(f"budget {part!r}: give lut=, dsp= or bram= and a share, as lut=0.8")
        try:
            shares[name] = float(value)
        except ValueError as error:
            raise MsqError(f"budget {part!r}: {value!r} is no number") from error
        if not 0 < shares[name] <= 1:
            raise MsqError(f"budget {part!r}: give a share above 0 and at most 1")
    return shares


def _lanes(option: Option) -> Lanes:
    lanes = option.lanes
    return Lanes(
        sp2_4_lut=lanes.sp2_lut,
        fixed_4_lut=lanes.fixed_lut,
        fixed_4_dsp=lanes.fixed_dsp,
        embedded_lut=lanes.embedded,
    )
