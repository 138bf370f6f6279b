"""DSP lanes: their sums, however long chains are, their sizes, and the slices that they take."""

import re
from itertools import product

import harness
import numpy as np
import pytest

from msq_finn import schemes
from msq_finn.lanes import dsp
from msq_finn.lanes.latency import dsp_depth
from msq_finn.lanes.others import DspLane
from tests import yosys

BLOCKS = [dsp.get(name) for name in ("DSP48E1", "DSP48E2", "DSP58")]


# Lanes of a kind that share a slice, counted by hand: port A has 25 or 27 bits.
@pytest.mark.parametrize(
    ("name", "bits", "act_bits", "packing", "chain"),
    [
        ("DSP48E1", 8, 8, 2, 2),  # 8 + 15
        ("DSP48E1", 8, 4, 2, 2),  # 8 + 11
        ("DSP48E1", 6, 4, 3, 2),  # 6 + 2 * 9
        ("DSP48E1", 3, 2, 6, 2),  # 3 + 5 * 4
        ("DSP48E2", 8, 8, 2, 2),
        ("DSP48E2", 5, 3, 4, 2),  # 5 + 3 * 7
        ("DSP48E2", 3, 2, 7, 2),  # 3 + 6 * 4
        ("DSP58", 8, 8, 2, 2),
        ("DSP58", 5, 3, 4, 2),
        ("DSP48E1", 4, 4, 3, 4),  # 4 + 2 * 10, of 420 and a sign
        ("DSP48E1", 4, 8, 2, 4),  # 4 + 14
        ("DSP48E2", 8, 8, 2, 4),  # 8 + 18
    ],
)
def test_slices_of_a_unit_are_as_many_as_its_packs(name, bits, act_bits, packing, chain, tmp_path):
    block = dsp.get(name)
    pe, simd = 2 * packing + 1, 3
    settings = {
        "Pe": pe,
        "WeightBits": bits,
        "Simd": simd,
        "Chain": chain,
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
    assert block.lanes(bits, act_bits, act_signed=False, chain=chain) == packing


def waiting(simds, chain, primitives, count, rtl=None):
    """Run dsp_engine for words of different SIMD; sums by SIMD, golden and of the hardware.

    Two packs of 4-bit weights and one that is not full; every word is a vector.
    """
    lanes, most, latency, acc_bits = 7, max(simds), 14, 16
    of_element = 4 * (1 + lanes)
    body = [
        f"""
  logic [{latency}:0] flags, firsts, dones;
  lane_flags #(.Latency({latency})) u_flags (.clk_i, .rst_ni, .en_i(en), .fire_i(in0_valid_i),
    .first_i(1'b1), .last_i(1'b1), .valid_o(flags), .first_o(firsts), .done_o(dones));"""
    ]
    for i, simd in enumerate(simds):
        body.append(f"""
  logic [{lanes - 1}:0][{simd - 1}:0][3:0] w{i};
  logic [{simd - 1}:0][3:0] a{i};
  for (genvar e = 0; e < {simd}; e++) begin : gen_in{i}
    assign a{i}[e] = in0[{of_element}*e +: 4];
    for (genvar k = 0; k < {lanes}; k++) assign w{i}[k][e] = in0[{of_element}*e + 4 + 4*k +: 4];
  end
  dsp_engine #(.Pe({lanes}), .Simd({simd}), .Chain({chain}), .AccBits({acc_bits}),
    .Latency({latency}), .UsePrimitives({primitives})) u_engine{i} (
    .clk_i, .en_i(en), .weights_i(w{i}), .acts_i(a{i}), .valid_i(flags), .first_i(firsts),
    .done_i(dones), .sums_o(out[{acc_bits * lanes * i} +: {acc_bits * lanes}]));""")
    bits = acc_bits * lanes * len(simds)
    wrapper = harness.wrap_function(of_element * most, bits, latency, "\n".join(body))
    rng = np.random.default_rng(3)
    acts = rng.choice([0, 15, *range(16)], size=(count, most))
    weights = rng.choice([-7, 7, *range(-7, 8)], size=(count, lanes, most))
    weights[::5] = rng.choice([-7, 7], size=weights[::5].shape[:2])[:, :, None]
    acts[::5] = 15
    by_element = np.concatenate([acts[:, None], weights & 15], axis=1).transpose(0, 2, 1)
    words = harness.pack(by_element.reshape(count, -1), 4)
    binary = harness.build(wrapper, rtl)
    nothing = harness.pack(np.zeros((1, 1)), 1)
    result = harness.run(binary, words, nothing, count, stalls=(0.2, 0.0, 0.3))
    sums = harness.unpack(result.words, acc_bits, lanes * len(simds))
    sums = np.where(sums >> acc_bits - 1, sums - (1 << acc_bits), sums)
    for simd, found in zip(simds, np.split(sums, len(simds), axis=1), strict=True):
        yield (weights[:, :, :simd] * acts[:, None, :simd]).sum(axis=2), found


def test_all_elements_of_a_word_add_up_however_long_the_last_chain():
    for golden, found in waiting((*range(1, 10), 13), 4, primitives=1, count=400):
        np.testing.assert_array_equal(found, golden)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        # A short chain that ends too early, a slice that waits twice, registers missing.
        ("msq_pkg.sv", "length - used + place - (", "(used == 1 ? 1 : 0) + place - ("),
        ("msq_pkg.sv", "(place != 0 || used == 1 ? 1 : 0)", "(place != 0 ? 1 : 0)"),
        ("dsp_engine.sv", ".Cycles(dsp_wait(Simd, Chain, e))", ".Cycles(0)"),
    ],
)
def test_operands_that_come_at_a_wrong_time_are_found(name, old, new, tmp_path):
    sources = harness.broken(name, old, new, tmp_path)
    with pytest.raises(AssertionError):
        for golden, found in waiting((4, 7, 13), 4, 0, 200, sources):
            np.testing.assert_array_equal(found, golden)


def sizes(block, simd, bits, act_bits, signed, chain):
    """Functions of msq_pkg.sv and what they come to, as counted in Python."""
    size = (bits, act_bits, bool(signed))
    kind = DspLane("kind", "", schemes.get(f"fixed_{bits}"), chain=chain)
    spacing = dsp.product_bits(*size)
    if block.apart(*size, chain):
        spacing = dsp.field_bits(*size, chain)
    port, of_word = f"{bits}, {act_bits}, {signed}, {chain}", f"{simd}, {chain}"
    waits = " + ".join(f"msq_pkg::dsp_wait({of_word}, {e})" for e in range(simd))
    return {
        f"msq_pkg::dsp_packing({block.version}, {port})": block.lanes(*size, chain),
        f"msq_pkg::dsp_spacing({block.version}, {port})": spacing,
        f"msq_pkg::dsp_lane_depth({block.version}, {simd}, {port})": dsp_depth(
            kind, simd, act_bits, bool(signed), block
        ),
        f"msq_pkg::dsp_chains({of_word})": len(dsp.chain_lengths(simd, chain)),
        waits: dsp.waits(simd, chain),
    }


@pytest.mark.parametrize("wrong", [False, True])
def test_sizes_are_those_in_python(wrong, tmp_path):
    counted = {}
    for block, simd, chain in product(BLOCKS, (1, 2, 3, 5, 8, 9, 14, 33), (2, 4)):
        for bits, act_bits, signed in ((4, 4, 0), (4, 8, 1), (3, 2, 1), (8, 8, 0)):
            counted |= sizes(block, simd, bits, act_bits, signed, chain)
    checks = [
        f'if ({call} != {number + wrong}) $error("size {i} is %0d", {call});'
        for i, (call, number) in enumerate(counted.items())
    ]
    module = tmp_path / "sizes.sv"
    module.write_text("\n".join(["module sizes;", *checks, "endmodule"]))
    report = harness.lint("sizes", {}, module)
    found = re.findall(r"size (\d+) is (\d+)", report)
    assert len(found) == len(checks) * wrong, report
    assert wrong or "Built from" in report
