"""The HTML report of a build: layers, lanes, cycles and resources against the board."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from typing import Any

import jinja2
import numpy as np
from matplotlib.figure import Figure

from msq_finn.build.summary import LayerSummary, Summary
from msq_finn.devices import Device, device_of_part
from msq_finn.errors import MsqError
from msq_finn.synth.resources import Resources

#: Per number system; rows of several of them, FINN's own layers and sites are grey.
_COLOURS = {"sp2": "#2a6f97", "fixed": "#e07a5f", "pot": "#6a994e", "apot": "#8e6c8a"}
_GREY = "#b8b8b8"


def render(
    summary: Summary, measured: Mapping[str, Resources], depths: Mapping[str, int], seconds: float
) -> str:
    """Return the report as one self-contained HTML page.

    Args:
        summary: the build's figures.
        measured: resources per module.
        depths: depth in words per FIFO.
        seconds: how long the build took.

    Without figures of the part's device there are no shares of it.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("msq_finn.build", "."), autoescape=True
    )
    used = {
        "lut": ("LUT sites", summary.lut_sites or 0),
        "ff": ("FF", summary.ff or 0),
        "dsp": ("DSP", summary.dsp or 0),
        "bram36": ("BRAM36", summary.bram36 or 0),
    }
    device = _device(summary.part)
    budget = [(name, count, getattr(device, field, None)) for field, (name, count) in used.items()]
    return environment.get_template("report.html.j2").render(
        s=summary,
        budget=budget,
        modules=sorted(measured.items(), key=lambda item: -item[1].lut_sites),
        depths=depths,
        seconds=seconds,
        figure=_figure(summary.layers, summary.lut_sites or 0),
    )


def _device(part: str) -> Device | None:
    try:
        return device_of_part(part)
    except MsqError:
        return None


def _figure(layers: list[LayerSummary], total: int) -> str:
    """Rows per scheme and LUT sites per layer, as a data URL."""
    names = [layer.name for layer in layers]
    # Not through pyplot, whose choice of a back end belongs to the caller.
    figure = Figure(figsize=(10, 0.6 * len(layers) + 1.6))
    rows, sites = figure.subplots(1, 2, sharey=True)
    left = np.zeros(len(layers))
    for scheme in sorted({scheme for layer in layers for scheme in layer.rows}, key=_rank):
        widths = [layer.rows.get(scheme, 0) for layer in layers]
        rows.barh(names, widths, left=left, label=scheme.replace("|", " or "), **_style(scheme))
        left += widths
    for index, layer in enumerate(layers):
        text = f"{layer.pe_lut} LUT + {layer.pe_dsp} DSP lanes, SIMD {layer.simd}"
        end = (sum(layer.rows.values()), index)
        rows.annotate(text, end, xytext=(5, -4), textcoords="offset points", fontsize=9)
    rows.set_xlim(0, 1.8 * left.max(initial=1))  # room for the text
    rows.set_xlabel("rows (output channels)")
    rows.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncol=4, frameon=False)
    sites.barh(names, [la.lut_sites or 0 for la in layers], color=_GREY)
    sites.set_xlabel(f"LUT sites (whole network: {total})")
    rows.invert_yaxis()
    for axes in (rows, sites):
        axes.spines[["top", "right"]].set_visible(False)
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=120, bbox_inches="tight")
    return "data:image/png;base64," + base64.b64encode(picture.getvalue()).decode()


def _style(scheme: str) -> dict[str, Any]:
    """Colour of a scheme's rows, the lighter the more bits it has."""
    system, _, bits = scheme.rpartition("_")
    if system not in _COLOURS or not bits.isdigit():
        return {"color": _GREY}
    return {"color": _COLOURS[system], "alpha": min(1.0, 4 / int(bits))}


def _rank(scheme: str) -> tuple[int, str]:
    """Number systems in the order of their colours, then what has none."""
    systems = list(_COLOURS)
    system = scheme.rpartition("_")[0]
    return systems.index(system) if system in systems else len(systems), scheme
