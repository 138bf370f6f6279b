"""stream_window against a list of windows: order, zeros, rate, stalls, frames, resets, no X."""

from __future__ import annotations

from dataclasses import dataclass

import harness
import numpy as np
import pytest

from msq_finn.rtl.window_ring import Windows

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
    def windows(self) -> Windows:
        return Windows(self.dim, self.kernel, self.stride, self.pads, self.dilation)

    @property
    def words(self) -> int:
        return self.depth or self.folds * self.windows.pixels(self.depthwise) + 1

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
            assert list(np.diff(ends[:-1])) == [cycles] * 3
