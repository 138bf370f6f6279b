"""How long a plan takes, in one process, and how far it may be from the fastest.

The figures are those of `msq-finn plan`'s search with its default budgets. There is no peer to
compare with: FINN's folding takes the first that meets a target, for one kind of lanes.

    python benchmarks/planning_time.py [--json]
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import click
from finn.util.basic import get_dsp_block
from rich.console import Console
from rich.table import Table

from msq_finn.devices import DEVICES
from msq_finn.plan.cost.cost_model import default_model
from msq_finn.plan.frontend import zoo
from msq_finn.plan.frontend.network import Network
from msq_finn.plan.search.budget import Budget
from msq_finn.plan.search.optimize import maximize

PAIRS: list[tuple[Callable[[], Network], str]] = [
    (zoo.resnet50, "xcu250"),
    (zoo.resnet18, "xcu250"),
]


def measure(network: Network, device: str) -> dict[str, object]:
    model = default_model(get_dsp_block(device))
    start = time.perf_counter()
    found = maximize(network, Budget.of(DEVICES[device]), model)
    seconds = time.perf_counter() - start
    row: dict[str, object] = {"network": network.name, "device": device.upper()}
    if found is None:
        return row | {"seconds": round(seconds, 1), "fits": False}
    return row | {
        "seconds": round(seconds, 1),
        "fits": True,
        "cycles": found.cycles,
        "bound": found.bound,
        "gap": round(found.gap, 4),
        "limited_by": found.limited_by,
    }


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
def main(as_json: bool) -> None:
    rows = [measure(network(), device) for network, device in PAIRS]
    if as_json:
        print(json.dumps(rows, indent=2))
        return
    table = Table(*rows[0])
    for row in rows:
        table.add_row(*(str(row.get(column, "")) for column in rows[0]))
    Console().print(table)


if __name__ == "__main__":
    main()
