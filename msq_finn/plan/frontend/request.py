"""What a user asks of a plan, as text: budget, schemes, clock."""

from __future__ import annotations

import math
from dataclasses import replace

from msq_finn import schemes
from msq_finn.errors import MsqError
from msq_finn.lanes import kinds
from msq_finn.plan.frontend.network import Network

#: Clock periods in ns that a plan may have.
CLK_NS = (0.1, 10_000.0)

_UNITS_MHZ = {"hz": 1e-6, "khz": 1e-3, "mhz": 1.0, "ghz": 1e3}


def shares_of(text: str) -> dict[str, float]:
    """Read a budget such as ``lut=0.8,dsp=1,bram=0.9``.

    Args:
        text: as the user gave it.

    Raises:
        MsqError: an unknown resource, or no number above 0 and at most 1.

    >>> shares_of("lut=0.5")
    {'lut': 0.5, 'dsp': 1.0, 'bram': 0.9, 'lutram': 1.0, 'ff': 1.0}
    """
    shares = {"lut": 0.8, "dsp": 1.0, "bram": 0.9, "lutram": 1.0, "ff": 1.0}
    given: set[str] = set()
    for part in text.split(",") if text else ():
        name, _, value = (piece.strip() for piece in part.partition("="))
        if name in given:
            raise MsqError(f"budget {part!r}: {name} is given twice", field="budget", value=part)
        given.add(name)
        if name not in shares:
            known = "=, ".join(shares)
            raise MsqError(
                f"budget {part!r}: give a share of {known}=, as lut=0.8", field="budget", value=part
            )
        try:
            shares[name] = float(value)
        except ValueError as error:
            raise MsqError(
                f"budget {part!r}: {value!r} is no number", field="budget", value=part
            ) from error
        if not 0 < shares[name] <= 1:
            raise MsqError(
                f"budget {part!r}: give a share above 0 and at most 1", field="budget", value=part
            )
    return shares


def schemes_of(text: str) -> tuple[str, ...]:
    """Read a list of schemes such as ``sp2_4,fixed_4``; a family's name stands for its 4 bits.

    Args:
        text: as the user gave it.

    Raises:
        MsqError: none, or one that no lane takes.

    >>> schemes_of("fixed,pot_4")
    ('fixed_4', 'pot_4')
    """
    given = dict.fromkeys(part.strip() for part in text.split(","))
    found = tuple(n if n in schemes.names() else f"{n}_4" for n in given)
    known = dict.fromkeys(k.scheme.name for k in kinds() if not k.any_scheme)
    for name, meant in zip(given, found, strict=True):
        if meant not in known:
            raise MsqError(
                f"scheme {name!r} is not planned; give some of {','.join(known)}",
                field="schemes",
                value=name,
            )
    return found


def clk_ns_of(text: str) -> float:
    """Read a clock: its frequency such as ``100MHz``, or its period such as ``10ns``.

    Args:
        text: as the user gave it.

    Raises:
        MsqError: it is neither, has no unit, or is out of range.

    >>> clk_ns_of("100MHz"), clk_ns_of("8ns")
    (10.0, 8.0)
    """
    lower = text.strip().lower()
    unit = next((u for u in ("khz", "mhz", "ghz", "hz", "ns") if lower.endswith(u)), None)
    try:
        number = float(lower.removesuffix(unit or ""))
    except ValueError:
        unit = None
    if unit is None:
        raise MsqError(
            f"clock {text!r}: give a frequency as 100MHz or a period as 10ns",
            field="clock",
            value=text,
        )
    mhz = _UNITS_MHZ.get(unit)
    period = number if mhz is None else 1e3 / (number * mhz) if number else math.inf
    if not CLK_NS[0] <= period <= CLK_NS[1]:
        least, most = CLK_NS
        raise MsqError(
            f"clock {text!r}: {period:g} ns is not within {least:g} to {most:g} ns",
            field="clock",
            value=text,
        )
    return period


def shape_of(text: str) -> tuple[int, ...]:
    """Read a shape such as ``3,32,32``.

    Args:
        text: as the user gave it.

    Raises:
        MsqError: these are no positive numbers.

    >>> shape_of("3,32,32")
    (3, 32, 32)
    """
    try:
        shape = tuple(int(part) for part in text.split(","))
    except ValueError:
        shape = ()
    if not shape or min(shape) < 1:
        raise MsqError(
            f"--input-shape {text!r}: give positive numbers, as 3,32,32",
            field="--input-shape",
            value=text,
        )
    return shape


def limited_rows(network: Network, only: tuple[str, ...]) -> Network:
    """A network whose rows are of these schemes only.

    Args:
        network: to limit.
        only: schemes that its rows may have; none for all that hold them.

    Raises:
        MsqError: weights need another one.
    """
    if not only:
        return network
    layers = []
    for layer in network.layers:
        for names, count in layer.demand.items():
            if not set(names) & set(only):
                raise MsqError(
                    f"--schemes {','.join(only)}: layer {layer.name} has {count} rows that only "
                    f"{' or '.join(names)} holds; add {names[0]}, or plan before training",
                    field="--schemes",
                    value=",".join(only),
                )
        layers.append(replace(layer, demand=layer.demand.limited(only)))
    return replace(network, layers=tuple(layers))
