"""Recurrent layers in the planner: whole units on lanes, and what every step waits for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from msq_finn.errors import MsqError
from msq_finn.lanes import LaneCounts
from msq_finn.lanes.demand import Demand
from msq_finn.models import gru_classifier, lstm_classifier
from msq_finn.plan.cost.cost_model import default_model
from msq_finn.plan.cost.lane_costs import LaneCosts
from msq_finn.plan.frontend.network import Layer, Network, Recurrence
from msq_finn.plan.making import make_plan
from msq_finn.plan.search.foldings import foldings
from msq_finn.training.assign import assign_rows
from msq_finn.training.couple import coupled_layers

DEMAND = Demand({("sp2_4",): 24, ("fixed_4",): 40})
LAYER = Layer(
    "rnn.layers.0.0", 24, 64, 8, 8, True, 15, 0, demand=DEMAND, recurrence=Recurrence(16, 16)
)
BOARD = ("Pynq-Z1", "xc7z020clg400-1", "DSP48E1")


def test_lanes_are_of_whole_units_and_words_of_inputs_or_states():
    pairs = foldings(LAYER)
    assert sorted({pe for _, pe in pairs}) == [4, 8, 16, 32, 64]
    assert sorted({simd for simd, _ in pairs}) == [1, 2, 4, 8]  # of 8 inputs and 16 states


def test_a_step_waits_for_the_one_before():
    # 8 products of 24 x 16 folds; the state comes 5 + 16 cycles behind, less the 8 inputs' words.
    assert LAYER.cycles(1, 4) == 8 * 24 * 16 + 7 * (5 + 16 - 8)
    # Of wider words the lanes are deeper, and there is one of inputs.
    assert LAYER.turns(8, 64).alone == 8 * 3 + 7 * (7 + 16 - 1)


def test_other_sequences_fill_the_time_that_one_waits():
    assert LAYER.turns(1, 4).places == 1  # which is short beside the products
    assert LAYER.turns(8, 64).places > 2
    assert LAYER.cycles(8, 64) == 8 * 3
    all_states = replace(LAYER, recurrence=replace(LAYER.recurrence, all_states=True))
    costs = default_model("DSP48E1")
    lanes = LaneCounts({"fixed_4_lut": 64})
    one, kept = (LaneCosts(costs, layer).compute(8, lanes) for layer in (LAYER, all_states))
    # Results of all steps wait for those of sequences before: 8 steps of 16 states of 8 bits each.
    assert kept.bram + kept.lutram / 64 > one.bram + one.lutram / 64


@pytest.mark.parametrize(("make", "gates"), [(lstm_classifier, 4), (gru_classifier, 3)])
def test_a_plan_takes_units_as_they_are_and_training_follows_it(make, gates):
    head = Layer("fc", 16, 10, 1, 8, True, steps=0, demand=Demand({("fixed_4",): 10}))
    outcome = make_plan(Network("net", (LAYER, head)), *BOARD, target_fps=50_000)
    planned = outcome.plan.layers[0]
    assert all(count % 4 == 0 for count in planned.lanes.values())
    assert dict(planned.rows) == {"sp2_4": 24, "fixed_4": 40}
    model = make(hidden=16)
    rows = assign_rows(model, outcome.plan, coupled=coupled_layers(model))
    assert len(rows) == gates
    assert all(names.count("sp2_4") == 6 for names in rows.values())
    with pytest.raises(MsqError, match=r"rnn\.layers\.0\.0: 128x40 weights, 64x24 in the plan"):
        assign_rows(make(hidden=32), outcome.plan)
