"""Sources are clean in Verilator, and illegal parameters are named at elaboration."""

from __future__ import annotations

from pathlib import Path

import pytest

import msq_finn.rtl
from msq_finn.lanes import LaneCounts, sources
from msq_finn.lanes.hardware import lanes_parameter, literal
from tests import verilator

OWN = sorted((Path(msq_finn.rtl.__file__).parent / "recurrent").glob("*.sv"))
#: Of the lanes, some parameters and signals are for some of their kinds only.
LAX = ["-Wno-UNUSEDSIGNAL", "-Wno-UNUSEDPARAM"]


def layer(lanes, **more):
    return "recurrent_layer", {"Lanes": literal(lanes_parameter(LaneCounts(lanes)))} | more


VARIANTS = [
    ("scale_round", {}),
    ("scale_round", {"InBits": 20, "FactorBits": 15, "OffsetBits": 40, "Shift": 22}),
    ("clipped_sum", {}),
    ("table_rom", {}),
    ("scaled_product", {"LhsBits": 9, "RhsBits": 5}),
    ("state_store", {}),
    ("state_store", {"Elements": 12, "WriteWord": 2, "ReadWord": 3}),
    ("state_store", {"Elements": 6, "WriteWord": 6, "ReadWord": 1}),
    ("step_feed", {}),
    ("step_feed", {"Steps": 5, "InputWords": 3, "StateWords": 4}),
    ("step_feed", {"Steps": 1}),
    ("turn_feed", {}),
    ("turn_feed", {"Steps": 1, "KeepsResults": 1}),
    ("turn_feed", {"Steps": 5, "InputWords": 3, "StateWords": 4, "Places": 3, "Products": 14}),
    ("turn_tags", {}),
    ("turn_tags", {"Width": 3, "Depth": 6, "Words": 5}),
    ("turn_feed", {"Steps": 5, "Places": 3, "PaddingFirst": 1}),
    ("step_window", {}),
    ("step_window", {"Steps": 8}),
    ("step_window", {"Steps": 5, "PaddingFirst": 1}),
    ("frame_length", {"Bits": 3}),
    ("length_register", {"Steps": 7}),
    ("last_state", {}),
    ("last_state", {"Words": 3, "Places": 2}),
    ("step_schedule", {}),
    ("step_schedule", {"Steps": 5, "Words": 4, "PaddingFirst": 1}),
    ("step_schedule", {"Steps": 5, "Words": 4, "Shorter": 1}),
    ("step_schedule", {"Steps": 3, "InputWords": 2, "Words": 4, "Places": 3, "KeepsResults": 1}),
    ("result_store", {}),
    ("result_store", {"Places": 3, "Steps": 5, "Words": 4}),
    ("result_store", {"Steps": 1}),
    ("state_store", {"Elements": 12, "WriteWord": 2, "ReadWord": 3, "Places": 3}),
    ("gate_levels", {}),
    ("gate_levels", {"Folds": 3}),
    ("lstm_units", {}),
    ("lstm_units", {"Units": 2, "CellBits": 6, "TanhBits": 5, "Places": 3}),
    ("gru_units", {}),
    ("gru_units", {"Units": 3, "LevelBits": 6, "Places": 2}),
    layer({"fixed_4_lut": 4}),
    layer({"sp2_4_lut": 8}, Gru=1, Steps=3, States=8, AllStates=0),
    layer({"fixed_4_lut": 4}, Steps=3, Places=3),
    layer({"sp2_4_lut": 8}, Gru=1, Steps=3, States=8, AllStates=0, Places=2),
    layer({"fixed_4_lut": 4}, Steps=3, AllStates=0, Shorter=1),
    layer({"fixed_4_lut": 4}, Steps=3, AllStates=0, Shorter=1, Places=2),
    layer({"fixed_4_lut": 4}, Steps=3, Shorter=1, PaddingFirst=1, Places=3),
]

ILLEGAL = [
    ("scale_round", {"Shift": 0}, "Shift = 0"),
    ("state_store", {"Elements": 5, "WriteWord": 2}, "5 elements in words of 2 and 1"),
    (*layer({"fixed_4_lut": 6}), "6 lanes: must be four a unit"),
    (*layer({"fixed_4_lut": 4}, SIMD=3), "SIMD = 3: must divide 4 inputs and 4 states"),
]


def lint(top, parameters):
    if top == "recurrent_layer":
        return verilator.lint(top, parameters, [*LAX, *sources(), *OWN])
    delay = [path for path in sources() if path.stem == "delay_line"]
    own = [path for path in OWN if path.stem != "recurrent_layer"]
    return verilator.lint(top, parameters, [*delay, *own])


@pytest.mark.parametrize(("top", "parameters"), VARIANTS)
def test_verilator_has_no_warning(top, parameters):
    assert lint(top, parameters) == ""


@pytest.mark.parametrize(("top", "parameters", "text"), ILLEGAL)
def test_what_cannot_be_is_named(top, parameters, text):
    assert text in lint(top, parameters)
