"""What the LUTs of units with lanes are proportional to: lane by lane, and what lanes share."""

from __future__ import annotations

from collections.abc import Iterator

from msq_finn.lanes import FINN, LaneCounts, LaneKind, Shape, dsp
from msq_finn.lanes.kind import Features
from msq_finn.plan.cost.memories import bits, ram_sites, rom_sites

#: LUT sites that choose one of so many bits.
_SELECTOR_SITES = {2: 0.5, 3: 1, 4: 1, 5: 2, 6: 2, 7: 2, 8: 2}


def packs(lanes: int, pack: int) -> Iterator[tuple[int, int]]:
    """Take lanes of a kind apart, into full packs of DSP slices and a last one.

    Args:
        lanes: how many.
        pack: lanes of a full one.

    Yields:
        how many packs there are, and the lanes of each.

    >>> list(packs(11, 4)), list(packs(3, 4))
    ([(2, 4), (1, 3)], [(1, 3)])
    """
    full, rest = divmod(lanes, pack)
    if full:
        yield full, pack
    if rest:
        yield 1, rest


def group_of(kind: LaneKind, depthwise: bool) -> str:
    """Nodes whose coefficients hold for a lane; constants' and FINN's lanes have their own.

    Args:
        depthwise: whether it is in the depthwise unit.
    """
    if kind.constant:
        return "serial" if kind.serial else "embedded"
    if FINN in kind.units:
        return "finn_mvu"
    return "depthwise" if depthwise else "msq"


def frame(lanes: LaneCounts, shape: Shape, depthwise: bool) -> Features:
    """What lanes share: streams, the buffer of activations and control.

    Args:
        lanes: of the unit.
        depthwise: whether it is the depthwise unit.
    """
    words = shape.products // shape.simd
    passes = shape.folds // words
    if depthwise:
        # Sums of LUT lanes wait for those of DSP lanes beside them.
        waiting = lanes.of_engine("lut") * bool(lanes.of_engine("dsp"))
        return {
            "aligned bits": waiting * shape.acc_bits,
            "input bits": lanes.pe * shape.simd * shape.act_bits,
            "counter bits": bits(words) + bits(passes),
            "layer": 1,
        }
    width, kept = shape.simd * shape.act_bits, passes > 1
    if lanes.is_serial:
        return {
            "fold bits": bits(shape.folds),
            # A single word is kept in registers.
            "replay memory": ram_sites(width, words) if words > 1 else 0,
            "replay bits": width if words == 1 else 0,
            "plane selectors": shape.simd * _SELECTOR_SITES[shape.act_bits],
            # Where one LUT has no room for it beside the selection.
            "inverted planes": shape.simd * (shape.act_signed and shape.act_bits > 4),
            "plane bits": shape.simd,
            "counter bits": bits(words) + bits(passes) + bits(shape.act_bits),
            "layer": 1,
        }
    return {
        **({"fold bits": bits(shape.folds)} if lanes.is_constant else {}),
        # A single word is kept in registers.
        "replay memory": width * rom_sites(words) if kept and words > 1 else 0,
        "replay bits": width if kept else 0,
        "waiting bits": shape.act_bits * sum(_waits(kind, shape.simd) for kind in lanes.kinds),
        "counter bits": bits(words) + bits(passes),
        "layer": 1,
    }


def _waits(kind: LaneKind, simd: int) -> int:
    """Cycles that activations wait for the slices of chains, which all lanes of a kind share."""
    return dsp.waits(simd, kind.chain) if kind.chain else 0


def offsets(pe: int, acc_bits: int, passes: int) -> Features:
    """Constants that are added to the sums.

    Args:
        pe: lanes.
        acc_bits: bits of a sum.
        passes: rows of a lane.
    """
    offset_bits = pe * acc_bits
    return {"offset bits": offset_bits, "offset memory": offset_bits * rom_sites(passes)}


def unit(lanes: LaneCounts, shape: Shape, depthwise: bool = False) -> Features:
    """A whole unit of lanes that share coefficients.

    Args:
        depthwise: whether it is the depthwise unit.
    """
    total = frame(lanes, shape, depthwise)
    for kind, count in zip(lanes.kinds, lanes.values(), strict=True):
        for number, size in packs(count, kind.pack(shape)):
            for name, value in kind.features(size, shape).items():
                total[name] = total.get(name, 0.0) + number * value
    return total
