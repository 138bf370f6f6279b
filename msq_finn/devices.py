"""What the FPGAs of FINN's boards hold (AMD data sheets DS190, DS891, DS987, DS962)."""

from __future__ import annotations

from dataclasses import dataclass

from msq_finn.errors import MsqError


@dataclass(frozen=True)
class Device:
    """Resources of an FPGA.

    Attributes:
        name: the part without package and speed grade.
        lut: LUT sites.
        lutram: LUT sites that can be memory.
        ff: flip-flops.
        dsp: DSP slices.
        bram36: block RAMs of 36 kbit.
        uram: UltraRAMs.
    """

    name: str
    lut: int
    lutram: int
    ff: int
    dsp: int
    bram36: int
    uram: int


DEVICES = {
    device.name: device
    for device in (
        Device("xc7z020", 53_200, 17_400, 106_400, 220, 140, 0),
        Device("xc7z045", 218_600, 70_400, 437_200, 900, 545, 0),
        Device("xczu3eg", 70_560, 28_800, 141_120, 360, 216, 0),
        Device("xczu7ev", 230_400, 101_760, 460_800, 1_728, 312, 96),
        Device("xck26", 117_120, 57_600, 234_240, 1_248, 144, 64),
        Device("xcu250", 1_728_000, 791_040, 3_456_000, 12_288, 2_688, 1_280),
    )
}


def device_of_part(part: str) -> Device:
    """Return the device of a part such as ``xc7z020clg400-1``.

    Args:
        part: FPGA part, such as xc7z020clg400-1.

    Raises:
        MsqError: the device is not in the table.

    >>> device_of_part("xczu3eg-sbva484-1-i").dsp
    360
    """
    for name, device in DEVICES.items():
        if part.lower().startswith(name):
            return device
    raise MsqError(
        f"no resource figures for FPGA part {part!r}, but for {', '.join(DEVICES)}; add a line for "
        "it, as docs/how-to/own-board.md shows"
    )
