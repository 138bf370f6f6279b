"""Modules as hardware has them, and why it has none."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import fx, nn
from torch.nn.utils.parametrize import is_parametrized

from msq_finn.post_training.layout_modules import Channels
from msq_finn.post_training.value_functions import is_function

#: What nodes are: they multiply by weights, scale channels, activate (by a ReLU or another
#: function), average, leave values what they are (as pools of maxima and flattening do), meet, or
#: work on floats at either end.
LAYER, NORM, RELU, FUNCTION, AVERAGE, THROUGH, ADD, CAT, BEFORE, BEHIND = (
    *("layer", "norm", "relu", "function", "average", "through", "add", "cat", "before", "behind"),
)

#: Layers of weights, and normalisation with the statistics of training.
LAYERS = (nn.Conv1d, nn.Conv2d, nn.ConvTranspose2d, nn.Linear)
NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)
_DROPOUTS = (nn.Dropout, nn.Dropout1d, nn.Dropout2d)

_TAKES = (
    "convolutions, fully connected layers, batch normalisation, activations, pools, upsampling, "
    "padding, flattening, dropout, slices, sums and concatenations"
)
_INSTEAD = {
    **dict.fromkeys(("Softmax", "softmax"), "end the network before it and compute it from that"),
    **dict.fromkeys(("conv1d", "conv2d", "linear"), "let a module hold its weights"),
    **dict.fromkeys(("mean", "max", "amax"), "hardware has it of whole maps, and of windows"),
    **dict.fromkeys(
        ("mul", "div", "truediv", "sub", "neg"), "layers take constants, where they are next to one"
    ),
    "LSTM": "train brevitas.nn.QuantLSTM from its parameters, which hardware has",
    "GRU": "train msq_finn.nn.QuantGRU from its parameters, which hardware has",
    "RNN": "there is hardware for QuantLSTM of Brevitas and QuantGRU of msq_finn.nn",
}


#: What is wrong with a layer whose weights are no parameters, and what to do.
COMPUTED_WEIGHTS = (
    "its weights are computed from others, as weight_norm, spectral_norm and pruning do; "
    "make them plain first (remove_parametrizations, remove_weight_norm, prune.remove)"
)


def kind_of(node: fx.Node) -> str:
    """Return which of the above a node is; empty for a graph's ends.

    Args:
        node: of a graph in the standard form.
    """
    return str(node.meta.get("kind", ""))


class NoHardware(Exception):
    """What is wrong with an operation, and what to do."""


def no_place(name: str) -> str:
    """Say that hardware has nothing like an operation, and what there is instead.

    Args:
        name: of a module's class, a function or a method.
    """
    advice = _INSTEAD.get(name, f"there is hardware for {_TAKES}")
    return f"{name} has no place in it; {advice}"


def reshaped(before: tuple[int, ...], after: tuple[int, ...]) -> nn.Module:
    """Return what lays out each image anew.

    Args:
        before: shape, with the batch.
        after: shape, with the batch.

    Raises:
        NoHardware: the batch changes.
    """
    if before[0] != after[0]:
        raise NoHardware("mixes the images of a batch")
    if len(after) == 1:
        return nn.Flatten(0)
    flat = [nn.Flatten()] if len(before) > 2 else []
    parts = [*flat, *([nn.Unflatten(1, after[1:])] if len(after) > 2 else [])]
    return nn.Sequential(*parts) if len(parts) != 1 else parts[0]


def is_flattening(before: tuple[int, ...], after: tuple[int, ...]) -> bool:
    """Tell whether a reshape flattens maps, or takes away one of their axes of size 1.

    Args:
        before: shape, with the batch.
        after: shape, with the batch.
    """
    ones = (1,) * (len(after) - 2)
    goes = before == after or (len(after) > 2 and before[:2] + ones == after)
    return goes or after == (before[0], math.prod(before[1:]))


def flattened(before: tuple[int, ...], after: tuple[int, ...]) -> nn.Module:
    """Return what is between maps and a fully connected layer.

    Args:
        before: shape, with the batch.
        after: shape, with the batch.

    Raises:
        NoHardware: this is no flattening.
    """
    if not is_flattening(before, after):
        shapes = " to ".join(
            "x".join(map(str, shape[1:])) or "nothing" for shape in (before, after)
        )
        raise NoHardware(f"reshapes {shapes} between layers; hardware only flattens")
    return nn.Flatten() if len(after) == 2 else nn.Identity()


def checked(
    own: nn.Module, before: tuple[int, ...], after: tuple[int, ...]
) -> tuple[str, nn.Module | None]:
    """Say what a module is, and give it as hardware has it; None where it does nothing.

    Args:
        own: of torch, or of ours.
        before: shape of what it reads, with the batch.
        after: shape of what it makes, with the batch.

    Raises:
        NoHardware: hardware does not have it.
    """
    if isinstance(own, LAYERS):
        return LAYER, _layer(own, before)
    if isinstance(own, NORMS):
        if own.running_mean is None:
            raise NoHardware("normalises by the batch's own statistics; track running ones")
        if own.weight is None:  # affine=False, which Brevitas's equalization cannot take
            own.weight = nn.Parameter(torch.ones_like(own.running_var))
            own.bias = nn.Parameter(torch.zeros_like(own.running_mean))
        return NORM, own
    if isinstance(own, nn.ReLU) or (isinstance(own, nn.Hardtanh) and own.min_val == 0):
        return RELU, own  # ReLU6 is a Hardtanh
    if is_function(own):
        return FUNCTION, own
    if isinstance(own, nn.MaxPool1d | nn.MaxPool2d):
        return THROUGH, _max_pool(own, before)
    if isinstance(own, nn.AvgPool1d | nn.AvgPool2d):
        return AVERAGE, _average_pool(own, before)
    if isinstance(own, nn.AdaptiveAvgPool1d | nn.AdaptiveAvgPool2d):
        return AVERAGE, _window(before, after[2:], nn.AvgPool1d, nn.AvgPool2d)
    if isinstance(own, nn.AdaptiveMaxPool1d | nn.AdaptiveMaxPool2d):
        return THROUGH, _window(before, after[2:], nn.MaxPool1d, nn.MaxPool2d)
    if isinstance(own, nn.Flatten | nn.Identity):
        return THROUGH, own if isinstance(own, nn.Flatten) and before != after else None
    if isinstance(own, _DROPOUTS):
        return THROUGH, own
    if isinstance(own, Channels):
        return THROUGH, own
    if isinstance(own, nn.Upsample):
        return THROUGH, _upsampling(own, before, after)
    if isinstance(own, nn.ConstantPad1d):
        own = nn.ConstantPad2d((*own.padding, 0, 0), own.value)
    if isinstance(own, nn.ConstantPad2d):
        return THROUGH, _zeros(own)
    if isinstance(own, nn.LogSoftmax | nn.Softmax):
        return BEHIND, own
    raise NoHardware(no_place(type(own).__name__))


def _layer(layer: Any, before: tuple[int, ...]) -> nn.Module:
    own = {name for name, _ in layer.named_parameters(recurse=False)}
    if is_parametrized(layer) or not own <= {"weight", "bias"}:
        raise NoHardware(COMPUTED_WEIGHTS)
    if isinstance(layer, nn.Linear):
        if len(before) != 2:
            raise NoHardware("a fully connected layer on tokens; flatten in front of it")
        return layer
    if layer.padding_mode != "zeros":
        raise NoHardware(f"pads by {layer.padding_mode!r}; hardware pads with zeros")
    if isinstance(layer.padding, str):
        sizes = [size - 1 for size in layer.kernel_size]
        if layer.padding == "same" and any(size % 2 for size in sizes):
            raise NoHardware(f"padding 'same' of a window of {layer.kernel_size} is uneven")
        same = layer.padding == "same"
        layer.padding = tuple(size // 2 if same else 0 for size in sizes)
    return layer


def _upsampling(
    own: nn.Upsample, before: tuple[int, ...], after: tuple[int, ...]
) -> nn.Module | None:
    if own.mode != "nearest":
        raise NoHardware(f"upsamples by mode {own.mode!r}; hardware has 'nearest'")
    if any(to % size for size, to in zip(before[2:], after[2:], strict=True)):
        shapes = " to ".join("x".join(map(str, shape[2:])) for shape in (before, after))
        raise NoHardware(f"upsamples {shapes}; hardware does by whole factors")
    factors = tuple(to // size for size, to in zip(before[2:], after[2:], strict=True))
    return None if set(factors) == {1} else nn.Upsample(scale_factor=factors)


def _zeros(own: nn.ConstantPad2d) -> nn.Module:
    if own.value != 0:
        raise NoHardware(f"pads with {own.value:g}; hardware pads with zeros")
    if min(own.padding) < 0:
        raise NoHardware(f"padding {tuple(own.padding)} crops; hardware only pads")
    return own


def _max_pool(pool: Any, before: tuple[int, ...]) -> nn.Module:
    if pool.return_indices:
        raise NoHardware("a pool's indices have no hardware")
    sizes = pool.dilation if isinstance(pool.dilation, tuple) else (pool.dilation,)
    if any(step != 1 for step in sizes):
        raise NoHardware(f"no hardware for a pool's dilation {pool.dilation}")
    if pool.ceil_mode and not _comes_out_even(pool, before[2:]):
        shape = "x".join(map(str, before[2:]))
        raise NoHardware(
            f"windows over the edge of {shape} (ceil_mode), where values may be negative; leave it "
            "out, or activate before"
        )
    pool.ceil_mode = False
    return pool


def _average_pool(pool: Any, before: tuple[int, ...]) -> nn.Module:
    padding = pool.padding if isinstance(pool.padding, tuple) else (pool.padding,)
    if _comes_out_even(pool, before[2:]):
        pool.ceil_mode = False
    if pool.ceil_mode or (any(padding) and not pool.count_include_pad):
        raise NoHardware(
            "averages fewer pixels at the edge (ceil_mode, count_include_pad=False); leave that out"
        )
    if getattr(pool, "divisor_override", None):
        raise NoHardware("an average pool with a divisor of its own")
    return pool


def _comes_out_even(pool: Any, sizes: tuple[int, ...]) -> bool:
    """Whether the last window of a row ends with the map, so that ceil_mode adds none."""
    given = (pool.kernel_size, pool.stride, pool.padding)
    windows = (value if isinstance(value, tuple) else (value,) * len(sizes) for value in given)
    return all(
        (size + 2 * padding - window) % stride == 0
        for size, window, stride, padding in zip(sizes, *windows, strict=True)
    )


def _window(
    before: tuple[int, ...], out: tuple[int, ...], signals: Any, images: Any
) -> nn.Module | None:
    """The pool of fixed windows that an adaptive one comes to."""
    sizes = before[2:]
    if sizes == out:
        return None
    if any(size % parts for size, parts in zip(sizes, out, strict=True)):
        shapes = " to ".join("x".join(map(str, s)) for s in (sizes, out))
        raise NoHardware(f"an adaptive pool from {shapes}, whose windows differ in size")
    window = tuple(size // parts for size, parts in zip(sizes, out, strict=True))
    if len(window) == 1:
        return signals(window[0])
    if images is nn.AvgPool2d and set(out) == {1}:
        return nn.AdaptiveAvgPool2d(1)
    return images(window)
