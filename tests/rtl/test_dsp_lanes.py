"""DSP lanes take the DSP slices that their packing says."""

import harness
import pytest

from msq_finn.lanes import dsp
from tests import yosys


# Lanes of a kind that share a slice, counted by hand: port A has 25 or 27 bits.
@pytest.mark.parametrize(
    ("name", "bits", "act_bits", "packing"),
    [
        ("DSP48E1", 8, 8, 2),  # 8 + 15
        ("DSP48E1", 8, 4, 2),  # 8 + 11
        ("DSP48E1", 6, 4, 3),  # 6 + 2 * 9
        ("DSP48E1", 3, 2, 6),  # 3 + 5 * 4
        ("DSP48E2", 8, 8, 2),
        ("DSP48E2", 5, 3, 4),  # 5 + 3 * 7
        ("DSP48E2", 3, 2, 7),  # 3 + 6 * 4
        ("DSP58", 8, 8, 2),
        ("DSP58", 5, 3, 4),
    ],
)
def test_slices_of_a_unit_are_as_many_as_its_packs(name, bits, act_bits, packing, tmp_path):
    block = dsp.get(name)
    pe, simd = 2 * packing + 1, 3
    settings = {
        "Pe": pe,
        "WeightBits": bits,
        "Simd": simd,
        "ActBits": act_bits,
        "AccBits": 20,
        "DspVersion": block.version,
        "Latency": 7,
        "UsePrimitives": 1,
    }
    options = " ".join(f"-G {key}={value}" for key, value in settings.items())
    found = tmp_path / "cells"
    run = yosys.run(
        yosys.read("dsp_engine", harness.design_files(), options, harness.CELLS),
        "flatten",
        f"tee -q -o {found} select -count t:{name}",
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert int(found.read_text().split()[0]) == 3 * simd
    assert block.lanes(bits, act_bits, act_signed=False) == packing
