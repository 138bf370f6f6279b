"""Paths of small netlists, added up by hand."""

from __future__ import annotations

import pytest

from msq_finn.errors import MsqError
from msq_finn.synth.timing import (
    CARRY_BIT_PS,
    CARRY_ENTER_PS,
    CARRY_LEAVE_PS,
    CLOCK_TO_OUT_PS,
    LUT_PS,
    NET_PS,
    SETUP_PORT_PS,
    SETUP_PS,
    longest_path_ps,
)
from tests.synth.builder import Builder

CLOCK_TO_Q_PS = CLOCK_TO_OUT_PS["FD"]


def test_register_two_luts_register():
    b = Builder()
    clock, data = b.inputs(2)
    first = b.flip_flop(data, clock)
    out = b.flip_flop(b.lut(b.lut(first, data), data), clock)
    expected = CLOCK_TO_Q_PS + 2 * (NET_PS + LUT_PS) + SETUP_PS
    assert longest_path_ps(b.build([out])) == expected
    assert longest_path_ps(b.build([out]), "xcup") == round(expected / 2)


def test_adder_enters_the_chain_at_the_bottom_and_leaves_on_top():
    b = Builder()
    clock, *data = b.inputs(9)
    a = [b.flip_flop(d, clock) for d in data]
    select = [b.lut(x, y) for x, y in zip(a[:4], a[4:], strict=True)]
    _, carry = b.carry4(select, ["0"] * 4)
    top, _ = b.carry4(["0"] * 4, ["0"] * 4, carry[3])
    out = b.flip_flop(top[0], clock)
    into = CLOCK_TO_Q_PS + NET_PS + LUT_PS + CARRY_ENTER_PS
    assert longest_path_ps(b.build([out])) == into + 3 * CARRY_BIT_PS + CARRY_LEAVE_PS + SETUP_PS


def test_ripple_through_lut6_2_is_seen_unless_it_only_feeds_the_sixth_input():
    def chain(pin: str) -> int:
        b = Builder()
        (net,) = b.inputs(1)
        for _ in range(4):
            out = b.net()
            pins = dict.fromkeys(("I0", "I1", "I2", "I3", "I4", "I5"), "0") | {pin: net}
            b.cell("LUT6_2", O5=out, **pins)
            net = out
        return longest_path_ps(b.build([net]))

    assert chain("I3") == 4 * (NET_PS + LUT_PS)
    assert chain("I5") == 0


def test_multiplier_input_without_a_register_costs_a_stage():
    def path(registers: int) -> int:
        b = Builder()
        clock, data = b.inputs(2)
        start, product = b.flip_flop(data, clock), b.net()
        b.cell("DSP48E1", {"AREG": registers, "PREG": 1}, CLK=clock, A=[start], P=[product])
        return longest_path_ps(b.build([product]))

    assert path(0) > path(1) > CLOCK_TO_Q_PS + NET_PS


def test_shift_register_of_fixed_length_ends_in_a_flip_flop():
    def path(tap: int | str) -> int:
        b = Builder()
        clock, data = b.inputs(2)
        out = b.net()
        address = {"A0": "1", "A1": tap, "A2": "0", "A3": "0"}
        b.cell("SRL16E", CLK=clock, CE="1", D=data, Q=out, **address)
        return longest_path_ps(b.build([out]))

    # What leads to the first stage is longer than what leaves the last one.
    assert path("1") == NET_PS + SETUP_PORT_PS
    variable = Builder().inputs(1)[0]
    assert path(variable) == CLOCK_TO_OUT_PS["SRL"]


def test_combinational_loop_is_refused():
    b = Builder()
    (p,) = b.inputs(1)
    loop = b.net()
    out = b.lut(p, loop)
    b.cell("LUT1", I0=out, O=loop)
    with pytest.raises(MsqError, match="combinational loop"):
        longest_path_ps(b.build([out]))
