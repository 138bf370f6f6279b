"""Sources are clean in Verilator and Yosys, and illegal parameters are named at elaboration."""

from __future__ import annotations

from pathlib import Path

import pytest

import msq_finn.rtl
from tests import verilator, yosys

SOURCES = sorted((Path(msq_finn.rtl.__file__).parent / "streaming").glob("*.sv"))

VARIANTS = [
    ("stream_pool", {}),
    ("stream_pool", {"Elements": 3, "Window": 1, "Sum": 1, "Signed": 1, "Shift": 1}),
    ("stream_pool", {"Elements": 3, "Window": 9, "Sum": 1, "OutBits": 8}),
    ("stream_pool_whole", {}),
    ("stream_pool_whole", {"Windows": 2, "Pixels": 1, "Channels": 3}),
    ("stream_pool_whole", {"Pixels": 9, "Sum": 1, "Signed": 1, "Shift": 1, "OutBits": 7}),
    ("stream_global_sum", {}),
    ("stream_global_sum", {"Elements": 2, "Folds": 3, "Signed": 1, "Pixels": 1}),
    ("stream_duplicate", {}),
    ("stream_duplicate", {"Outputs": 3, "Width": 5}),
    ("stream_concat", {}),
    (
        "stream_concat",
        {
            "Inputs": 3,
            "Elements": 2,
            "OutBits": 5,
            "InBits": "96'h00000002_00000004_00000003",
            "InSigned": "3'b101",
            "Folds": "96'h00000001_00000007_00000002",
            "InWidth": 18,
        },
    ),
    ("stream_split", {}),
    ("stream_split", {"Outputs": 3, "Folds": "96'h00000001_00000007_00000002"}),
    ("stream_upsample", {}),
    ("stream_upsample", {"Pixels": 1, "RepeatPixels": 1, "RepeatRows": 3}),
    ("stream_upsample", {"Pixels": 5, "Folds": 3, "RepeatPixels": 3, "RepeatRows": 1}),
    ("stream_reverse", {}),
    ("stream_reverse", {"Steps": 1}),
    ("stream_reverse", {"Steps": 5, "Folds": 3, "Width": 6}),
    ("stream_pixel_padding", {}),
    ("stream_pixel_padding", {"Rows": 1, "Pixels": 1, "Folds": 3, "StrideRows": 1}),
    ("stream_window", {}),
    ("stream_window", {"Folds": 3, "Depthwise": 1, "StrideRows": 2, "RamStyle": '"block"'}),
    ("stream_window", {"Rows": 1, "KernelRows": 1, "PadLeft": 2, "PadRight": 1, "Depth": 21}),
    ("stream_window", {"KernelRows": 1, "KernelPixels": 1, "StridePixels": 5, "Depth": 2}),
    ("stream_add", {}),
    ("stream_add", {"Elements": 2, "LhsSigned": 1, "RhsBits": 9, "OutBits": 11}),
    ("stream_narrow", {}),
    ("stream_narrow", {"In": 7, "Out": 3, "Length": 20}),
    ("stream_narrow", {"In": 4, "Out": 3, "Length": 5}),
    ("stream_narrow", {"In": 12, "Out": 4, "Length": 24, "Unit": 4}),
    ("stream_narrow", {"In": 1, "Out": 1, "Length": 1}),
    ("stream_widen", {}),
    ("stream_widen", {"In": 3, "Out": 7, "Length": 20}),
    ("stream_widen", {"In": 3, "Out": 4, "Length": 5}),
    ("stream_widen", {"In": 4, "Out": 6, "Length": 13, "Unit": 2}),
    ("stream_widen", {"In": 5, "Out": 9, "Length": 3}),
    ("stream_thresholds", {}),
    ("stream_thresholds", {"Elements": 2, "Folds": 3, "Steps": 14, "Bias": -7, "OutBits": 4}),
    ("stream_thresholds", {"Signed": 0, "Steps": 1, "OutBits": 1, "ThresholdBits": 9}),
    ("stream_top_k", {}),
    ("stream_top_k", {"Labels": 12, "PE": 3, "K": 5, "Signed": 0, "InBits": 1}),
    ("stream_top_k", {"Labels": 4, "PE": 4, "K": 4}),
]


def lint(top, parameters):
    return verilator.lint(top, parameters, SOURCES)


@pytest.mark.parametrize(("top", "parameters"), VARIANTS)
def test_verilator_has_no_warning(top, parameters):
    assert lint(top, parameters) == ""


@pytest.mark.parametrize(
    ("top", "parameters", "message"),
    [
        ("stream_pool", {"Window": 0}, "Elements = 1 and Window = 0: must be at least 1"),
        ("stream_pool", {"Shift": 1}, "Sum = 0: Shift = 1 must be 0"),
        ("stream_pool", {"OutBits": 5}, "OutBits = 5 be InBits = 4"),
        (
            "stream_pool_whole",
            {"Windows": 0},
            "Windows = 0, Pixels = 4 and Channels = 1: must be at least 1",
        ),
        ("stream_pool_whole", {"Shift": 1}, "Sum = 0: Shift = 1 must be 0"),
        ("stream_global_sum", {"Folds": 0}, "Pixels = 16 and Folds = 0: must be at least 1"),
        ("stream_global_sum", {"OutBits": 3}, "OutBits = 3: must be at least InBits = 4"),
        ("stream_concat", {"Elements": 0}, "Inputs = 2, Elements = 0: both must be at least 1"),
        ("stream_concat", {"InWidth": 9}, "InWidth = 9: all inputs have 8 bits"),
        ("stream_concat", {"OutBits": 3}, "input 0: 4 bits of OutBits = 3, 1 folds"),
        ("stream_duplicate", {"Outputs": 0}, "Outputs = 0: must be at least 1"),
        ("stream_split", {"Folds": "64'h00000000_00000001"}, "output 1: 0 folds"),
        ("stream_upsample", {"Folds": 0}, "Pixels = 4 and Folds = 0: must be at least 1"),
        ("stream_upsample", {"RepeatRows": 0}, "RepeatRows = 0: must be at least 1"),
        ("stream_reverse", {"Steps": 0}, "Steps = 0 and Folds = 1: must be at least 1"),
        ("stream_pixel_padding", {"Rows": 0}, "Rows = 0, Pixels = 4 and Folds = 1: must be"),
        ("stream_pixel_padding", {"StridePixels": 0}, "StridePixels = 0: must be at least 1"),
        ("stream_window", {"Folds": 0}, "Rows = 4, Pixels = 4 and Folds = 0: must be at least 1"),
        (
            "stream_window",
            {"KernelRows": 5},
            "KernelRows = 5 and KernelPixels = 3: must be at least",
        ),
        ("stream_window", {"PadTop": 3}, "pads of 3, 0, 0 and 0: must be smaller than the window"),
        ("stream_window", {"PadTop": 2, "Depth": 8}, "Depth = 8: must be more than the 8 words of"),
        ("stream_add", {"Elements": 0}, "Elements = 0: must be at least 1"),
        ("stream_narrow", {"Length": 0}, "Bits = 4, Out = 2 and Length = 0: must be at least 1"),
        ("stream_narrow", {"Out": 5}, "In = 4: must be at least Out = 5"),
        ("stream_narrow", {"Unit": 4}, "Unit = 4: must divide In = 4 and Out = 2"),
        ("stream_widen", {"Bits": 0}, "Bits = 0, In = 2 and Length = 4: must be at least 1"),
        ("stream_widen", {"Out": 2}, "In = 2: must be less than Out = 2"),
        ("stream_widen", {"Unit": 3}, "Unit = 3: must divide In = 2 and Out = 4"),
        ("stream_thresholds", {"Steps": 0}, "Elements = 1, Folds = 1 and Steps = 0: must be at"),
        ("stream_thresholds", {"ThresholdBits": 10}, "ThresholdBits = 10: must be 1 to InBits + 1"),
        ("stream_top_k", {"PE": 3}, "Labels = 10: must be a positive multiple of PE = 3"),
        ("stream_top_k", {"K": 11}, "K = 11: must be 1 to Labels = 10"),
        ("stream_top_k", {"OutBits": 3}, "OutBits = 3: 10 labels need 4"),
    ],
)
def test_illegal_parameters_are_named(top, parameters, message):
    assert message in lint(top, parameters)


def test_yosys_reads_every_variant(tmp_path):
    for lane in range(2):  # contents of memories
        (tmp_path / f"{lane}.dat").write_text("0\n")
    commands = []
    for top, parameters in VARIANTS:
        given = " ".join(f"-G {name}={value}" for name, value in parameters.items())
        commands += ["design -reset", yosys.read(top, SOURCES, given)]
        commands += [f"hierarchy -check -top {top}", "proc", "check -assert"]
    run = yosys.run(*commands, cwd=tmp_path)
    assert run.returncode == 0, run.stdout + run.stderr
    assert run.stdout.count("Found and reported 0 problems") == len(VARIANTS)
