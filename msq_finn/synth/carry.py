"""Carry chains of UltraScale+: two CARRY4 in a row become the CARRY8 that they are placed in.

Yosys maps additions to CARRY4 on every family, and UltraScale+ has none. As the vendor's tools do,
two that follow each other become one CARRY8, and one that is left over the lower half of one.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

_HALF = 4
_OUTPUTS = ("O", "CO")


def merge_carries(module: dict[str, Any]) -> None:
    """Replace every CARRY4 of a flat module by its share of a CARRY8.

    Args:
        module: entry of a module in the JSON of Yosys' ``write_json``, which is changed.
    """
    cells = module["cells"]
    carries = {
        name: cell["connections"] for name, cell in cells.items() if cell["type"] == "CARRY4"
    }
    leaving = {pins["CO"][-1] for pins in carries.values() if "CO" in pins}
    following: dict[Any, str] = {}
    heads = []
    for name, pins in carries.items():
        below = pins["CI"][0]
        if below in leaving and below not in following:
            following[below] = name
        else:
            heads.append(name)
    fresh = count(1 + _highest_net(module))
    for head in heads:
        chain = list(_chain(head, carries, following))
        for lower, upper in zip(chain[::2], [*chain[1::2], None], strict=False):
            first = carries[lower]
            enters = first["CI"] if first["CI"] != ["0"] else first["CYINIT"]
            halves = [first, carries[upper] if upper else {}]
            pins = {"CI": enters, "CI_TOP": ["0"]}
            for port in ("DI", "S"):
                pins[port] = [bit for half in halves for bit in half.get(port, ["0"] * _HALF)]
            for port in _OUTPUTS:
                pins[port] = [b for h in halves for b in h.get(port) or _take(fresh)]
            cells[lower] = {
                "hide_name": 1,
                "type": "CARRY8",
                "parameters": {"CARRY_TYPE": "SINGLE_CY8"},
                "attributes": {},
                "port_directions": {p: "output" if p in _OUTPUTS else "input" for p in pins},
                "connections": pins,
            }
            if upper:
                del cells[upper]


def _chain(
    head: str, carries: dict[str, dict[str, Any]], following: dict[Any, str]
) -> Iterator[str]:
    """Names of a chain's cells, from the bottom."""
    name: str | None = head
    while name is not None:
        yield name
        top = carries[name].get("CO")
        name = following.get(top[-1]) if top else None


def _take(fresh: Iterator[int]) -> list[int]:
    return [next(fresh) for _ in range(_HALF)]


def _highest_net(module: dict[str, Any]) -> int:
    wired = [cell["connections"].values() for cell in module["cells"].values()]
    wired.append([port["bits"] for port in module["ports"].values()])
    return max(
        (b for pins in wired for bits in pins for b in bits if isinstance(b, int)), default=1
    )
