"""Layer by layer through the float network, the quantized one and the RTL.

For every layer with its activation: ranges, saturation, dead channels, and signal to noise beside
the float network, with all noise from before and of the layer alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_node, execute_onnx
from qonnx.transformation.fold_constants import FoldConstants
from qonnx.transformation.infer_shapes import InferShapes

from msq_finn.errors import MsqError
from msq_finn.layer_notes import ROWS, weight_quantizers
from msq_finn.lowering.ends import Ends, each, frames, image
from msq_finn.lowering.inputs import check_images
from msq_finn.lowering.model_checks import data_inputs
from msq_finn.progress import Progress, silent
from msq_finn.trace.points import TracePoint, note_modules, points_of, without_quantizers
from msq_finn.trace.rtl_levels import Levels, seen_in_rtl
from msq_finn.trace.sums import Extent, Noise
from msq_finn.trace.traced import Trace, TracedLayer
from msq_finn.transforms.quantizer_nodes import levels_of
from msq_finn.transforms.tensor_notes import read_note

Context = Mapping[str, NDArray[Any]]


@dataclass
class _Layer:
    """What is counted of a layer."""

    point: TracePoint
    beside: TracePoint
    values: Extent = field(default_factory=Extent)
    floats: Extent = field(default_factory=Extent)
    noise: Noise = field(default_factory=Noise)
    own: Noise = field(default_factory=Noise)
    beyond: int = 0
    levels: list[NDArray[np.int64]] = field(default_factory=list)


def trace(
    source: Path,
    images: Any,
    float_model: Path | None = None,
    build: Path | None = None,
    progress: Progress = silent,
) -> Trace:
    """Trace images through an exported network.

    Args:
        source: exported QONNX model.
        images: network inputs without the batch axis, [images, ...]; of several inputs, a mapping
            from their names to such arrays.
        float_model: the float network, as torch.onnx.export writes it, with the same names of
            modules; None to compare with the exported weights and activations that are not
            quantized.
        build: output folder of a simulated build of the same model, whose RTL is simulated again
            with its inner streams in view; None to leave it out.
        progress: told of images.

    Raises:
        MsqError: no layer of the float network has the name of one of the exported model's, or
            the build is of another model.
    """
    model = _opened(source)
    beside = without_quantizers(model) if float_model is None else _opened(float_model)
    given = check_images(images, source, "images", least=1)
    points, others = points_of(model), points_of(beside)
    layers = {
        name: _Layer(point, others[name])
        for name, point in points.items()
        if name in others and _shape(model, point) == _shape(beside, others[name])
    }
    if not layers:
        raise MsqError(
            f"no layer of {float_model} has the name and shape of one of {source}; export both "
            "from the same modules, with torch.onnx.export and export_qonnx",
            field="--float",
        )
    for number in range(frames(given)):
        progress("Trace", number, frames(given))
        one = image(given, slice(number, number + 1))
        _count(layers, model, _executed(model, one), _executed(beside, one))
    progress("Trace", frames(given), frames(given))
    levels = {}
    if build is not None:
        wanted = {
            layer.point.quantizer.output[0]: np.stack(layer.levels)
            for layer in layers.values()
            if layer.point.quantizer is not None
        }
        levels = seen_in_rtl(build, source, given, wanted, progress)
    scales = _scales(model)
    return Trace(
        model=source.name,
        against=float_model.name if float_model else "its own weights, activations not quantized",
        images=frames(given),
        layers=[_told(model, name, layer, scales, levels) for name, layer in layers.items()],
        unmatched=[name for name in points if name not in layers],
    )


def _opened(path: Path) -> ModelWrapper:
    """Read a file; nodes and tensors keep their names."""
    model = ModelWrapper(str(path)).transform(InferShapes())
    note_modules(model)
    return model.transform(FoldConstants())


def _executed(model: ModelWrapper, one: Ends) -> Context:
    names = [info.name for info in data_inputs(model.graph)]
    if len(names) != len(each(one)):
        raise MsqError(
            f"the float network has {len(names)} inputs, the exported model {len(each(one))}",
            field="--float",
        )
    inputs = dict(zip(names, each(one), strict=True))
    found: Context = execute_onnx(model, inputs, return_full_exec_context=True)
    return found


def _shape(model: ModelWrapper, point: TracePoint) -> Any:
    return model.get_tensor_shape(point.output)


def _count(layers: Mapping[str, _Layer], model: ModelWrapper, q: Context, f: Context) -> None:
    opset = model.get_opset_imports()[""]
    for layer in layers.values():
        values, expected = q[layer.point.output], f[layer.beside.output]
        layer.values.add(values)
        layer.floats.add(expected)
        layer.noise.add(values, expected)
        alone = dict(q)
        alone[layer.point.source] = f[layer.beside.source]
        for node in layer.point.nodes:
            execute_node(node, alone, model.graph, opset)
        layer.own.add(alone[layer.point.output], expected)
        if (quantizer := layer.point.quantizer) is not None:
            scale, zero = (q[quantizer.input[i]].astype(np.float64) for i in (1, 2))
            low, high = levels_of(quantizer, int(model.get_initializer(quantizer.input[3])))
            steps = q[quantizer.input[0]] / scale + zero
            layer.beyond += int(((steps < low - 0.5) | (steps > high + 0.5)).sum())
            layer.levels.append(np.rint(values / scale + zero).astype(np.int64)[0])


def _told(
    model: ModelWrapper,
    name: str,
    layer: _Layer,
    scales: Mapping[str, tuple[float, float]],
    levels: Mapping[str, Levels],
) -> TracedLayer:
    node, quantizer = layer.point.nodes[0], layer.point.quantizer
    seen = levels.get(quantizer.output[0]) if quantizer is not None else None
    count = sum(each.size for each in layer.levels)
    rows = read_note(model, node.input[1], ROWS)
    return TracedLayer(
        name=name,
        rows=dict(Counter(rows.split(",")).most_common()) if rows else {},
        scales=scales.get(node.output[0]),
        float_range=layer.floats.range,
        range=layer.values.range,
        saturated=layer.beyond / count if count else None,
        channels=layer.values.low.size,
        dead=layer.values.constant,
        snr_db=layer.noise.decibels,
        own_snr_db=layer.own.decibels,
        rtl_values=seen.values if seen else None,
        rtl_differ=seen.differ if seen else None,
    )


def _scales(model: ModelWrapper) -> dict[str, tuple[float, float]]:
    """Least and greatest scale of the weights, by the name of a layer's output."""
    found = {}
    for quantizer, layer in weight_quantizers(model.graph):
        scale = model.get_initializer(quantizer.input[1])
        found[layer.output[0]] = float(scale.min()), float(scale.max())
    return found
