"""What a recurrent layer gains by steps of several sequences in turn, at its fastest plan.

An LSTM and a GRU of 64 units on 8 steps of 8 inputs, half of the units' rows SP2 and half fixed
point, with a classifier behind, planned for a Pynq-Z1 and a ZCU104: cycles from one sequence to the
next if each has the lanes for itself, and in turn. All from the cost model and the formulas that
builds use.
"""

from __future__ import annotations

import argparse
import json

from msq_finn.lanes.demand import Demand
from msq_finn.ops.recurrent.gated_cells import GRU, LSTM, GatedCell
from msq_finn.plan.frontend.network import Layer, Network, Recurrence
from msq_finn.plan.making import make_plan

BOARDS = (
    ("Pynq-Z1", "xc7z020clg400-1", "DSP48E1"),
    ("ZCU104", "xczu7ev-ffvc1156-2-e", "DSP48E2"),
)


def network(cell: GatedCell, hidden: int, inputs: int, steps: int) -> Network:
    """A layer whose last state is classified."""
    rows = Demand({("sp2_4",): 2 * hidden, ("fixed_4",): 2 * hidden})
    signed = {"act_bits": 8, "act_signed": True, "steps": 0}
    layer = Layer(
        "rnn",
        inputs + hidden,
        4 * hidden,
        steps,
        demand=rows,
        recurrence=Recurrence(hidden, cell.cycles),
        **signed,
    )
    head = Layer("fc", hidden, 10, 1, demand=Demand({("fixed_4",): 10}), **signed)
    return Network(cell.op, (layer, head))


def main() -> None:
    """Print a line of JSON a layer and board."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hidden", type=int, default=64)
    parser.add_argument("--inputs", type=int, default=8)
    parser.add_argument("--steps", type=int, default=8)
    options = parser.parse_args()
    for cell in (LSTM, GRU):
        net = network(cell, options.hidden, options.inputs, options.steps)
        for board in BOARDS:
            planned = make_plan(net, *board).plan.layers[0]
            turns = net.layers[0].turns(planned.simd, planned.lanes.pe)
            row = {
                "layer": cell.op,
                "board": board[0],
                "lanes": planned.lanes.pe,
                "simd": planned.simd,
                "cycles_alone": turns.alone,
                "cycles_in_turn": turns.cycles(turns.places),
                "sequences": turns.places,
            }
            print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
