"""stream_window against a list of windows: order, zeros, rate, stalls, frames, resets, no X."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import harness
import numpy as np
import pytest

from msq_finn.plan.cost.point_kinds import PaddedWindow
from msq_finn.plan.cost.stored_runs import PARTS
from msq_finn.rtl.window_ring import MapWindows
from tests import icarus, yosys

SOURCE = harness.RTL / "streaming" / "stream_window.sv"

#: Bits of a word.
WIDTH = 13


@dataclass(frozen=True)
class Case:
    """A shape: of the map, of windows, zeros above, left, below, right; words of a pixel."""

    dim: tuple[int, int]
    kernel: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    pads: tuple[int, int, int, int] = (0, 0, 0, 0)
    dilation: tuple[int, int] = (1, 1)
    folds: int = 1
    depthwise: bool = False
    style: str = "distributed"
    depth: int = 0

    @property
    def windows(self) -> MapWindows:
        return MapWindows(self.dim, self.kernel, self.stride, self.pads, self.dilation)

    @property
    def words(self) -> int:
        return self.depth or self.folds * self.windows.pixels + 2

    @property
    def sent(self) -> int:
        """Words of a frame that leave."""
        rows, pixels = self.windows.out
        return rows * pixels * self.windows.size * self.folds

    def instance(self) -> str:
        names = ("Rows", "Pixels"), ("KernelRows", "KernelPixels"), ("StrideRows", "StridePixels")
        names += ("DilationRows", "DilationPixels"), ("PadTop", "PadLeft", "PadBottom", "PadRight")
        sizes = self.dim, self.kernel, self.stride, self.dilation, self.pads
        given = {
            n: v for each in zip(names, sizes, strict=True) for n, v in zip(*each, strict=True)
        }
        given |= {"Folds": self.folds, "Depthwise": int(self.depthwise), "Depth": self.words}
        text = ", ".join(f".{name}({value})" for name, value in given.items())
        return f'stream_window #(.Width({WIDTH}), {text}, .RamStyle("{self.style}"))'


def expected(case: Case, frames: np.ndarray) -> np.ndarray:
    """Words of the windows of frames [n, rows, pixels, folds], in their order."""
    top, left, bottom, right = case.pads
    found = []
    for frame in frames:
        zeros = ((top, bottom), (left, right), (0, 0))
        image = np.pad(frame, zeros)
        reach = [(k - 1) * d for k, d in zip(case.kernel, case.dilation, strict=True)]
        for y in range(0, image.shape[0] - reach[0], case.stride[0]):
            for x in range(0, image.shape[1] - reach[1], case.stride[1]):
                window = [
                    image[y + ky * case.dilation[0], x + kx * case.dilation[1]]
                    for ky in range(case.kernel[0])
                    for kx in range(case.kernel[1])
                ]
                words = np.array(window)
                found += list((words.T if case.depthwise else words).ravel())
    return np.array(found)


CASES = [
    Case((5, 6), (3, 3), pads=(1, 1, 1, 1), folds=2),
    Case((5, 6), (3, 3), pads=(1, 1, 1, 1), folds=3, style="block", depth=64),
    Case((4, 4), (3, 3)),
    Case((7, 5), (3, 2), (2, 1), pads=(1, 0, 2, 1), folds=3),
    Case((6, 6), (2, 2), (2, 2), folds=2, depthwise=True),
    Case((5, 5), (3, 3), (2, 2), pads=(0, 1, 1, 0), folds=3, depthwise=True, style="block"),
    Case((7, 7), (1, 1), (2, 2), folds=2),
    Case((9, 8), (2, 2), (4, 3), folds=2),  # pixels that no window has
    Case((5, 1), (3, 1), pads=(1, 0, 1, 0), folds=4),
    Case((1, 9), (1, 4), (1, 2), pads=(0, 3, 0, 2), folds=1),
    Case((9, 1), (2, 1), (5, 1), folds=2),
    Case((4, 5), (4, 5), folds=2),  # as large as the map
    Case((3, 3), (5, 5), pads=(2, 2, 2, 2), folds=1, style="block"),
    Case((1, 1), (1, 1), folds=1),
    Case((1, 1), (3, 3), pads=(1, 1, 1, 1), folds=1),
    Case((7, 8), (3, 3), pads=(2, 2, 2, 2), dilation=(2, 2), folds=2),
    Case((7, 8), (2, 3), (1, 2), pads=(1, 0, 2, 3), dilation=(3, 2), folds=2, depthwise=True),
    Case((4, 5), (3, 4), pads=(2, 3, 2, 3), folds=2),  # full: addresses go back behind a row
    Case((6, 40), (3, 3), pads=(1, 1, 1, 1), folds=1, depth=128),
    Case((3, 40), (3, 3), pads=(1, 1, 1, 1), folds=2, style="block"),
    Case((6, 1), (3, 3), pads=(1, 1, 1, 1), folds=4),  # zeros are read behind every last pixel
    Case((6, 1), (3, 3), pads=(1, 1, 1, 1), folds=4, depthwise=True),
    Case((3, 3), (3, 3), pads=(2, 2, 2, 2), folds=5, depthwise=True),  # more windows than pixels
    Case((8, 8), (3, 3), (2, 2), pads=(1, 1, 1, 1), folds=4, depthwise=True, style="block"),
]


#: Frames of a run.
FRAMES = 5


@pytest.fixture(scope="module")
def bench():
    """All of them in one bench; the word at the second input, which is never taken, says which.

    Zeros above the next frame leave before it comes, so that what is too many is counted here.
    """
    parts = [
        f"""
  logic ready{i}, valid{i}, wanted{i};
  logic [{WIDTH - 1}:0] data{i};
  {case.instance()} dut{i} (
    .clk_i, .rst_ni,
    .in_data_i(in0), .in_valid_i(in0_valid_i && in1 == {i}), .in_ready_o(ready{i}),
    .out_data_o(data{i}), .out_valid_o(valid{i}),
    .out_ready_i(out_ready_i && in1 == {i} && wanted{i}));
  int unsigned left{i};
  assign wanted{i} = left{i} != 0;
  always_ff @(posedge clk_i) left{i} <=
     !rst_ni ? {FRAMES * case.sent} : left{i} - (in1 == {i} && out_valid_o && out_ready_i);"""
        for i, case in enumerate(CASES)
    ]
    for port in ("ready", "valid", "wanted", "data"):
        found = ", ".join(f"{port}{i}" for i in reversed(range(len(CASES))))
        width = WIDTH if port == "data" else 1
        parts.append(
            f"\n  logic [{len(CASES) - 1}:0][{width - 1}:0] {port}s;"
            f"\n  assign {port}s = {{{found}}};"
        )
    parts.append("""
  assign in0_ready_o = readys[in1];
  assign in1_ready_o = 1'b0;
  assign out = datas[in1];
  assign out_valid_o = valids[in1] && wanteds[in1];""")
    return harness.build(harness.wrap(WIDTH, 8, WIDTH, "".join(parts)), [SOURCE])


@pytest.mark.parametrize("index", range(len(CASES)))
def test_windows_leave_in_order(bench, index):
    case, rng = CASES[index], np.random.default_rng(index)
    frames = rng.integers(1, 2**WIDTH, (FRAMES, *case.dim, case.folds))
    wanted = expected(case, frames)
    words, which = harness.pack(frames.reshape(-1, 1), WIDTH), harness.pack([[index]], 8)
    for how in (
        {},
        {"stalls": (0.4, 0.0, 0.4), "seed": 2},
        {"stalls": (0.7, 0.0, 0.1), "seed": 3},
        {"stalls": (0.1, 0.0, 0.7), "reset_at": 50},
        {"reset_at": 20},
    ):
        result = harness.run(bench, words, which, len(wanted), **how)
        found = harness.unpack(result.words, WIDTH, 1)[:, 0]
        np.testing.assert_array_equal(found, wanted, err_msg=str(how))
        if not how:
            ends = result.cycles.reshape(len(frames), -1)[:, -1]
            cycles = case.windows.cycles(case.folds)
            # Zeros above the second frame leave while the first one ends.
            assert list(np.diff(ends)[1:]) == [cycles] * (FRAMES - 2)


BENCH = """
`timescale 1ns / 1ps
module bench;
  reg clk = 0, rst_n, given, ready;
  reg [WIDTH-1:0] word;
  wire [WIDTH-1:0] data;
  wire taken, valid;
  windows dut (.clk_i(clk), .rst_ni(rst_n), .in_data_i(given === 1'b1 ? word : {WIDTH{1'bx}}),
    .in_valid_i(given), .in_ready_o(taken), .out_data_o(data), .out_valid_o(valid),
    .out_ready_i(ready));

  integer random;
  // Nothing is known of the streams before and in a reset, of which one cycle is enough.
  task pass(input integer cycles, input integer seed);
    begin
      random = seed;
      rst_n = 0;
      given = 1'bx;
      ready = 1'bx;
      @(posedge clk) #1 rst_n = 1;
      word = 1;
      given = 0;
      $display("reset %b", valid);
      repeat (cycles) begin
        if (!given) given = $random(random);
        ready = $random(random);
        @(negedge clk) if (valid !== 1'b0 && ready) $display("word %b %b", valid, data);
        if (taken === 1'bx) $display("word x x");
        if (given && taken) @(posedge clk) #1 begin word = word + 1; given = 0; end
        else @(posedge clk) #1;
      end
    end
  endtask

  always #5 clk = !clk;
  initial begin
    pass(7, 1);
    pass(1, 2);
    pass(90, 3);
    pass(2, 4);
    pass(900, 5);
    $finish;
  end
endmodule
"""


@pytest.mark.parametrize("index", [0, 1, 4, 5, 8])
def test_nothing_is_unknown_behind_a_reset(tmp_path, index):
    """Registers and memory start as X, resets fall in the middle of windows, frames begin anew."""
    case, top, bench = CASES[index], tmp_path / "top.sv", tmp_path / "bench.sv"
    top.write_text(f"""
module windows (
  input logic clk_i, rst_ni, in_valid_i, out_ready_i, input logic [{WIDTH - 1}:0] in_data_i,
  output logic in_ready_o, out_valid_o, output logic [{WIDTH - 1}:0] out_data_o
);
  {case.instance()} i (.*);
endmodule
""")
    bench.write_text(BENCH.replace("WIDTH", str(WIDTH)))
    # Registers and multiplexers hand on an X where an "if" would not.
    read = yosys.read("windows", [SOURCE, top])
    done = yosys.run(read, "proc", "opt_clean", "write_verilog -noattr rtl.v", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    report = icarus.run([tmp_path / "rtl.v", bench], ["bench"], tmp_path)
    assert report.endswith("status 0"), report
    words = 1 + np.arange(20 * np.prod(case.dim) * case.folds)
    wanted = expected(case, words.reshape(20, *case.dim, case.folds))
    begun, *passes = report.split("reset ")
    assert "word" not in begun and len(passes) == 5
    for text in passes:
        assert text[0] == "0"
        found = re.findall(r"word (\S+) (\S+)", text)
        assert found == [("1", f"{word:0{WIDTH}b}") for word in wanted[: len(found)]]
    assert len(found) > 300


def test_words_in_block_ram_take_no_luts():
    """Address, counters and zeros alone, of which the words' width is no matter."""
    like = PaddedWindow(16, 2, 32, 32, pad_rows=1, pad_pixels=1, style="block")
    points = (like, replace(like, width=64))
    narrow, wide = (point.synthesize(PARTS["DSP48E1"]) for point in points)
    assert narrow.lut_sites == wide.lut_sites <= 66
    assert (narrow.bram36, wide.bram36) == (0.5, 1.0)
    assert wide.lut_memory == 0
