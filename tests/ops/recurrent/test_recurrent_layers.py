"""Recurrent layers in RTL, under stalls, against rationals."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from msq_finn.errors import MsqError
from msq_finn.ops.recurrent.scaling import scale_round
from tests.ops.streaming.nodes import executed, generated, op_of, streamed, through_finn

from .random_layers import Case, Random

pytestmark = pytest.mark.usefixtures("finn")
ULTRASCALE = "xczu3eg-sbva484-1-e"

CASES = {
    "DSP lanes": Case("lstm", 4, 6, 3, 2, {"fixed_4_dsp": 8}),
    "LUT lanes of both schemes": Case("gru", 4, 6, 3, 2, {"sp2_4_lut": 4, "fixed_4_lut": 4}),
    "both engines": Case("lstm", 3, 6, 4, 3, {"sp2_4_lut": 4, "fixed_4_dsp": 8}),
    "a prime number of units": Case("lstm", 3, 7, 2, 1, {"sp2_4_lut": 4}),
    "one unit": Case("gru", 1, 1, 5, 1, {"fixed_4_lut": 4}),
    "one step": Case("gru", 6, 3, 1, 3, {"sp2_4_lut": 12}),
    "all units at once": Case("lstm", 2, 2, 6, 2, {"fixed_4_dsp": 8}),
    "narrow and dyadic, the last state": Case(
        "lstm", 4, 4, 3, 4, {"sp2_4_lut": 8}, "INT4", 6, 5, 5, 6, all_states=False, dyadic=True
    ),
    "dyadic": Case("gru", 4, 4, 3, 4, {"fixed_4_dsp": 8}, dyadic=True, all_states=False),
    "wide words of inputs": Case("gru", 24, 6, 3, 6, {"sp2_4_lut": 4}, "INT6", 7, 6, 7),
}


#: The others are for a slow run.
QUICK = ("LUT lanes of both schemes", "one unit", "narrow and dyadic, the last state")


def cases():
    return [n if n in QUICK else pytest.param(n, marks=pytest.mark.slow) for n in CASES]


@pytest.mark.parametrize("name", cases())
def test_rtl_equals_rationals_under_stalls(name):
    layer = Random.drawn(CASES[name])
    model, sequences = layer.model(), layer.sequences(4)
    expected = layer.expected(sequences)
    assert len(np.unique(expected)) > 3
    for sequence, states in zip(sequences, expected, strict=True):
        np.testing.assert_array_equal(executed(model, sequence)[0], states)
    quick = streamed(model, sequences)
    np.testing.assert_array_equal(quick.outputs[0], expected)
    assert quick.interval() == op_of(model).get_exp_cycles()
    stalled = streamed(model, sequences, stall_in=0.4, stall_out=0.6, seed=2)
    np.testing.assert_array_equal(stalled.outputs[0], expected)


#: Layers of which several sequences are under way.
IN_TURN = {
    "the last states": Case("gru", 4, 4, 5, 4, {"sp2_4_lut": 16}, all_states=False),
    "all states": Case("gru", 6, 6, 8, 3, {"sp2_4_lut": 8, "fixed_4_lut": 4}),
    "all units at once": Case("lstm", 2, 2, 8, 2, {"fixed_4_dsp": 8}, all_states=False),
    "few words": Case("lstm", 4, 6, 4, 2, {"fixed_4_dsp": 8}),
}


@pytest.mark.parametrize(
    "name", [n if n == "few words" else pytest.param(n, marks=pytest.mark.slow) for n in IN_TURN]
)
def test_steps_of_several_sequences_are_taken_in_turn(name):
    layer = Random.drawn(IN_TURN[name])
    model = layer.model()
    op = op_of(model)
    products = layer.case.steps * op.vector_cycles()
    op.take_turns(2 * op.get_exp_cycles())
    assert op.get_nodeattr("Sequences") == 1
    op.take_turns(products)
    assert op.get_nodeattr("Sequences") > 2
    assert op.get_exp_cycles() == products
    sequences = layer.sequences(32)
    expected = layer.expected(sequences)
    quick = streamed(model, sequences)
    np.testing.assert_array_equal(quick.outputs[0], expected)
    # They end a few at a time, as fast as the lanes multiply in the mean.
    ends = quick.frame_ends[0]
    assert (ends[27] - ends[3]) / 24 == pytest.approx(products, rel=0.05)
    for stalls in ((0.4, 0.6), (0.0, 0.95)):
        stalled = streamed(model, sequences, stall_in=stalls[0], stall_out=stalls[1], seed=2)
        np.testing.assert_array_equal(stalled.outputs[0], expected)
    # Nothing waits for sequences that do not come.
    alone = streamed(model, sequences[:1])
    np.testing.assert_array_equal(alone.outputs[0], expected[:1])


def test_finns_rtlsim_runs_a_layer():
    layer = Random.drawn(CASES["one unit"])
    sequence = layer.sequences(1)
    (found,) = through_finn(layer.model(), sequence[0])
    np.testing.assert_array_equal(found, layer.expected(sequence)[0])


SLOW_FAULTS = [pytest.param(n, marks=pytest.mark.slow) for n in ("stateTable", "productFactors")]


@pytest.mark.parametrize("attribute", ["gateOffsets", *SLOW_FAULTS])
def test_a_wrong_constant_shows(attribute):
    layer = Random.drawn(CASES["one unit"])
    wrong = [2 * value + 3 for value in op_of(layer.model()).get_nodeattr(attribute)]
    sequences = layer.sequences(4)
    found = streamed(layer.model(**{attribute: wrong}), sequences).outputs[0]
    assert (found != layer.expected(sequences)).any()


def test_factors_are_counted_as_dsp_slices():
    op = op_of(Random.drawn(CASES["LUT lanes of both schemes"]).model())
    assert op.dsp_estimation("xc7z020clg400-1") == 7 * 2


def test_a_node_that_finn_renames_keeps_its_files():
    """As FINN does with what it puts into a kernel, behind the generation of RTL."""
    model = generated(Random.drawn(CASES["one unit"]).model())
    model.graph.node[0].name = f"StreamingDataflowPartition_1_{model.graph.node[0].name}"
    assert all(Path(file).is_file() for file in op_of(model).get_rtl_file_list(abspath=True))


def test_units_in_another_order_give_the_same_states():
    layer = Random.drawn(CASES["LUT lanes of both schemes"])
    model, sequence = layer.model(), layer.sequences(1)
    order = np.array([4, 1, 0, 5, 2, 3])
    op_of(model).reorder_units(model, order)
    states = executed(model, sequence[0])[0]
    np.testing.assert_array_equal(states, layer.expected(sequence)[0][..., order])
    assert list(op_of(model).get_nodeattr("unitOrder")) == order.tolist()


def test_what_the_lanes_cannot_do_is_refused():
    case = CASES["both engines"]
    layer = Random.drawn(case)
    model = layer.model()
    op_of(model).set_nodeattr("lanePE", [6, 6])
    with pytest.raises(MsqError, match="6 lanes of kind sp2_4_lut: a unit's 4 rows"):
        generated(model)
    model = layer.model()
    op_of(model).set_nodeattr("SIMD", 9)
    with pytest.raises(MsqError, match="SIMD"):
        generated(model)
    with pytest.raises(MsqError, match="Sequences=0 must be at least 1"):
        generated(layer.model(Sequences=0))
    mixed = replace(layer, schemes=["sp2_4", "fixed_4", *layer.schemes[2:]])
    with pytest.raises(MsqError, match=r"unit 0 has rows of fixed_4, sp2_4.*coupled_layers"):
        op_of(mixed.model()).channel_schemes()


@pytest.mark.parametrize("seed", range(3))
def test_scales_and_rounds_as_rationals_do(seed):
    rng = np.random.default_rng(seed)
    for _ in range(40):
        dyadic = rng.random() < 0.4
        ratio = Fraction(2) ** int(rng.integers(-9, 3))
        if not dyadic:
            ratio = Fraction(float(np.float32(rng.uniform(0.001, 3))))
        bias = ratio * int(rng.integers(-300, 300))
        if rng.random() < 0.3 and not dyadic:
            bias = Fraction(float(np.float32(rng.normal() * 20)))
        limits = [(-8, 7), (0, 255), (-127, 127), (-1, 0)][rng.integers(4)]
        reach = int(rng.integers(1, 3000))
        found = scale_round(ratio, bias, limits, (-reach, reach))
        values = np.arange(-reach, reach + 1)
        expected = [min(max(round(ratio * int(v) + bias), limits[0]), limits[1]) for v in values]
        np.testing.assert_array_equal(found.levels(values[:, None])[:, 0], expected)


def test_halves_that_no_factor_meets_are_refused():
    with pytest.raises(MsqError, match=r"no factor and shift .* halves are no multiples"):
        scale_round(Fraction(1, 6), Fraction(0), (-127, 127), (-1000, 1000))
