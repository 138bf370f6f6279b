"""dsp_chain: fields and carries give back every lane's sum, at the extremes of packing."""

import re
from importlib.util import find_spec
from itertools import product
from pathlib import Path

import harness
import mvau
import numpy as np
import pytest
import vvau
from mvau import Unit

from msq_finn.errors import MsqError
from msq_finn.lanes import dsp

BLOCKS = ("DSP48E1", "DSP48E2", "DSP58")

# Ports A of DSP48E1, DSP48E2 and DSP58.
PORT = {1: 25, 2: 27, 3: 27}
ALL = list(product(range(3, 9), range(2, 9), (0, 1), PORT))
# A part of it with every width beside every other, sign and version.
SOME = [pair for pair in ALL if (pair[0] + 2 * pair[1] + 3 * pair[2] + pair[3]) % 7 == 0]


def lanes_on_port(weight_bits, act_bits, signed, version, chain=2):
    """How many weights fit side by side, each with room for a product, or a long chain's sum."""
    largest = (2 ** (weight_bits - 1) - 1) * (2 ** (act_bits - 1) if signed else 2**act_bits - 1)
    lanes, step = 0, int(largest).bit_length()
    if chain > 2:
        step = int(chain * largest).bit_length() + 1
    while weight_bits + step * lanes <= PORT[version]:
        lanes += 1
    return lanes


def operands(count, elements, lanes_max):
    """Activations and weights of 8 bits, of which every case takes the lowest bits.

    Half are random, half at the extremes of a width: products of either sign at their largest,
    neighbours at zero or minus one. The first have all products of every sum at an extreme.
    """
    rng = np.random.default_rng(1)
    acts = rng.integers(0, 256, size=(count, elements))
    weights = rng.integers(0, 256, size=(count, lanes_max, elements))
    widths = rng.integers(3, 9, size=(count // 2, 1, 1))
    top = 1 << widths - 1
    choice = rng.integers(0, 4, size=weights[::2].shape)
    weights[::2] = np.choose(choice, [top - 1, top + 1, 0 * top, 2 * top - 1])
    at_ends = [0, 1, 0xFF, 2, 4, 8, 16, 32, 64, 128]
    acts[::2] = rng.choice(at_ends, size=acts[::2].shape)
    for row, (width, act, signs) in enumerate(product(range(3, 9), at_ends[2:], range(4))):
        acts[row] = act
        low = signs >> np.arange(lanes_max) % 2 & 1
        weights[row] = ((1 << width - 1) + np.where(low, 1, -1))[:, None]
    return acts, weights


def separated(cases, primitives, count, rtl=None, chain=2, elements=2):
    """Run dsp_chain for each case; the sums of its products by case, golden and of the hardware.

    Every chain sees the same words of operands, but for weights that would be the one number too
    many, and those of each slice behind the second a cycle later.
    """
    lanes_max, cycles = 9, 4 + max(0, elements - 2)
    in_bits = 8 * elements * (1 + lanes_max)
    body, place, layout = [], 0, []
    for i, (weight_bits, act_bits, signed, version) in enumerate(cases):
        lanes = lanes_on_port(weight_bits, act_bits, signed, version, chain)
        body.append(f"""
  localparam int S{i} =
      msq_pkg::dsp_spacing({version}, {weight_bits}, {act_bits}, {signed}, {chain});
  logic [{lanes - 1}:0][{elements - 1}:0][{weight_bits - 1}:0] w{i};
  logic [{elements - 1}:0][{act_bits - 1}:0] a{i};
  logic [{lanes - 1}:0][S{i}-1:0] field{i};
  for (genvar e = 0; e < {elements}; e++) begin : gen_in{i}
    assign a{i}[e] = late[e][{act_bits - 1}:0];
    for (genvar k = 0; k < {lanes}; k++) begin : gen_weight
      logic [{weight_bits - 1}:0] low;
      assign low = late[e][8 + 8*k +: {weight_bits}];
      assign w{i}[k][e] = low == {1 << weight_bits - 1} ? '0 : low;
    end
  end
  for (genvar k = 0; k < {lanes}; k++) assign out[{place} + 24*k +: 24] = 24'(field{i}[k]);
  assign out[{place + 24 * lanes} +: 8] = 8'(S{i});
  dsp_chain #(.Lanes({lanes}), .Chain({chain}), .Elements({elements}),
    .WeightBits({weight_bits}), .ActBits({act_bits}), .ActSigned({signed}),
    .DspVersion({version}), .UsePrimitives({primitives})) u_chain{i} (
    .clk_i, .en_i(en), .weights_i(w{i}), .acts_i(a{i}), .fields_o(field{i}),
    .carries_o(out[{place + 24 * lanes + 8} +: {2 * lanes}]));""")
        layout.append((place, lanes))
        place += 26 * lanes + 8
    of_element = 8 * (1 + lanes_max)
    waits = f"""
  logic [{elements - 1}:0][{of_element - 1}:0] late;
  for (genvar e = 0; e < {elements}; e++) begin : gen_wait
    delay_line #(.Width({of_element}), .Cycles(e > 1 ? e - 1 : 0)) u_wait (
      .clk_i, .en_i(en), .data_i(in0[{of_element}*e +: {of_element}]), .data_o(late[e]));
  end"""
    wrapper = harness.wrap_function(in_bits, place, cycles, "\n".join([waits, *body]))
    acts, weights = operands(count, elements, lanes_max)
    by_element = np.concatenate([acts[:, None], weights], axis=1).transpose(0, 2, 1)
    words = harness.pack(by_element.reshape(count, -1), 8)
    binary = harness.build(wrapper, rtl)
    result = harness.run(
        binary, words, harness.pack(np.zeros((1, 1)), 1), count, stalls=(0.1, 0.0, 0.1)
    )
    bits = harness.unpack(result.words, 1, place)
    for (weight_bits, act_bits, signed, _), (start, lanes) in zip(cases, layout, strict=True):
        values = acts % 2**act_bits
        if signed:
            values = values - (values >> act_bits - 1 << act_bits)
        codes = weights[:, :lanes] % 2**weight_bits
        codes = np.where(codes == 1 << weight_bits - 1, 0, codes)
        numbers = codes - (codes >> weight_bits - 1 << weight_bits)
        golden = (numbers * values[:, None, :]).sum(axis=2)

        def word(low, high, groups, bits=bits, start=start):
            part = bits[:, start + low : start + high].reshape(count, groups, -1)
            return (part << np.arange(part.shape[2])).sum(axis=2)

        field = word(0, 24 * lanes, lanes)
        spacing = int(word(24 * lanes, 24 * lanes + 8, 1)[0, 0])
        carry = word(24 * lanes + 8, 26 * lanes + 8, lanes)
        largest = int(np.abs(numbers).max() * np.abs(values).max())
        # Each lane keeps to its field, from half of it.
        if spacing == (chain * largest).bit_length() + 1:
            assert not carry.any()
            yield golden, field - (1 << spacing - 1)
        else:
            assert chain == 2 and spacing == largest.bit_length()
            borrowed = np.hstack([np.full((count, 1), 0), carry[:, :-1] - 2])
            yield golden, field + ((carry - 2) << spacing) - borrowed


@pytest.mark.parametrize("primitives", [0, 1])
def test_sums_are_separated(primitives):
    for golden, found in separated(SOME, primitives, 6000):
        np.testing.assert_array_equal(found, golden)


@pytest.mark.slow
@pytest.mark.parametrize("primitives", [0, 1])
@pytest.mark.parametrize("weight_bits", range(3, 9))
def test_sums_of_all_widths_are_separated(weight_bits, primitives):
    cases = [case for case in ALL if case[0] == weight_bits]
    for golden, found in separated(cases, primitives, 20000):
        np.testing.assert_array_equal(found, golden)


@pytest.mark.parametrize(("elements", "primitives"), [(1, 1), (3, 0), (4, 0), (4, 1)])
def test_sums_of_long_chains_are_separated(elements, primitives):
    cases = ALL[elements + 4 * primitives :: 24]
    for golden, found in separated(cases, primitives, 2000, chain=4, elements=elements):
        np.testing.assert_array_equal(found, golden)


@pytest.mark.slow
@pytest.mark.parametrize("primitives", [0, 1])
@pytest.mark.parametrize("weight_bits", range(3, 9))
@pytest.mark.parametrize("elements", [3, 4])
def test_sums_of_long_chains_of_all_widths_are_separated(elements, weight_bits, primitives):
    cases = [case for case in ALL if case[0] == weight_bits]
    for golden, found in separated(cases, primitives, 20000, chain=4, elements=elements):
        np.testing.assert_array_equal(found, golden)


FAULTS = {
    "fields that start at zero": ("dsp_chain.sv", "start[Spacing*(k+1)-1] = Apart", "start = '0"),
    "fields a bit too narrow": ("msq_pkg.sv", "$clog2(chain) + 1", "$clog2(chain)"),
    "a sign that is not subtracted": (
        "dsp_chain.sv",
        "subtrahend[b] = Sign ? weights_i[K][e][Place] : 1'b0",
        "subtrahend[b] = 1'b0",
    ),
}


@pytest.mark.parametrize(
    ("fault", "chain"), [*((fault, 2) for fault in FAULTS), ("fields a bit too narrow", 4)]
)
def test_a_fault_is_found(fault, chain, tmp_path):
    sources = harness.broken(*FAULTS[fault], tmp_path)
    # Of two slices one of each kind: fields that share bits and fields apart.
    cases = [(4, 4, 0, 1), (8, 8, 0, 2)]
    with pytest.raises(AssertionError):
        for golden, found in separated(cases, 0, 2000, sources, chain, elements=chain):
            np.testing.assert_array_equal(found, golden)


def test_packing_is_as_counted():
    for case, chain in product(ALL, (2, 4)):
        weight_bits, act_bits, signed, version = case
        block = next(b for b in map(dsp.get, BLOCKS) if b.version == version)
        found = block.lanes(weight_bits, act_bits, bool(signed), chain)
        assert found == lanes_on_port(*case, chain)
    assert [dsp.get(name).lanes(8, 8, False) for name in BLOCKS] == [2, 2, 2]
    assert [dsp.get(name).lanes(4, 4, False) for name in BLOCKS] == [4, 4, 4]
    assert [dsp.get(name).lanes(3, 2, False) for name in BLOCKS] == [6, 7, 7]
    assert [dsp.get(name).lanes(4, 4, False, chain=4) for name in BLOCKS] == [3, 3, 3]
    assert [dsp.get(name).lanes(4, 8, False, chain=4) for name in BLOCKS] == [2, 2, 2]


@pytest.mark.parametrize(
    ("name", "sizes", "message"),
    [
        ("DSP48E1", (26, 4, False), "weights of 26 bits do not fit port A of DSP48E1, 25 bits"),
        ("DSP48E2", (28, 4, False), "weights of 28 bits do not fit port A of DSP48E2, 27 bits"),
        ("DSP48E2", (4, 18, False), r"activations \(with a sign\) of 19 bits do not fit port B"),
        ("DSP58", (4, 25, True), "of 25 bits do not fit port B of DSP58, 24 bits"),
        ("DSP48E1", (4, 4, False, 49), "sums of 49 bits do not fit port P of DSP48E1, 48 bits"),
        ("DSP58", (4, 4, False, 59), "sums of 59 bits do not fit port P of DSP58, 58 bits"),
    ],
)
def test_what_does_not_fit_a_port_is_refused(name, sizes, message):
    with pytest.raises(MsqError, match=message):
        dsp.get(name).check(*sizes)


def test_what_just_fits_a_port_is_taken():
    assert dsp.get("DSP48E1").lanes(25, 17, False) == dsp.get("DSP48E1").lanes(25, 18, True) == 1
    dsp.get("DSP58").check(27, 24, True, 58)
    with pytest.raises(MsqError, match="no DSP slice is named 'DSP49'; known: DSP48E1"):
        dsp.get("DSP49")


@pytest.mark.parametrize(
    ("unit", "module"),
    [
        (Unit(9, 8, 3, dsp=4, primitives=True), mvau),
        (Unit(14, 8, 7, chain=4, primitives=True), mvau),
        (vvau.Depthwise(9, 6, dsp=3, primitives=True), vvau),
    ],
    ids=["chained", "long chains", "accumulating"],
)
def test_our_dsp48e1_agrees_with_the_model_of_yosys(unit, module, tmp_path, monkeypatch):
    """The attributes and controls that dsp_mac sets mean the same to somebody else's full model."""
    pyosys = find_spec("pyosys")
    assert pyosys is not None and pyosys.origin is not None
    cells = (Path(pyosys.origin).parent / "share" / "xilinx" / "cells_sim.v").read_text()
    theirs = re.search(r"^module DSP48E1 .*?^endmodule", cells, re.MULTILINE | re.DOTALL)
    ours = harness.PRIMITIVES.read_text()
    swapped, count = re.subn(
        r"^module DSP48E1 .*?^endmodule",
        lambda _: theirs.group(),
        ours,
        flags=re.MULTILINE | re.DOTALL,
    )
    assert count == 1
    primitives = tmp_path / "primitives.v"
    primitives.write_text(swapped)
    monkeypatch.setattr(harness, "PRIMITIVES", primitives)
    job = module.random_job(unit, 60, 3)
    wrapper = unit.wrapper(job.values) if module is mvau else unit.wrapper()
    result = harness.run(
        harness.build(wrapper), job.acts, job.weights, len(job.expected), stalls=(0.2,) * 3
    )
    np.testing.assert_array_equal(module.outputs(unit, result), job.expected)
