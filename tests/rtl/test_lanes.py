"""The table of lanes against the golden constants that the RTL is tested with."""

import mvau
import numpy as np
import pytest

from msq_finn import lanes
from msq_finn.errors import MsqError

KINDS = {
    "sp2_4_lut": "sp2",
    "fixed_4_lut": "booth",
    "fixed_4_dsp": "dsp",
    "fixed_4_dsp_chain": "dsp",
    "embedded_lut": "embedded",
    "serial_lut": "embedded",
    "fixed_8_dsp": "dsp_8",
} | {f"{name}_lut": name for name in mvau.OTHERS}
BYTES = np.delete(np.arange(256), 128)
CODES = {"sp2_4_lut": np.arange(16), "embedded_lut": BYTES, "serial_lut": BYTES}


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("act_signed", [False, True])
def test_offsets_are_what_the_rtl_adds(name, act_signed):
    codes = CODES.get(name, mvau.FIXED_CODES)
    if KINDS[name] in mvau.OTHERS:
        other = mvau.OTHERS[KINDS[name]]
        codes = np.arange(1 << other.bits)
        if name.startswith("fixed"):
            codes = np.delete(codes, 1 << other.bits - 1)
        np.testing.assert_array_equal(lanes.get(name).scheme.decode(codes), other.values[codes])
    # The golden model has the weights of lanes that hold them for codes.
    golden = np.where(codes > 127, codes - 256, codes) if codes is BYTES else codes
    for act_bits in range(2, 9):
        np.testing.assert_array_equal(
            lanes.get(name).code_offset(codes, act_bits, act_signed),
            mvau.alpha(KINDS[name], golden, act_bits, act_signed),
        )


def test_sp2_offsets_as_agreed():
    kind = lanes.get("sp2_4_lut")
    assert set(kind.code_offset(range(8, 16), 6, act_signed=False)) == {2**9 - 5}
    assert set(kind.code_offset(range(8, 16), 6, act_signed=True)) == {-5}
    assert not kind.code_offset(range(8), 6, act_signed=False).any()


def test_row_offset_sums_over_a_row():
    kind = lanes.get("sp2_4_lut")
    assert kind.row_offset([[-8, 5, -1], [1, 2, 0]], 4, False).tolist() == [246, 0]


def test_values_and_codes_agree_with_the_schemes():
    np.testing.assert_array_equal(
        lanes.get("sp2_4_lut").scheme.decode(np.arange(16)), mvau.SP2_VALUE
    )
    np.testing.assert_array_equal(
        lanes.get("fixed_4_dsp").scheme.decode(mvau.FIXED_CODES), mvau.FIXED_VALUE[mvau.FIXED_CODES]
    )


def test_dsp_lanes_take_every_width():
    for bits in mvau.OTHER_DSP_BITS:
        codes = np.delete(np.arange(1 << bits), 1 << bits - 1)
        scheme = lanes.get(f"fixed_{bits}_dsp").scheme
        np.testing.assert_array_equal(scheme.decode(codes), mvau.twos_complement(bits)[codes])


def test_bad_input_is_refused():
    with pytest.raises(MsqError, match="no lane kind is named 'sp2_9_lut'; known: sp2_4_lut"):
        lanes.get("sp2_9_lut")
    with pytest.raises(MsqError, match="activations of 9 bits; it takes 2 to 8"):
        lanes.get("fixed_4_dsp").code_offset([0], 9, False)
    with pytest.raises(MsqError, match="8 is no 4-bit code of fixed_4"):
        lanes.get("fixed_4_lut").code_offset([8], 4, False)


def test_sources_exist_and_start_with_the_package():
    files = lanes.sources()
    assert files[0].name == "msq_pkg.sv"
    assert all(path.is_file() for path in files)
    assert "mvau_msq.sv" in {path.name for path in files}
    assert {path.name for path in lanes.sources(serial=True)} > {path.name for path in files}
