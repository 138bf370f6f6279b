"""The HTML report of a build: whether it is right, how fast it is, what it takes of the board."""

from __future__ import annotations

from typing import Any

import jinja2

from msq_finn.build.report.drawing import draw
from msq_finn.build.summary import Summary
from msq_finn.devices import Device, device_of_part
from msq_finn.errors import MsqError


def render(summary: Summary, seconds: float) -> str:
    """Return the report as one page that needs no other file, and no network.

    Without figures of the part's device there are no shares of it.

    Args:
        summary: the build's figures.
        seconds: how long the build took.
    """
    device = _device(summary.part)
    used = (("LUT sites", "lut", "lut_sites"), ("FF", "ff", "ff"), ("DSP slices", "dsp", "dsp"),
            ("BRAM36", "bram36", "bram36"))  # fmt: skip
    return filled(
        "report.html.j2",
        s=summary,
        budget=[
            (name, getattr(summary, field), getattr(device, limit, None))
            for name, limit, field in used
        ],
        seconds=seconds,
        drawing=draw(summary.nodes, summary.layers, summary.slowest_node),
        interval=summary.cycles_per_image or summary.predicted_cycles_per_image,
    )


def filled(template: str, **values: Any) -> str:
    """Fill a template of HTML in, in which values are text.

    Args:
        template: name of a file beside this one.
        values: by their names in it.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("msq_finn.build.report", "."),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["count"] = _count
    environment.filters["items"] = _items
    return environment.get_template(template).render(**values)


def _count(number: float | None) -> str:
    """A number for people: digits in groups; nothing for None.

    >>> _count(53200), _count(1.5), _count(None)
    ('53,200', '1.5', '')
    """
    return "" if number is None else f"{number:,.10g}"


def _items(text: str) -> str:
    r"""A list whose lines break between its items only.

    >>> _items("sp2_4 8, fixed_4 8").split(" ")
    ['sp2_4\xa08,', 'fixed_4\xa08']
    """
    space = "\N{NO-BREAK SPACE}"
    return text.replace(" ", space).replace(f",{space}", ", ")


def _device(part: str) -> Device | None:
    try:
        return device_of_part(part)
    except MsqError:
        return None
