"""DSP lanes take the DSP slices that their packing says."""

import harness
import pytest

from msq_finn.rtl import dsp, lanes

libyosys = pytest.importorskip("pyosys.libyosys")


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
    block, kinds = dsp.get(name), lanes.other_dsp_names()
    pe, simd = 2 * packing + 1, 3
    others = (pe if kind == f"fixed_{bits}_dsp" else 0 for kind in kinds)
    packed = sum(count << 16 * i for i, count in enumerate(others))
    settings = {
        "PeFixed": 0,
        "PeOther": f"{16 * len(kinds)}'h{packed:x}",
        "Simd": simd,
        "ActBits": act_bits,
        "AccBits": 20,
        "DspVersion": block.version,
        "Latency": 7,
        "UsePrimitives": 1,
    }
    options = " ".join(f"-G {key}={value}" for key, value in settings.items())
    boxes = " ".join(
        f"--blackboxed-module {cell}"
        for cell in ("LUT5", "LUT6", "LUT6_2", "CARRY4", "CARRY8", "DSP48E1", "DSP48E2", "DSP58")
    )
    files = " ".join(map(str, [*lanes.sources(), harness.PRIMITIVES]))
    design, found = libyosys.Design(), tmp_path / "cells"
    libyosys.run_pass(f"read_slang --top dsp_engine {options} {boxes} {files}", design)
    libyosys.run_pass("flatten", design)
    libyosys.run_pass(f"tee -q -o {found} select -count t:{name}", design)
    assert int(found.read_text().split()[0]) == 3 * simd
    assert block.lanes(bits, act_bits, act_signed=False) == packing
