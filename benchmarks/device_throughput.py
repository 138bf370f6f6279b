"""Best frames per second of well-known networks on two Zynqs and larger FPGAs, by kind of design.

Every design is folded by the same search, with the same cost model (fitted to Yosys runs) and the
same budgets: 80 % of the LUTs, all DSPs, 90 % of the block RAMs, at 100 MHz. Nothing is placed and
routed. Designs:

* ``dsp_only``: FINN's DSP layers (its mvu and its packing).
* ``finn_best``: every layer has FINN's DSP lanes, or the LUT lanes that FINN is about to get
  (Xilinx/finn, pull requests 1560 and 1648), in whole layers of the same unit.
* ``dsp_plus_fixed_lut``: every layer is FINN's DSP layer, or one of our Fixed(4) LUT lanes.
* ``msq``: our lanes, with ratio, kinds of lanes (embedded weights included) and styles of memory
  free in every layer.
* ``msq_1_0``: fixed-point rows on our DSP lanes only.
* ``msq_1_1``, ``msq_1_1.5``, ``msq_1_2``: the paper's fixed:SP2 ratios in every layer but the
  last, whose row order is given: SP2 rows on LUT lanes, fixed-point rows on DSP lanes.

Depthwise layers are ours in every design, on LUT or DSP lanes: FINN has none in RTL here.

Each design comes with what stops a faster one, and with the share of every budget that the next
faster folding needs, were that budget alone without limit. Where ``msq`` misses the goal over
``dsp_only``, the same is said of the folding that would meet it.

    python benchmarks/device_throughput.py [--json] [--network NAME]... [--device NAME]...
"""

from __future__ import annotations

import json
import math
from dataclasses import replace
from itertools import product
from typing import ClassVar

import click
from finn.util.basic import get_dsp_block
from rich.console import Console
from rich.table import Table

from msq_finn import lanes, schemes
from msq_finn.devices import DEVICES
from msq_finn.lanes.kind import FINN, Features, LaneKind, Shape
from msq_finn.plan.cost.cost_model import CostModel, default_model
from msq_finn.plan.frontend import zoo
from msq_finn.plan.search.budget import Budget
from msq_finn.plan.search.candidates import Catalogue
from msq_finn.plan.search.design import DESIGNS as PLANNERS
from msq_finn.plan.search.design import Design
from msq_finn.plan.search.optimize import maximize, what_limits

CLK_NS = 10.0
PAPER = {
    "xc7z020": ("msq_1_0", "msq_1_1", "msq_1_1.5"),
    "xc7z045": ("msq_1_0", "msq_1_1", "msq_1_2"),
}
#: Networks that the Zynqs are to hold.
SMALL = [name for name in zoo.NETWORKS if name not in ("resnet50", "mobilenet_v2")]

#: Pairs that only UltraScale+ could hold, for the designs that do not depend on the device.
LARGE = [(n, d) for n in ("resnet18", "resnet50", "mobilenet_v2") for d in ("xczu7ev", "xcu250")]

FREE = ("dsp_only", "finn_best", "dsp_plus_fixed_lut", "msq")


class FinnCompressor(LaneKind):
    """A lane of FINN's coming dot products in LUTs, at what its generator counts.

    For 4-bit weights and activations, a 16-bit accumulator and 7-series that is 11 LUT sites and 19
    a product; other activations are taken to cost by their bits. Flip-flops are not counted.
    """

    engine: ClassVar[str] = "lut"
    rtl_engine: ClassVar[int] = 0

    def features(self, count: int, shape: Shape) -> Features:
        """LUT sites."""
        return {"compressor sites": count * (11 + 19.0 * shape.simd * shape.act_bits / 4)}


lanes.register(FinnCompressor("finn_compressor", "FINN LUT", schemes.get("fixed_4"), (FINN,)))
DESIGNS = PLANNERS | {"finn_best": Design("finn_best", (), finn=("finn_dsp", "finn_compressor"))}


def costs(device: str) -> CostModel:
    """The device's cost model, which takes those sites as they are."""
    model = default_model(get_dsp_block(device))
    counted = {
        name: {**groups, "finn_mvu": {**groups["finn_mvu"], "compressor sites": one}}
        for name, groups, one in (
            ("coefficients", model.coefficients, 1.0),
            ("lutram", model.lutram, 0.0),
            ("ff", model.ff, 0.0),
        )
    }
    return replace(model, **counted)


#: Frames per second of ``msq`` over ``dsp_only`` to reach: the most that the paper reports.
GOAL = 4.1

#: Pairs that the headline figure is taken over.
HEADLINE = [
    (network, device)
    for network in ("resnet8", "resnet20", "vgg10_radioml", "kws_mlp")
    for device in PAPER
] + [("cnv", "xc7z045")]


def measure(network: str, device: str, design: str) -> dict[str, object]:
    shape = zoo.NETWORKS[network]()
    found = maximize(shape, Budget.of(DEVICES[device]), costs(device), DESIGNS[design])
    row: dict[str, object] = {
        "network": network,
        "device": device.upper(),
        "design": design,
        "fits": found is not None,
    }
    if found is None:
        figures = ("fps", "gops", "lut", "dsp", "bram36", "gap", "limited_by", "next_needs")
        return row | dict.fromkeys(figures)
    fps = 1e9 / CLK_NS / found.cycles
    return row | {
        "fps": fps,
        "gops": 2 * shape.macs * fps / 1e9,
        "lut": round(found.cost.lut),
        "dsp": found.cost.dsp,
        "bram36": found.cost.bram,
        "gap": found.gap,
        "limited_by": found.limited_by,
        "next_needs": {name: round(share, 3) for name, share in found.shortfall.items()},
    }


def missed(network: str, device: str, gain: float, msq_fps: float) -> str:
    """What stops ``msq`` from the goal, where it misses it."""
    cycles = int(1e9 / CLK_NS * gain / (msq_fps * GOAL))
    shape, budget = zoo.NETWORKS[network](), Budget.of(DEVICES[device])
    resource, needs = what_limits(Catalogue(shape, DESIGNS["msq"], costs(device)), cycles, budget)
    if not needs:
        why = "no folding is so fast" if resource == "folding" else "several budgets are too small"
        return f"{GOAL} x needs {cycles} cycles a frame: {why}"
    each = " or ".join(f"{100 * share:.0f} % of the {name} budget" for name, share in needs.items())
    return f"{GOAL} x needs {cycles} cycles a frame, for which it takes {each}"


def speedups(rows: list[dict[str, object]], over: str) -> dict[tuple[str, str], float]:
    """Frames per second of ``msq`` over another design, per pair of the headline."""
    fps = {(r["network"], str(r["device"]).lower(), r["design"]): r["fps"] for r in rows}
    found = {}
    for network, device in HEADLINE:
        ours, theirs = (fps.get((network, device, d)) for d in ("msq", over))
        if isinstance(ours, float) and isinstance(theirs, float):
            found[network, device] = ours / theirs
    return found


def _cell(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {100 * share:.0f} %" for name, share in value.items())
    if isinstance(value, float):
        return f"{value:.2f}"
    return "" if value is None else str(value)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--network", "networks", multiple=True, type=click.Choice(list(zoo.NETWORKS)))
@click.option("--device", "devices", multiple=True, type=click.Choice(list(DEVICES)))
def main(as_json: bool, networks: tuple[str, ...], devices: tuple[str, ...]) -> None:
    """Print the table, or its rows as JSON."""
    pairs = [*product(SMALL, PAPER), *LARGE]
    rows = [
        measure(network, device, design)
        for network, device in pairs
        if network in (networks or zoo.NETWORKS) and device in (devices or DEVICES)
        for design in (*FREE, *PAPER.get(device, ()))
    ]
    if as_json:
        print(json.dumps(rows, indent=2))
        return
    table = Table(*rows[0])
    for row in rows:
        table.add_row(*map(_cell, row.values()))
    console = Console(width=140)
    console.print(table)
    gains = speedups(rows, "dsp_only")
    for (network, device), gain in gains.items():
        row = next(
            r for r in rows
            if (r["network"], r["device"], r["design"]) == (network, device.upper(), "msq")
        )  # fmt: skip
        text = (
            f"msq over dsp_only, {network} on {device}: {gain:.2f} x (limit: {row['limited_by']})"
        )
        if gain < GOAL:
            assert isinstance(row["fps"], float)
            text += f"; {missed(network, device, gain, row['fps'])}"
        console.print(text)
    if gains:
        for over in FREE[:-1]:
            ratios = list(speedups(rows, over).values())
            mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
            console.print(
                f"msq over {over}, {len(ratios)} pairs: geometric mean {mean:.2f} x, "
                f"{min(ratios):.2f} to {max(ratios):.2f}"
            )


if __name__ == "__main__":
    main()
