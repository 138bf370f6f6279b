"""Functions and methods of torch as modules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import fx, nn

from msq_finn.post_training.hardware_forms import NoHardware

_POOL = ("kernel_size", "stride", "padding")


def _pad(pad: tuple[int, ...], mode: str = "constant", value: float | None = None) -> nn.Module:
    if mode != "constant":
        raise NoHardware(f"pads by {mode!r}; hardware pads with zeros")
    if len(pad) > 4 and any(pad[4:]):
        raise NoHardware("pads channels, or images of a batch; hardware pads maps")
    return nn.ConstantPad2d((*pad, 0, 0)[:4], value or 0.0)


def _clamp(min: float | None = None, max: float | None = None) -> nn.Module:  # torch's names
    if min == 0 and max is None:
        return nn.ReLU()
    if min is None or max is None:
        raise NoHardware("clamps at one end, which is not 0; clamp at both, or use relu")
    return nn.Hardtanh(min, max)


#: What makes the module, and what arguments behind the input are called.
_MODULES: dict[str, tuple[Callable[..., nn.Module], tuple[str, ...]]] = {
    "relu": (nn.ReLU, ()),
    "relu6": (nn.ReLU6, ()),
    "hardtanh": (nn.Hardtanh, ("min_val", "max_val")),
    "clamp": (_clamp, ("min", "max")),
    "clip": (_clamp, ("min", "max")),
    "clamp_min": (_clamp, ("min",)),
    "leaky_relu": (nn.LeakyReLU, ("negative_slope",)),
    "elu": (nn.ELU, ("alpha",)),
    "celu": (nn.CELU, ("alpha",)),
    "selu": (nn.SELU, ()),
    "silu": (nn.SiLU, ()),
    "gelu": (nn.GELU, ()),
    "mish": (nn.Mish, ()),
    "hardswish": (nn.Hardswish, ()),
    "hardsigmoid": (nn.Hardsigmoid, ()),
    "sigmoid": (nn.Sigmoid, ()),
    "softplus": (nn.Softplus, ("beta", "threshold")),
    "softsign": (nn.Softsign, ()),
    "tanh": (nn.Tanh, ()),
    "dropout": (nn.Dropout, ("p", "training")),
    "dropout1d": (nn.Dropout1d, ("p", "training")),
    "dropout2d": (nn.Dropout2d, ("p", "training")),
    "feature_dropout": (nn.Dropout2d, ("p", "training")),
    "max_pool1d": (nn.MaxPool1d, (*_POOL, "dilation", "ceil_mode", "return_indices")),
    "max_pool2d": (nn.MaxPool2d, (*_POOL, "dilation", "ceil_mode", "return_indices")),
    "avg_pool1d": (nn.AvgPool1d, (*_POOL, "ceil_mode", "count_include_pad")),
    "avg_pool2d": (
        nn.AvgPool2d,
        (*_POOL, "ceil_mode", "count_include_pad", "divisor_override"),
    ),
    "adaptive_avg_pool1d": (nn.AdaptiveAvgPool1d, ("output_size",)),
    "adaptive_avg_pool2d": (nn.AdaptiveAvgPool2d, ("output_size",)),
    "adaptive_max_pool1d": (nn.AdaptiveMaxPool1d, ("output_size", "return_indices")),
    "adaptive_max_pool2d": (nn.AdaptiveMaxPool2d, ("output_size", "return_indices")),
    "interpolate": (nn.Upsample, ("size", "scale_factor", "mode", "align_corners")),
    "pad": (_pad, ("pad", "mode", "value")),
    "log_softmax": (nn.LogSoftmax, ("dim",)),
    "softmax": (nn.Softmax, ("dim",)),
}

#: Arguments that change nothing here.
_UNUSED = ("inplace", "training", "input", "_stacklevel", "dtype", "antialias")


def module_of(node: fx.Node, name: str) -> nn.Module | None:
    """Return the module that does what a function or a method does; None for others.

    Args:
        node: the call.
        name: of the function or method.

    Raises:
        NoHardware: its arguments are computed, or it does what hardware cannot.
    """
    if name not in _MODULES:
        return None
    make, names = _MODULES[name]
    given: dict[str, Any] = {**dict(zip(names, node.args[1:], strict=False)), **node.kwargs}
    for unused in _UNUSED:
        given.pop(unused, None)
    given = fx.node.map_arg(given, lambda node: node.meta.get("number", node))
    if any(isinstance(value, fx.Node) for value in given.values()):
        raise NoHardware(f"{name} with arguments that are not numbers")
    try:
        return make(**given)
    except (TypeError, AttributeError) as error:
        raise NoHardware(f"{name} with arguments that are not numbers") from error
