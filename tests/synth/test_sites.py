"""Sites of small netlists, counted by hand."""

from __future__ import annotations

import pytest

from msq_finn.errors import MsqError
from msq_finn.synth.sites import Sites, count_sites
from tests.synth.builder import Builder


def test_shared_inputs_decide_whether_two_functions_share_a_site():
    b = Builder()
    p, q, r, s, t, u = b.inputs(6)
    sharing = b.build([b.lut(p, q, r), b.lut(r, s, t)])
    assert count_sites(sharing) == Sites(logic=1, memory=0, carry_bits=0, pairs=1)

    b = Builder()
    p, q, r, s, t, u = b.inputs(6)
    apart = b.build([b.lut(p, q, r), b.lut(s, t, u)])
    assert count_sites(apart) == Sites(logic=2, memory=0, carry_bits=0, pairs=0)


def test_small_functions_share_a_site_without_sharing_inputs():
    b = Builder()
    p, q, r, s, t = b.inputs(5)
    assert count_sites(b.build([b.lut(p, q), b.lut(r, s, t)])).total == 1


def test_six_inputs_never_share():
    b = Builder()
    nets = b.inputs(6)
    assert count_sites(b.build([b.lut(*nets), b.lut(nets[0])])).total == 2


def test_constant_and_repeated_pins_are_no_inputs():
    b = Builder()
    p, q, r, s, t = b.inputs(5)
    # Five distinct nets in all, though the pins are twelve.
    assert count_sites(b.build([b.lut(p, q, r, s, t, "1"), b.lut(p, p, q, q, r, "0")])).total == 1


def test_adder_takes_a_site_per_used_carry_bit():
    b = Builder()
    a, c = b.inputs(6), b.inputs(6)
    select = [b.lut(x, y) for x, y in zip(a, c, strict=True)]
    low, carry = b.carry4(select[:4], a[:4])
    high, _ = b.carry4([*select[4:], "0", "0"], [*a[4:], "0", "0"], carry[3])
    # Six bits are in use; their LUTs sit before the chain and cannot pair with one another.
    counted = count_sites(b.build([*low, *high[:2]]))
    assert counted == Sites(logic=6, memory=0, carry_bits=6, pairs=0)


def test_carry_bit_without_a_lut_takes_a_site_to_route_through():
    b = Builder()
    a = b.inputs(3)
    # Bit 0 is a net, bit 1 a constant, bit 2 a LUT; bit 3 is unused.
    total, _ = b.carry4([a[0], "1", b.lut(a[1], a[2]), "0"], ["0"] * 4)
    assert count_sites(b.build([total[2]])) == Sites(logic=3, memory=0, carry_bits=3, pairs=0)


def test_lut_before_two_carry_bits_is_duplicated():
    b = Builder()
    a = b.inputs(2)
    lut = b.lut(*a)
    total, _ = b.carry4([lut, lut, "0", "0"], ["0"] * 4)
    assert count_sites(b.build(total[:2])).logic == 2


def test_only_the_main_output_of_lut6_2_reaches_the_carry_select():
    b = Builder()
    a = b.inputs(1)
    low, high = b.nets(2)
    b.cell("LUT6_2", O5=low, O6=high, I0=a, I1="0", I2="0", I3="0", I4="0", I5="1")
    total, _ = b.carry4([high, low, "0", "0"], ["0"] * 4)
    # The LUT sits before bit 0; its O5 routes through the site of bit 1.
    assert count_sites(b.build(total[:2])).logic == 2


def test_carry_lut_shares_its_site_with_another_lut():
    b = Builder()
    a = b.inputs(3)
    total, _ = b.carry4([b.lut(a[0], a[1]), "0", "0", "0"], ["0"] * 4)
    counted = count_sites(b.build([total[0], b.lut(a[1], a[2])]))
    assert counted == Sites(logic=1, memory=0, carry_bits=1, pairs=1)


def test_row_compressor_takes_one_site_per_column():
    """A 4:2 compressor: O6 = a^b^c^d selects, O5 = maj(a, b, c) goes out, d enters the chain."""
    b = Builder()
    rows = [b.inputs(4) for _ in range(4)]
    select, majority = b.nets(4), b.nets(4)
    for k in range(4):
        pins = {f"I{i}": row[k] for i, row in enumerate(rows)} | {"I4": "0", "I5": "1"}
        b.cell("LUT6_2", O6=select[k], O5=majority[k], **pins)
    total, carry = b.carry4(select, rows[3])
    counted = count_sites(b.build([*total, carry[3], *majority]))
    assert counted == Sites(logic=4, memory=0, carry_bits=4, pairs=0)


def test_wide_mux_takes_the_sites_of_its_luts():
    b = Builder()
    data, select = b.inputs(16), b.inputs(4)
    fours = [b.lut(*data[4 * k : 4 * k + 4], *select[:2]) for k in range(4)]
    eights = b.nets(2)
    for k, eight in enumerate(eights):
        b.cell("MUXF7", I0=fours[2 * k], I1=fours[2 * k + 1], S=select[2], O=eight)
    out = b.net()
    b.cell("MUXF8", I0=eights[0], I1=eights[1], S=select[3], O=out)
    assert count_sites(b.build([out])).total == 4


def test_luts_before_a_wide_mux_do_not_pair_and_nets_route_through():
    b = Builder()
    p, q, r = b.inputs(3)
    out = b.net()
    b.cell("MUXF7", I0=b.lut(p, q), I1=r, S=q, O=out)
    # The LUT, a route-through for r, and a LUT that finds no partner.
    assert count_sites(b.build([out, b.lut(p, q)])) == Sites(3, 0, 0, 0)


@pytest.mark.parametrize(
    ("kind", "sites"),
    [("RAM32M", 4), ("RAM64M", 4), ("RAM32X1D", 2), ("RAM64X1D", 2), ("RAM128X1D", 4)],
)
def test_lut_ram(kind: str, sites: int):
    b = Builder()
    out = b.net()
    b.cell(kind, WCLK=b.inputs(1), DPO=out)
    assert count_sites(b.build([out])) == Sites(logic=0, memory=sites, carry_bits=0, pairs=0)


def test_short_shift_registers_share_a_site_if_control_and_address_agree():
    b = Builder()
    clock, enable, other, data = b.inputs(4)
    outs = b.nets(4)
    for out, ce in zip(outs, (enable, enable, enable, other), strict=True):
        b.cell("SRL16E", CLK=clock, CE=ce, A0="1", A1="0", A2="0", A3="0", D=data, Q=out)
    # Three on one enable take two sites, the fourth one of its own.
    assert count_sites(b.build(outs)).memory == 3


def test_inverter_is_free_only_where_every_pin_inverts():
    b = Builder()
    clock, data = b.inputs(2)
    inverted = b.net()
    b.cell("INV", I=clock, O=inverted)
    clocked = b.flip_flop(data, inverted)
    assert count_sites(b.build([clocked])).total == 0
    assert count_sites(b.build([clocked, b.flip_flop(inverted, clock)])).total == 1


def test_unmapped_cell_is_refused():
    b = Builder()
    p, q = b.inputs(2)
    out = b.net()
    b.cell("$mul", A=p, B=q, O=out)
    with pytest.raises(MsqError, match=r"c0 of type \$mul is not mapped"):
        count_sites(b.build([out]))
