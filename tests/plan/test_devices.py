"""The device table and the boards that FINN knows."""

from __future__ import annotations

import pytest

from msq_finn.devices import DEVICES, device_of_part
from msq_finn.errors import MsqError


@pytest.mark.parametrize(
    ("board", "name", "dsp"),
    [
        ("Pynq-Z1", "xc7z020", 220),
        ("Pynq-Z2", "xc7z020", 220),
        ("Ultra96", "xczu3eg", 360),
        ("ZCU104", "xczu7ev", 1728),
        ("KV260_SOM", "xck26", 1248),
        ("U250", "xcu250", 12288),
    ],
)
def test_boards_of_finn_have_figures(board: str, name: str, dsp: int):
    part_map = pytest.importorskip("finn.util.basic").part_map
    device = device_of_part(part_map[board])
    assert (device.name, device.dsp) == (name, dsp)


def test_unknown_part_lists_the_known_ones():
    with pytest.raises(
        MsqError, match=r"'xc7a35t', but for xc7z020, .*xcu250; add a .*own-board.md"
    ):
        device_of_part("xc7a35t")


def test_figures_are_those_of_a_device():
    for device in DEVICES.values():
        # Two flip-flops a LUT; at most every second LUT can be memory.
        assert device.ff == 2 * device.lut
        assert 0 < device.lutram < device.lut / 2
