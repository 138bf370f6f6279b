"""Ways to fold a depthwise layer, and what its lanes cost.

A DSP lane takes rows of any 4-bit scheme, so that a layer on DSP lanes may mix them. LUT lanes are
planned for layers whose rows are all of one scheme: then any order of the channels will do, as the
layer before, which orders them, wants it.
"""

from __future__ import annotations

from msq_finn.plan.cost import Cost, CostModel, add
from msq_finn.plan.design import Design
from msq_finn.plan.lanes import MAX_SPLITS, Lanes, divisors
from msq_finn.plan.memories import rom_sites
from msq_finn.plan.network import Layer
from msq_finn.plan.points import Depthwise
from msq_finn.rtl.depthwise import channels_per_dsp


def foldings(layer: Layer) -> list[tuple[int, int]]:
    """List (SIMD, PE): some channels at a time, an element each, or several elements of all.

    Args:
        layer: a depthwise one.

    >>> foldings(Layer("dw", 9, 4, 1, depthwise=True))
    [(1, 1), (1, 2), (1, 4), (3, 4), (9, 4)]
    """
    narrow = [(1, pe) for pe in divisors(layer.mh)]
    return narrow + [(simd, layer.mh) for simd in divisors(layer.mw)[1:]]


def splits(layer: Layer, design: Design, simd: int, pe: int) -> list[Lanes]:
    """List the sensible choices of lanes: full DSP slices, and LUT lanes of one scheme beside.

    Every design may use DSP lanes here: FINN has no depthwise unit in RTL before the DSP58.

    Args:
        layer: whose channels they compute.
        design: whether LUT lanes are SP2 or fixed point, where rows may be either.
        simd: elements that a lane takes a cycle; DSP lanes take one.
        pe: lanes.
    """
    rows, pack = layer.allowed, _pack(layer)
    step = max(1, -(-pe // (pack * MAX_SPLITS))) * pack
    dsp = sorted({*range(0, pe, step), pe}) if simd == 1 else [0]
    found = [Lanes(fixed_dsp=pe)] if simd == 1 else []
    if layer.wide_bits:
        return found
    sp2 = not rows.only_fixed and (design.sp2_lut or rows.only_sp2 > 0)
    if sp2:
        found += [Lanes(pe - count, 0, count) for count in dsp if count < pe]
    if not rows.only_sp2 and not (sp2 and design.sp2_first):
        found += [Lanes(0, pe - count, count) for count in dsp if count < pe]
    return found


def code_bits(layer: Layer, lanes: Lanes) -> int:
    """Bits of a weight in memory.

    Args:
        layer: a depthwise one.
        lanes: of each kind.
    """
    return layer.dsp_bits if lanes.fixed_dsp else 4


def compute(model: CostModel, layer: Layer, simd: int, lanes: Lanes) -> Cost:
    """Cost of the lanes and of what they share.

    Args:
        model: costs.
        layer: a depthwise one.
        simd: elements that a lane takes a cycle.
        lanes: of each kind.
    """
    shape = (layer.mw, layer.mh, simd, *lanes[:3])
    types = (layer.act_bits, layer.act_signed, layer.acc_bits, layer.dsp_bits)
    costs = [model.cost(Depthwise(*shape, *types))]
    if layer.steps == 0 and lanes.sp2_lut + lanes.fixed_lut:
        bits = lanes.pe * layer.acc_bits
        memory = bits * rom_sites(layer.mh // lanes.pe)
        costs.append(model.sites("msq", {"offset bits": float(bits), "offset memory": memory}))
    return add(costs)


def _pack(layer: Layer) -> int:
    """Channels that share a DSP slice."""
    return channels_per_dsp(layer.mw, layer.act_bits, layer.act_signed, layer.dsp_bits)
