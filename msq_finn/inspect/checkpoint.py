"""The row-mixed weights in a checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from msq_finn import schemes
from msq_finn.build.model_checks import MAX_ELEMENTS
from msq_finn.errors import MsqError
from msq_finn.inspect.result import SCHEMES
from msq_finn.inspect.weights import FloatArray, Weights

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
        if not path.is_file():  # a pipe would be waited for
            return False
        with path.open("rb") as file:
            return file.read(len(_ZIP)) == _ZIP
    except (OSError, ValueError):
        return False


def weights_of_checkpoint(path: Path) -> list[Weights]:
    """Find the layers that keep a scheme for each row, and quantize their weights.

    A checkpoint says which of its layer's schemes a row has, not what these are: they are taken to
    be SP2(4) and Fixed(4), the quantizer's default. Scales are those learned, or the rows' largest
    magnitudes. Layers of one scheme leave no trace in a checkpoint, and are left out.

    Args:
        path: a state_dict, or a dictionary with one as ``state_dict``, saved with ``torch.save``.

    Raises:
        MsqError: the file holds more than tensors and plain values, no row-mixed layer, one of
            more than two schemes, or one whose tensors are missing or do not fit each other.
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
    if not isinstance(state, Mapping):
        state = {}
    names = [str(key).removesuffix(_KINDS) for key in state if str(key).endswith(_KINDS)]
    if not names:
        raise MsqError(
            f"{path}: no row-mixed layers in it; give a state_dict, or an exported model"
        )
    return [_layer(path, state, name) for name in names]


def _layer(path: Path, state: Mapping[str, Any], name: str) -> Weights:
    kinds = _values(path, state, name + _KINDS)
    weight = _values(path, state, f"{name}.weight")
    # Of output channels: those of a transposed convolution come second, a linear layer's first.
    channels = weight.shape[:2] if weight.ndim > 2 else weight.shape[:1]
    if kinds.ndim != 1 or weight.ndim < 2 or 0 in weight.shape or len(kinds) not in channels:
        raise MsqError(
            f"{path}: {name}.weight of shape {weight.shape} does not fit row_kinds of shape "
            f"{kinds.shape}; a kind belongs to each output channel"
        )
    if (kinds != np.rint(kinds)).any() or kinds.min() < 0:
        raise MsqError(f"{path}: {name}{_KINDS} holds other values than 0 and 1; save it again")
    if kinds.max() >= len(SCHEMES):
        raise MsqError(
            f"{path}: rows of {name} have more than two schemes; export the model, and inspect that"
        )
    axis = channels.index(len(kinds))
    rows = np.moveaxis(weight, axis, 0).reshape(len(kinds), -1)
    if name + _LEARNED in state:
        alpha = _values(path, state, name + _LEARNED)
        if alpha.size not in {1, len(rows)}:
            raise MsqError(
                f"{path}: {name}{_LEARNED} of shape {alpha.shape} does not fit {len(rows)} rows"
            )
        alpha = alpha.reshape(-1, 1)
    else:
        alpha = np.abs(rows).max(axis=1, keepdims=True)
    alpha = np.broadcast_to(np.where(alpha > 0, alpha, 1), (len(rows), 1))
    found = [schemes.get(SCHEMES[int(kind)]) for kind in kinds]
    ints = np.stack([s.project_ints(r, a) for s, r, a in zip(found, rows, alpha, strict=True)])
    steps = alpha / np.array([scheme.grid_max for scheme in found]).reshape(-1, 1)
    op = "Linear" if weight.ndim == 2 else "Conv"
    return Weights(name, op, rows, ints.astype(np.float64), steps)


def _values(path: Path, state: Mapping[str, Any], name: str) -> FloatArray:
    """A tensor's values.

    Raises:
        MsqError: there is none of the name, or not one of real, finite numbers in memory.
    """
    import torch

    if name not in state:
        raise MsqError(f"{path}: no {name} in it; save the whole model.state_dict()")
    tensor = state[name]
    if not isinstance(tensor, torch.Tensor):
        raise MsqError(f"{path}: {name} is a {type(tensor).__name__}, not a tensor; save it again")
    odd = (
        "meta" if tensor.is_meta
        else "nested" if tensor.is_nested
        else tensor.dtype if tensor.is_complex()
        else tensor.layout if tensor.layout != torch.strided
        else None
    )  # fmt: skip
    if odd is not None:
        raise MsqError(f"{path}: {name} is a {odd} tensor; save one of real numbers, dense")
    if tensor.numel() > MAX_ELEMENTS:  # of a few stored bytes, where dimensions repeat
        shape = tuple(tensor.shape)
        raise MsqError(f"{path}: {name} of shape {shape} is too large for an accelerator's layer")
    if tensor.is_quantized:
        tensor = tensor.dequantize()
    values: FloatArray = tensor.detach().double().numpy()
    if not np.isfinite(values).all():
        raise MsqError(f"{path}: {name} holds values that are no finite numbers")
    return values
