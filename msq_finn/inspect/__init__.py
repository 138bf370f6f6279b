"""What the weights of a model are: per layer and row the schemes, the spread, the errors."""

from __future__ import annotations

import os
from pathlib import Path

from msq_finn.errors import MsqError
from msq_finn.inspect.checkpoint_weights import is_checkpoint, weights_of_checkpoint
from msq_finn.inspect.graph_weights import weights_of
from msq_finn.inspect.measure import measure, projection_errors
from msq_finn.inspect.picture import check_picture, draw, save
from msq_finn.inspect.result import InspectedLayer, InspectedRow, Inspection
from msq_finn.lowering.inputs import load_model
from msq_finn.progress import Progress, silent

__all__ = ["InspectedLayer", "InspectedRow", "Inspection", "draw", "inspect", "projection_errors"]


def inspect(path: Path, figure: Path | None = None, progress: Progress = silent) -> Inspection:
    """Look at the weights behind an export's Quant nodes, or at a checkpoint's row-mixed ones.

    Args:
        path: exported QONNX model, or a state_dict; see
            `msq_finn.inspect.checkpoint_weights.weights_of_checkpoint`.
        figure: file for a picture, of a type that matplotlib knows by its ending; see `draw`.
        progress: told of every layer.

    Raises:
        MsqError: a bad model, no quantized weights in it, an unknown type of picture, or no place
            to write it to.
    """
    if figure is not None:
        check_picture(figure)
    if is_checkpoint(path):
        weights = weights_of_checkpoint(path)
    else:
        model = load_model(path)
        try:
            weights = weights_of(model.graph)
        except MsqError as error:
            raise error.within(path) from error
    if not weights:
        raise MsqError(
            "no quantized weights; export a Brevitas model with export_qonnx", where=path
        )
    layers = []
    for index, layer in enumerate(weights):
        progress("Layers", index, len(weights))
        layers.append(measure(layer))
    progress("Layers", len(weights), len(weights))
    result = Inspection(model=os.fsencode(path.name).decode(errors="replace"), layers=layers)
    if figure is not None:
        save(draw(result, [w.ints for w in weights]), figure)
    return result
