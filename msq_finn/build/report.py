"""The HTML report of a build: layers, lanes, cycles and resources against the board."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping

import jinja2
from matplotlib.figure import Figure

from msq_finn.build.summary import Layer, Summary
from msq_finn.errors import MsqError
from msq_finn.plan.devices import Device, device_of_part
from msq_finn.synth.resources import Resources

_COLOURS = {"sp2": "#2a6f97", "fixed": "#e07a5f", "other": "#b8b8b8"}


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


def _figure(layers: list[Layer], total: int) -> str:
    """Rows per scheme and LUT sites per layer, as a data URL."""
    names = [layer.name for layer in layers]
    # Not through pyplot, whose choice of a back end belongs to the caller.
    figure = Figure(figsize=(10, 0.6 * len(layers) + 1.6))
    rows, sites = figure.subplots(1, 2, sharey=True)
    rows.barh(names, [la.rows_sp2 for la in layers], color=_COLOURS["sp2"], label="SP2 rows")
    rows.barh(
        names,
        [la.rows_fixed for la in layers],
        left=[la.rows_sp2 for la in layers],
        color=_COLOURS["fixed"],
        label="other rows, as fixed point",
    )
    for index, layer in enumerate(layers):
        text = f"{layer.pe_lut} LUT + {layer.pe_dsp} DSP lanes, SIMD {layer.simd}"
        end = (layer.rows_sp2 + layer.rows_fixed, index)
        rows.annotate(text, end, xytext=(5, -4), textcoords="offset points", fontsize=9)
    rows.margins(x=0.8)
    rows.set_xlabel("rows (output channels)")
    rows.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncol=2, frameon=False)
    sites.barh(names, [la.lut_sites or 0 for la in layers], color=_COLOURS["other"])
    sites.set_xlabel(f"LUT sites (whole network: {total})")
    rows.invert_yaxis()
    for axes in (rows, sites):
        axes.spines[["top", "right"]].set_visible(False)
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=120, bbox_inches="tight")
    return "data:image/png;base64," + base64.b64encode(picture.getvalue()).decode()
