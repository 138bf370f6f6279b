"""The row-mixed weights in a checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from msq_finn import schemes
from msq_finn.errors import MsqError
from msq_finn.inspect.result import SCHEMES
from msq_finn.inspect.weights import Weights

_ZIP = b"PK\x03\x04"  # what torch.save writes since 1.6
_QUANT = ".weight_quant.tensor_quant."
_KINDS = f"{_QUANT}int_quant.row_kinds"
_LEARNED = f"{_QUANT}scaling_impl.value"


def is_checkpoint(path: Path) -> bool:
    """Tell a file of ``torch.save`` from an ONNX file.

    Args:
        path: the file, which may be missing.
    """
    try:
        with path.open("rb") as file:
            return file.read(len(_ZIP)) == _ZIP
    except OSError:
        return False


def weights_of_checkpoint(path: Path) -> list[Weights]:
    """Find the layers that keep a scheme for each row, and quantize their weights.

    A checkpoint says which of its layer's schemes a row has, not what these are: they are taken to
    be SP2(4) and Fixed(4), the quantizer's default. Scales are those learned, or the rows' largest
    magnitudes. Layers of one scheme leave no trace in a checkpoint, and are left out.

    Args:
        path: a state_dict, or a dictionary with one as ``state_dict``, saved with ``torch.save``.

    Raises:
        MsqError: the file holds more than tensors and plain values, no row-mixed layer, or one of
            more than two schemes.
    """
    import torch

    try:
        # Tensors and plain values only: nothing in the file gets to run.
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch leaves damage to zipfile, its unpickler, ...
        raise MsqError(
            f"{path}: not a checkpoint of tensors; make one with torch.save(model.state_dict())"
        ) from error
    state = content.get("state_dict", content) if isinstance(content, Mapping) else {}
    names = [str(key).removesuffix(_KINDS) for key in state if str(key).endswith(_KINDS)]
    if not names:
        raise MsqError(
            f"{path}: no row-mixed layers in it; give a state_dict, or an exported model"
        )
    return [_layer(path, state, name) for name in names]


def _layer(path: Path, state: Mapping[str, Any], name: str) -> Weights:
    kinds = state[name + _KINDS].numpy()
    weight = state[f"{name}.weight"].detach().double().numpy()
    if kinds.max() >= len(SCHEMES):
        raise MsqError(
            f"{path}: rows of {name} have more than two schemes; export the model, and inspect that"
        )
    axis = 0 if len(weight) == len(kinds) else 1  # of output channels; 1 if transposed
    rows = np.moveaxis(weight, axis, 0).reshape(len(kinds), -1)
    if name + _LEARNED in state:
        alpha = state[name + _LEARNED].double().numpy().reshape(-1, 1)
    else:
        alpha = np.abs(rows).max(axis=1, keepdims=True)
    alpha = np.broadcast_to(np.where(alpha > 0, alpha, 1), (len(rows), 1))
    found = [schemes.get(scheme) for scheme in SCHEMES]
    ints = np.stack(
        [found[k].project_ints(r, a) for k, r, a in zip(kinds, rows, alpha, strict=True)]
    )
    steps = alpha / np.array([found[kind].grid_max for kind in kinds]).reshape(-1, 1)
    op = "Linear" if weight.ndim == 2 else "Conv"
    return Weights(name, op, rows, ints.astype(np.float64), steps)
