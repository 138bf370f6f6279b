"""The weights in a checkpoint whose rows have schemes."""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from msq_finn import schemes
from msq_finn.errors import MsqError
from msq_finn.inspect.graph_weights import FloatArray, Weights
from msq_finn.inspect.result import SCHEMES
from msq_finn.lowering.model_checks import MAX_ELEMENTS

_ZIP = b"PK\x03\x04"  # what torch.save writes since 1.6
_QUANT = "weight_quant.tensor_quant."
_KINDS = f"{_QUANT}int_quant.row_kinds"
_NAMES = f"{_QUANT}int_quant._extra_state"
_LEARNED = f"{_QUANT}scaling_impl.value"
# What scripts save beside weights: settings, and the best accuracy as NumPy has it.
_BESIDE = [
    argparse.Namespace,
    np.ndarray,
    np.dtype,
    np.float64().__reduce__()[0],  # the functions that make a number and an array again
    np.empty(0).__reduce__()[0],
    *{type(np.dtype(code)) for code in "?" + np.typecodes["AllInteger"] + np.typecodes["Float"]},
]
_USUAL = ("model", "state_dict", "model_state_dict")
_WRAPPERS = ("module.", "_orig_mod.")  # of DistributedDataParallel and torch.compile


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
    """Find the layers whose rows have schemes, and quantize their weights.

    Scales are those learned, or the rows' largest magnitudes. Output channels are taken to be the
    first axis of weights, unless only the second has as many entries as rows have schemes.
    Checkpoints of before names were in them are taken to have rows of SP2(4) and Fixed(4), the
    quantizer's default.

    Args:
        path: a state_dict of a network or a layer, alone or in a dictionary with whatever a
            training script saves beside it, written with ``torch.save``.

    Raises:
        MsqError: the file holds objects that only code could read, no quantized layer or several
            networks, unknown schemes, or tensors that are missing or do not fit each other.
    """
    state = _state_of(path, _content(path))
    layers = [
        key.removesuffix(suffix)
        for key in state
        for suffix in (_KINDS, _NAMES)
        if key.endswith(suffix)
    ]
    return [_layer(path, state, layer) for layer in dict.fromkeys(layers)]


def _content(path: Path) -> Any:
    """Load a file in which nothing gets to run."""
    import torch

    try:
        with torch.serialization.safe_globals(_BESIDE):
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch leaves damage to zipfile, its unpickler, ...
        unread = re.search(r"Unsupported global: GLOBAL (\S+)", str(error))
        why = f" (it holds an object of {unread[1]}, which could run code)" if unread else ""
        raise MsqError(
            f"not a checkpoint of tensors{why}; make one with torch.save(model.state_dict())",
            where=path,
        ) from error


def _state_of(path: Path, content: Any) -> dict[str, Any]:
    """Find the state_dict in what a script saved, under the names that its layers have."""
    found: dict[str, dict[str, Any]] = {}
    pending = [("", content)]
    while pending:
        where, value = pending.pop(0)
        if not isinstance(value, Mapping):
            continue
        entries = {str(key): entry for key, entry in value.items()}
        if any(key.endswith((_KINDS, _NAMES)) for key in entries):
            found[where] = entries
        else:
            pending += [(f"{where}.{key}" if where else key, e) for key, e in entries.items()]
    usual = [where for where in found if where.split(".")[-1] in _USUAL]
    if len(found) > 1 and len(usual) == 1:
        found = {usual[0]: found[usual[0]]}
    if not found:
        raise MsqError(
            "no row-mixed layers in it; give a state_dict, or an exported model", where=path
        )
    if len(found) > 1:
        raise MsqError(f"several networks in it: {', '.join(found)}; save one of them", where=path)
    (state,) = found.values()
    for wrapper in _WRAPPERS:
        state = {key.replace(wrapper, ""): value for key, value in state.items()}
    return state


def _layer(path: Path, state: Mapping[str, Any], layer: str) -> Weights:
    name = layer.removesuffix(".") or "weight"
    weight = _values(path, state, f"{layer}weight")
    names = _scheme_names(path, state, layer)
    # Of output channels: those of a transposed convolution come second, a linear layer's first.
    channels = weight.shape[:2] if weight.ndim > 2 else weight.shape[:1]
    one_scheme = layer + _KINDS not in state and channels != ()
    kinds = np.zeros(channels[:1]) if one_scheme else _values(path, state, layer + _KINDS)
    if kinds.ndim != 1 or weight.ndim < 2 or 0 in weight.shape or len(kinds) not in channels:
        raise MsqError(
            f"{layer}weight of shape {weight.shape} does not fit row_kinds of shape "
            f"{kinds.shape}; a kind belongs to each output channel",
            where=path,
        )
    if (np.abs(kinds - np.rint(kinds)) > 1e-3).any() or np.rint(kinds).min() < 0:
        raise MsqError(
            f"{layer}{_KINDS} holds other values than 0 and 1; save it again", where=path
        )
    if np.rint(kinds).max() >= len(names):
        raise MsqError(
            f"rows of {name} have more schemes than {', '.join(names)}; export the model, "
            f"and inspect that",
            where=path,
        )
    axis = channels.index(len(kinds))
    rows = np.moveaxis(weight, axis, 0).reshape(len(kinds), -1)
    if layer + _LEARNED in state:
        alpha = _values(path, state, layer + _LEARNED)
        if alpha.size not in {1, len(rows)}:
            raise MsqError(
                f"{layer}{_LEARNED} of shape {alpha.shape} does not fit {len(rows)} rows",
                where=path,
            )
        alpha = alpha.reshape(-1, 1)
    else:
        alpha = np.abs(rows).max(axis=1, keepdims=True)
    alpha = np.broadcast_to(np.where(alpha > 0, alpha, 1), (len(rows), 1))
    found = [schemes.get(names[int(kind)]) for kind in np.rint(kinds)]
    ints = np.stack([s.project_ints(r, a) for s, r, a in zip(found, rows, alpha, strict=True)])
    steps = alpha / np.array([scheme.grid_max for scheme in found]).reshape(-1, 1)
    op = "Linear" if weight.ndim == 2 else "Conv"
    return Weights(name, op, rows, ints.astype(np.float64), steps)


def _scheme_names(path: Path, state: Mapping[str, Any], layer: str) -> tuple[str, ...]:
    """Return the schemes that the rows of a layer may have."""
    if layer + _NAMES not in state:
        return SCHEMES
    from msq_finn.quant.core import names_of_state

    try:
        names = names_of_state(state[layer + _NAMES])
        for name in names:
            schemes.get(name)
    except MsqError as error:
        raise MsqError(f"{layer}{_NAMES}: {error}", where=path) from error
    return names


def _values(path: Path, state: Mapping[str, Any], name: str) -> FloatArray:
    """A tensor's values.

    Raises:
        MsqError: there is none of the name, or not one of real, finite numbers in memory.
    """
    import torch

    if name not in state:
        raise MsqError(f"no {name} in it; save the whole model.state_dict()", where=path)
    tensor = state[name]
    if not isinstance(tensor, torch.Tensor):
        raise MsqError(
            f"{name} is a {type(tensor).__name__}, not a tensor; save it again", where=path
        )
    odd = (
        "meta" if tensor.is_meta
        else "nested" if tensor.is_nested
        else tensor.dtype if tensor.is_complex()
        else tensor.layout if tensor.layout != torch.strided
        else None
    )  # fmt: skip
    if odd is not None:
        raise MsqError(f"{name} is a {odd} tensor; save one of real numbers, dense", where=path)
    if tensor.numel() > MAX_ELEMENTS:  # of a few stored bytes, where dimensions repeat
        shape = tuple(tensor.shape)
        raise MsqError(
            f"{name} of shape {shape} is too large for an accelerator's layer", where=path
        )
    if tensor.is_quantized:
        tensor = tensor.dequantize()
    values: FloatArray = tensor.detach().double().numpy()
    if not np.isfinite(values).all():
        raise MsqError(f"{name} holds values that are no finite numbers", where=path)
    return values
