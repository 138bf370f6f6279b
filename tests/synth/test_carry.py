"""Carry chains of UltraScale+ netlists: CARRY8 only, wired as the CARRY4 were, counted by hand."""

from __future__ import annotations

import random
import re
from collections import Counter

import pytest

from msq_finn.synth.carry import merge_carries
from msq_finn.synth.netlist import Netlist
from msq_finn.synth.sites import count_sites
from msq_finn.synth.yosys import run


def carry4(nets, below, enters="0", outputs=("O", "CO")):
    pins = {"CI": [below], "CYINIT": [enters]}
    pins |= {port: [next(nets) for _ in range(4)] for port in ("DI", "S", *outputs)}
    directions = {p: "output" if p in ("O", "CO") else "input" for p in pins}
    return {"type": "CARRY4", "connections": pins, "port_directions": directions}


def chains(*lengths):
    """Chains of so many CARRY4, each entered by a net, and what they compute from."""
    nets = iter(range(2, 10_000))
    cells, entered = {}, []
    for chain, length in enumerate(lengths):
        below, enters = "0", next(nets)
        entered.append(enters)
        for k in range(length):
            cell = carry4(nets, below, enters)
            cells[f"c{chain}_{k}"] = cell
            below, enters = cell["connections"]["CO"][-1], "0"
    driven = [(n, p, cells[n]["connections"][p]) for n in cells for p in ("O", "CO")]
    ports = {f"{n}_{p}": {"direction": "output", "bits": bits} for n, p, bits in driven}
    return {"cells": cells, "ports": ports}, entered


def evaluate(cells, known):
    """Values of all nets, from those of the inputs; cells of either kind."""
    values = {"0": 0, "1": 1, "x": 0} | known
    waiting = list(cells.values())
    while waiting:
        for cell in list(waiting):
            pins = cell["connections"]
            enters = [*pins["CI"], *pins.get("CYINIT", [])]
            if any(net not in values for net in enters):
                continue
            carry = max(values[net] for net in enters)
            for select, data, total, out in zip(
                pins["S"], pins["DI"], pins["O"], pins["CO"], strict=True
            ):
                values[total] = values[select] ^ carry
                carry = carry if values[select] else values[data]
                values[out] = carry
            waiting.remove(cell)
    return values


@pytest.mark.parametrize("lengths", [(1,), (2,), (3,), (1, 4, 5)])
def test_what_the_chains_compute_stays(lengths):
    draw = random.Random(1)
    before, entered = chains(*lengths)
    after, _ = chains(*lengths)
    merge_carries(after)
    kinds = Counter(cell["type"] for cell in after["cells"].values())
    assert kinds == {"CARRY8": sum((length + 1) // 2 for length in lengths)}
    driven = [b for port in before["ports"].values() for b in port["bits"]]
    for _ in range(200):
        pins = [
            b for c in before["cells"].values() for p in ("S", "DI") for b in c["connections"][p]
        ]
        known = {net: draw.getrandbits(1) for net in (*pins, *entered)}
        first, second = evaluate(before["cells"], known), evaluate(after["cells"], known)
        assert [first[net] for net in driven] == [second[net] for net in driven]


def test_a_carry_that_enters_two_chains_enters_one_by_the_chain():
    module, _ = chains(1)
    nets = iter(range(100, 200))
    top = module["cells"]["c0_0"]["connections"]["CO"][-1]
    module["cells"] |= {"a": carry4(nets, top), "b": carry4(nets, top, outputs=("O",))}
    merge_carries(module)
    cells = module["cells"]
    assert {cell["type"] for cell in cells.values()} == {"CARRY8"} and len(cells) == 2
    # The other one gets it over a net, and its outputs that nobody named are nets of their own.
    assert cells["b"]["connections"]["CI"] == [top]
    outputs = [b for c in cells.values() for p in ("O", "CO") for b in c["connections"][p]]
    assert len(outputs) == len(set(outputs)) == 32


def test_an_ultrascale_netlist_is_counted_as_it_is_placed(tmp_path):
    """27 + 20 bits of sums: a site a bit, eight bits a CARRY8."""
    source = tmp_path / "sums.sv"
    source.write_text("""
    module sums (input logic [26:0] a, b, input logic [19:0] c, d, output logic [26:0] s,
                 output logic [19:0] t);
      assign s = a + b;
      assign t = c - d;
    endmodule""")
    for part, kind, count in (("xc7", "CARRY4", 7 + 5), ("xcup", "CARRY8", 4 + 3)):
        found = run("sums", [source], part=part)
        cells = Counter(re.findall(r"^  (CARRY\d) ", found.netlist.text, re.MULTILINE))
        assert cells == {kind: count}
        assert (found.resources.lut_sites, found.resources.carry_bits) == (47, 47)


def test_merging_changes_no_count():
    for lengths in [(1,), (3, 2), (4, 1, 1)]:
        before, _ = chains(*lengths)
        after, _ = chains(*lengths)
        merge_carries(after)
        assert count_sites(Netlist(before)) == count_sites(Netlist(after))
