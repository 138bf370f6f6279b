"""A picture of a model's rows."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray

from msq_finn.errors import MsqError
from msq_finn.files import check_target, write
from msq_finn.inspect.graph_weights import FloatArray
from msq_finn.inspect.result import SCHEMES, InspectedLayer, Inspection

#: Per kind of row, as `Row.kind` names it.
COLOURS = {
    "SP2 only": "#2a6f97",
    "fixed only": "#e07a5f",
    "either": "#6a994e",
    "neither": "#6b6b6b",
}


def draw(result: Inspection, ints: Sequence[FloatArray]) -> Figure:
    """Draw each layer's rows, ordered by variance, and what each scheme costs them.

    On the left a line is a row's histogram: the darker a field, the more of the row's weights have
    that integer; the colour says which schemes hold the row. On the right are the row's errors.

    Args:
        result: as from `inspect`.
        ints: per layer its integers; shape (rows, columns).
    """
    heights = [1.2 + min(6.0, 0.09 * len(layer.rows)) for layer in result.layers]
    figure = Figure(figsize=(9, sum(heights) + 0.8), layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.subplots(
        len(heights), 2, squeeze=False, sharey="row", height_ratios=heights, width_ratios=[3, 2]
    )
    for (histogram, errors), layer, values in zip(grid, result.layers, ints, strict=True):
        order = np.argsort([row.variance for row in layer.rows], kind="stable")
        _draw_rows(histogram, layer, values[order], order)
        for scheme, colour in zip(SCHEMES, list(COLOURS.values())[:2], strict=True):
            percent = [100 * layer.rows[row].errors[scheme] for row in order]
            errors.plot(percent, range(len(order)), ".", color=colour, label=scheme, clip_on=False)
        errors.set(xlabel="error if projected (%)", xlim=(0, None))
        errors.grid(axis="x", alpha=0.3)
        for axes in (histogram, errors):
            axes.spines[["top", "right"]].set_visible(False)
    kinds = {row.kind for layer in result.layers for row in layer.rows}
    patches = [Patch(color=colour, label=k) for k, colour in COLOURS.items() if k in kinds]
    figure.legend(
        handles=patches, loc="outside upper left", ncols=4, frameon=False, title="rows held by"
    )
    figure.legend(
        *grid[0, 1].get_legend_handles_labels(),
        loc="outside upper right",
        ncols=2,
        frameon=False,
        markerscale=2,
        title="error if projected to",
    )
    return figure


def _draw_rows(
    axes: Any, layer: InspectedLayer, values: FloatArray, order: NDArray[np.int64]
) -> None:
    bound = max(8, abs(layer.smallest), abs(layer.largest))
    edges = np.arange(-bound - 0.5, bound + 1) if bound <= 32 else np.linspace(-bound, bound, 66)
    counts = np.stack([np.histogram(row, edges)[0] for row in values])
    shade = np.sqrt(counts / counts.max(axis=1, keepdims=True))[..., None]
    colours = np.array([to_rgb(COLOURS[layer.rows[row].kind]) for row in order])[:, None]
    axes.imshow(
        1 - shade * (1 - colours),
        aspect="auto",
        origin="lower",
        interpolation="nearest",
        extent=(edges[0], edges[-1], -0.5, len(order) - 0.5),
    )
    counted = ", ".join(f"{layer.count(kind)} {kind}" for kind in COLOURS if layer.count(kind))
    axes.set_title(f"{layer.name}: {len(order)} rows of {layer.columns} ({counted})", fontsize=9)
    axes.set(xlabel="integer weight", ylabel="row, by variance", yticks=[])


def check_picture(path: Path) -> None:
    """Refuse files that cannot be written, or of a type that matplotlib does not write.

    Args:
        path: the file, whose ending names the type.

    Raises:
        MsqError: the name's ending is none of the types, which the text lists; or see
            :func:`msq_finn.files.check_target`.
    """
    known = FigureCanvasAgg(Figure()).get_supported_filetypes()
    if path.suffix[1:].lower() not in known:
        raise MsqError(f"no type of picture; choose from .{', .'.join(sorted(known))}", where=path)
    check_target(path)


def save(figure: Figure, path: Path) -> None:
    """Write a figure, all or nothing.

    Args:
        figure: as `draw` makes it.
        path: the file, whose ending names the type.

    Raises:
        MsqError: the folder cannot be written.
    """
    picture = io.BytesIO()
    figure.savefig(picture, dpi=130, format=path.suffix[1:].lower())
    try:
        write(path, picture.getvalue())
    except OSError as error:
        raise MsqError(f"cannot write to {path}: {error.strerror}; choose another -o") from error
