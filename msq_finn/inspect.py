"""What an exported model's weights are: per layer and row the schemes, the spread, the errors."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray
from onnx import helper, numpy_helper
from pydantic import BaseModel, ConfigDict
from qonnx.custom_op.general.intquant import int_quant

from msq_finn import schemes
from msq_finn.build.inputs import load_model
from msq_finn.build.output import write
from msq_finn.build.progress import Progress, silent
from msq_finn.errors import MsqError

SCHEMA_VERSION = 1

#: Schemes that rows are compared with: those that have lanes in hardware.
SCHEMES = ("sp2_4", "fixed_4")

COLOURS = {
    "SP2 only": "#2a6f97",
    "fixed only": "#e07a5f",
    "either": "#6a994e",
    "neither": "#6b6b6b",
}

#: Trial values of alpha, as multiples of a row's largest magnitude, besides the file's own.
_TRIALS = np.linspace(0.4, 1.4, 41)

FloatArray = NDArray[np.float64]


class Row(BaseModel):
    """One output channel.

    Attributes:
        schemes: the schemes that hold all of its integers.
        variance: of its weights, as the file has them in front of the quantizer.
        errors: per scheme, the squared error relative to the sum of squares, if those weights were
            projected on it with the best alpha; about 0 for a scheme that they were projected on
            before they were exported.
    """

    model_config = ConfigDict(frozen=True)
    schemes: list[str]
    variance: float
    errors: dict[str, float]

    @property
    def kind(self) -> str:
        """A key of `COLOURS`."""
        if len(self.schemes) == len(SCHEMES):
            return "either"
        return {(): "neither", ("sp2_4",): "SP2 only"}.get(tuple(self.schemes), "fixed only")

    @property
    def letter(self) -> str:
        """One letter for the kind."""
        return {"SP2 only": "S", "fixed only": "F", "either": "E"}.get(self.kind, "-")


class Layer(BaseModel):
    """One layer with quantized weights; ``columns`` is the number of weights of a row."""

    model_config = ConfigDict(frozen=True)
    name: str
    op: str
    columns: int
    smallest: int
    largest: int
    rows: list[Row]

    def count(self, kind: str) -> int:
        """Number of rows of a kind."""
        return sum(row.kind == kind for row in self.rows)

    def mean_error(self, scheme: str) -> float:
        """Mean over the rows of their error under a scheme."""
        return float(np.mean([row.errors[scheme] for row in self.rows]))


class Inspection(BaseModel):
    """All layers of a model, in its order."""

    model_config = ConfigDict(frozen=True)
    schema_version: int = SCHEMA_VERSION
    model: str
    layers: list[Layer]


@dataclass(frozen=True)
class _Weights:
    """Weights of a layer, shape (rows, columns), and what an integer is worth, (rows, 1)."""

    name: str
    op: str
    floats: FloatArray
    ints: FloatArray
    steps: FloatArray


def inspect(path: Path, figure: Path | None = None, progress: Progress = silent) -> Inspection:
    """Look at every layer whose weights go through a Quant node.

    Args:
        path: exported QONNX model.
        figure: file for a picture, of a type that matplotlib knows by its ending; see `draw`.
        progress: told of every layer.

    Raises:
        MsqError: a bad model, no quantized weights in it, or an unknown type of picture.
    """
    if figure is not None:
        _check_picture(figure)
    weights = _weights(load_model(path).graph)
    if not weights:
        raise MsqError(f"{path}: no quantized weights; export a Brevitas model with export_qonnx")
    layers = []
    for index, layer in enumerate(weights):
        progress("Layers", index, len(weights))
        layers.append(_layer(layer))
    progress("Layers", len(weights), len(weights))
    result = Inspection(model=os.fsencode(path.name).decode(errors="replace"), layers=layers)
    if figure is not None:
        _save(draw(result, [w.ints for w in weights]), figure)
    return result


def projection_errors(rows: FloatArray, scheme: str, alphas: Sequence[FloatArray]) -> FloatArray:
    """Return each row's least squared error under a scheme, relative to its sum of squares.

    Args:
        rows: weights; shape (rows, columns).
        scheme: name of the scheme.
        alphas: trial values of level 1, each of shape (rows, 1).

    Returns:
        Fractions; shape (rows,). 0 for a row of zeros.

    Examples:
        >>> projection_errors(np.array([[0.5, 0.625, -1.0]]), "sp2_4", [np.array([[1.0]])])
        array([0.])
    """
    target = schemes.get(scheme)
    energy = np.square(rows).sum(axis=1)
    errors = [np.square(rows - target.project(rows, alpha)).sum(axis=1) for alpha in alphas]
    least: FloatArray = np.min(errors, axis=0) / np.where(energy > 0, energy, 1)
    return least


def _layer(weights: _Weights) -> Layer:
    largest = np.abs(weights.floats).max(axis=1, keepdims=True)
    largest = np.where(largest > 0, largest, 1)
    errors: dict[str, FloatArray] = {}
    held: dict[str, NDArray[np.bool_]] = {}
    for name in SCHEMES:
        trials = [largest * trial for trial in _TRIALS]
        trials.append(weights.steps * schemes.get(name).grid_max)
        errors[name] = projection_errors(weights.floats, name, trials)
        held[name] = np.all(schemes.get(name).holds(weights.ints.astype(np.int64)), axis=1)
    variances = weights.floats.var(axis=1)
    rows = [
        Row(
            schemes=[name for name in SCHEMES if held[name][index]],
            variance=float(variances[index]),
            errors={name: float(errors[name][index]) for name in SCHEMES},
        )
        for index in range(len(variances))
    ]
    return Layer(
        name=weights.name,
        op=weights.op,
        columns=weights.ints.shape[1],
        smallest=int(weights.ints.min()),
        largest=int(weights.ints.max()),
        rows=rows,
    )


def _weights(graph: onnx.GraphProto) -> list[_Weights]:
    """Find Quant nodes on constants, and the layer that each leads to."""
    constants = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant" and node.attribute[0].name == "value":
            constants[node.output[0]] = numpy_helper.to_array(node.attribute[0].t)
    found = []
    for node in graph.node:
        if node.op_type != "Quant" or not all(name in constants for name in node.input):
            continue
        floats, scale, zero, bits = (constants[name].astype(np.float64) for name in node.input)
        options = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        signed, narrow = bool(options.get("signed", 1)), bool(options.get("narrow", 0))
        mode = options.get("rounding_mode", b"ROUND").decode()
        quantized = int_quant(floats, scale, zero, bits, signed, narrow, mode)
        steps = np.broadcast_to(scale, floats.shape)
        layer, axis = _consumer(graph, node, floats.ndim)
        if layer is None:
            continue
        rows, ints, step = (
            np.moveaxis(a, axis, 0).reshape(a.shape[axis], -1)
            for a in (floats, np.rint(quantized / scale), steps)
        )
        name = layer.name or layer.output[0]
        found.append(_Weights(name, layer.op_type, rows, ints, step.max(axis=1, keepdims=True)))
    return found


def _consumer(graph: onnx.GraphProto, quant: Any, rank: int) -> tuple[Any, int]:
    """The layer that a weight's quantizer feeds, and the weight's axis of output channels."""
    tensor, axes = quant.output[0], list(range(rank))
    for node in graph.node:
        if tensor not in node.input:
            continue
        options = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        if node.op_type == "Transpose":
            axes = [axes[i] for i in options.get("perm", reversed(range(rank)))]
            tensor = node.output[0]
        elif node.op_type == "Conv":
            return node, axes[0]
        elif node.op_type == "ConvTranspose":
            return node, axes[1]
        elif node.op_type == "MatMul":
            return node, axes[-1]
        elif node.op_type == "Gemm":
            return node, axes[0 if options.get("transB") else 1]
    return None, 0


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
            errors.plot(percent, range(len(order)), ".", color=colour, label=scheme)
        errors.set(xlabel="error if projected (%)", xlim=(-0.1, None))
        errors.grid(axis="x", alpha=0.3)
        for axes in (histogram, errors):
            axes.spines[["top", "right"]].set_visible(False)
    grid[0, 1].legend(frameon=False, fontsize="small")
    kinds = {row.kind for layer in result.layers for row in layer.rows}
    patches = [Patch(color=colour, label=k) for k, colour in COLOURS.items() if k in kinds]
    figure.legend(
        handles=patches, loc="outside upper left", ncols=4, frameon=False, title="rows held by"
    )
    return figure


def _draw_rows(axes: Any, layer: Layer, values: FloatArray, order: NDArray[np.int64]) -> None:
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


def _check_picture(path: Path) -> None:
    known = FigureCanvasAgg(Figure()).get_supported_filetypes()
    if path.suffix[1:].lower() not in known:
        raise MsqError(f"{path}: no type of picture; choose from .{', .'.join(sorted(known))}")


def _save(figure: Figure, path: Path) -> None:
    picture = io.BytesIO()
    figure.savefig(picture, dpi=130, format=path.suffix[1:].lower())
    try:
        write(path, picture.getvalue())
    except OSError as error:
        raise MsqError(f"cannot write to {path}: {error.strerror}; choose another -o") from error
