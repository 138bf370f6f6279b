"""dsp_pair: fields and carries give back every lane's sum, at the extremes of packing."""

import re
from importlib.util import find_spec
from pathlib import Path

import harness
import mvau
import numpy as np
import pytest
import vvau
from mvau import Unit

# act_bits, signed, DSP version, lanes, elements
PAIRS = [
    (4, 0, 1, 4, 2),
    (4, 1, 1, 4, 2),
    (8, 0, 1, 2, 2),
    (8, 0, 2, 3, 2),
    (8, 1, 1, 3, 1),
    (2, 0, 1, 5, 2),
    (5, 0, 2, 3, 1),
]


@pytest.mark.parametrize("primitives", [0, 1])
def test_sums_are_separated(primitives):
    lanes_max, elements_max, cycles = 5, 2, 4
    in_bits = 8 * elements_max + 4 * lanes_max * elements_max
    body, place, layout = [], 0, []
    for i, (act_bits, signed, version, lanes, elements) in enumerate(PAIRS):
        spacing = act_bits + 3 - signed
        assert 3 + spacing * (lanes - 1) < (25 if version == 1 else 27)
        layout.append(place)
        body.append(f"""
  logic [{lanes - 1}:0][{elements - 1}:0][3:0] w{i};
  logic [{elements - 1}:0][{act_bits - 1}:0] a{i};
  for (genvar e = 0; e < {elements}; e++) begin : gen_in{i}
    assign a{i}[e] = in0[8*e +: {act_bits}];
    for (genvar k = 0; k < {lanes}; k++) begin : gen_weight
      assign w{i}[k][e] = in0[{8 * elements_max} + 4*({elements_max}*k + e) +: 4];
    end
  end
  dsp_pair #(.Lanes({lanes}), .Elements({elements}), .ActBits({act_bits}), .ActSigned({signed}),
    .DspVersion({version}), .UsePrimitives({primitives})) u_pair{i} (
    .clk_i, .en_i(en), .weights_i(w{i}), .acts_i(a{i}),
    .fields_o(out[{place} +: {lanes * spacing}]),
    .carries_o(out[{place + lanes * spacing} +: {2 * lanes}]));""")
        place += lanes * (spacing + 2)
    wrapper = harness.wrap_function(in_bits, place, cycles, "\n".join(body))

    rng = np.random.default_rng(1)
    count = 20000
    weights = rng.integers(-7, 8, size=(count, lanes_max, elements_max))
    acts = rng.integers(0, 256, size=(count, elements_max))
    # Half at the extremes: products of either sign at their largest, neighbours at zero.
    weights[::2] = rng.choice([-7, 7, 0, -1], size=weights[::2].shape)
    acts[::2] = rng.choice([0x00, 0x01, 0x80, 0x88, 0xAA, 0xFF], size=acts[::2].shape)
    nibbles = np.hstack([acts & 15, acts >> 4])[:, [0, 2, 1, 3]]
    words = harness.pack(np.hstack([nibbles, weights.reshape(count, -1) & 15]), 4)
    result = harness.run(
        harness.build(wrapper), words, harness.pack(np.zeros((1, 1)), 1), count,
        stalls=(0.1, 0.0, 0.1),
    )  # fmt: skip
    bits = harness.unpack(result.words, 1, place)
    for (act_bits, signed, _, lanes, elements), start in zip(PAIRS, layout, strict=True):
        spacing = act_bits + 3 - signed
        fields = bits[:, start : start + lanes * spacing].reshape(count, lanes, spacing)
        carries = bits[:, start + lanes * spacing : start + lanes * (spacing + 2)]
        field = (fields << np.arange(spacing)).sum(axis=2)
        carry = (carries.reshape(count, lanes, 2) << np.arange(2)).sum(axis=2) - 2
        value = acts[:, :elements] % 2**act_bits
        if signed:
            value -= (value >> (act_bits - 1)) << act_bits
        expected = (weights[:, :lanes, :elements] * value[:, None, :]).sum(axis=2)
        borrowed = np.hstack([np.zeros((count, 1), int), carry[:, :-1]])
        np.testing.assert_array_equal(field + (carry << spacing) - borrowed, expected)


@pytest.mark.parametrize(
    ("unit", "module"),
    [
        (Unit(9, 8, 3, dsp=4, primitives=True), mvau),
        (vvau.Depthwise(9, 6, dsp=3, primitives=True), vvau),
    ],
    ids=["chained", "accumulating"],
)
def test_our_dsp48e1_agrees_with_the_model_of_yosys(unit, module, tmp_path, monkeypatch):
    """The attributes and controls that dsp_mac sets mean the same to somebody else's full model."""
    pyosys = find_spec("pyosys")
    if pyosys is None or pyosys.origin is None:
        pytest.skip("no Yosys")
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
