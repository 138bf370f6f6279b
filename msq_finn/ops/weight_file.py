"""Files with the contents of a weight memory, in the formats of FINN's MVAU.make_weight_file."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from msq_finn.errors import MsqError
from msq_finn.lanes.counts import IntArray

CODE_BITS = 4

#: Bits of a register of FINN's memstream.
REGISTER_BITS = 32


def memory_words(codes: IntArray) -> IntArray:
    """Arrange codes as the words of a weight memory.

    Args:
        codes: shape (lanes, NF, SF, SIMD).

    Returns:
        shape (NF * SF, lanes * SIMD): a word a cycle, what comes first in the low bits.

    >>> codes = np.array([[[[1, 2]], [[5, 6]]], [[[3, 4]], [[7, 8]]]])  # lanes 2, NF 2, SF 1
    >>> memory_words(codes).tolist()
    [[1, 2, 3, 4], [5, 6, 7, 8]]
    """
    lanes, nf, sf, simd = codes.shape
    return codes.transpose(1, 2, 0, 3).reshape(nf * sf, lanes * simd)


def memory_bits(codes: IntArray, bits: Sequence[int]) -> IntArray:
    """Arrange codes of several widths as the words of a weight memory.

    Args:
        codes: shape (lanes, NF, SF, SIMD).
        bits: of a code, one a lane.

    Returns:
        shape (NF * SF, SIMD * sum of bits): the bits of a word a cycle, lowest first.

    >>> memory_bits(np.array([[[[1]]], [[[6]]]]), [2, 3]).tolist()
    [[1, 0, 0, 1, 1]]
    """
    planes = [
        (lane[..., None] >> np.arange(width) & 1).reshape(lane.shape[0] * lane.shape[1], -1)
        for lane, width in zip(codes, bits, strict=True)
    ]
    return np.concatenate(planes, axis=1)


def write(
    words: IntArray, mode: str, path: Path, pumped: bool = False, code_bits: int = CODE_BITS
) -> None:
    """Write memory words.

    Args:
        words: shape (depth, codes of a word).
        mode: "decoupled_npy" for simulation, "decoupled_verilog_dat" for ``$readmemh``, or
            "decoupled_runtime" for the driver.
        path: where to.
        pumped: whether the memory is read at twice the clock, half a word at a time.

    Raises:
        MsqError: there is no such mode, or half a word is no whole number of codes.
    """
    depth, count = words.shape
    if mode == "decoupled_npy":
        np.save(path, words[None].astype(np.float32))
        return
    if mode == "decoupled_verilog_dat":
        if pumped and count % 2:
            raise MsqError("pumped weight memory needs an even number of weights in a word")
        parts = words.reshape(depth * 2, count // 2) if pumped else words
        digits = math.ceil(parts.shape[1] * code_bits / 4)
        lines = [f"{value:0{digits}x}" for value in _packed(parts, code_bits)]
    elif mode == "decoupled_runtime":
        registers = 2 ** max(0, math.ceil(math.log2(count * code_bits / REGISTER_BITS)))
        lines = [
            f"{value >> REGISTER_BITS * i & (1 << REGISTER_BITS) - 1:0{REGISTER_BITS // 4}x}"
            for value in _packed(words, code_bits)
            for i in range(registers)
        ]
    else:
        raise MsqError(f"weight files of mode {mode!r} do not exist for MVAU_MSQ")
    path.write_text("".join(f"{line}\n" for line in lines))


def _packed(words: IntArray, code_bits: int) -> list[int]:
    return [sum(int(code) << code_bits * i for i, code in enumerate(word)) for word in words]
