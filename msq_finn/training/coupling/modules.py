"""What modules that stay whole do to the channels of their inputs."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from brevitas.nn import HadamardClassifier, QuantCat, QuantEltwiseAdd
from brevitas.nn.mixin.base import QuantRecurrentLayerMixin
from torch import nn

from msq_finn.training.coupling import axes, pieces
from msq_finn.training.coupling.calls import Call, Result, Value
from msq_finn.training.coupling.channels import ChannelAxis, Lost, Span

KEEPING = (
    "brevitas.core.",
    "brevitas.nn.quant_accumulator",
    "brevitas.nn.quant_avg_pool",
    "brevitas.nn.quant_bn",
    "brevitas.nn.quant_layer",
    "brevitas.nn.quant_scale_bias",
    "brevitas.nn.quant_upsample",
    "brevitas.proxy.",
    "torch.nn.modules.activation",
    "torch.nn.modules.batchnorm",
    "torch.nn.modules.dropout",
    "torch.nn.modules.instancenorm",
    "torch.nn.modules.normalization",
    "torch.nn.modules.padding",
    "torch.nn.modules.pooling",
    "torch.nn.modules.upsampling",
)
"""Where the forward functions of modules stand that keep channels apart and in order."""

OF_NEW_CHANNELS = (
    nn.Linear,
    nn.Bilinear,
    nn.Embedding,
    nn.EmbeddingBag,
    nn.MultiheadAttention,
    nn.RNNBase,
    nn.RNNCellBase,
    HadamardClassifier,
)


@dataclass(frozen=True)
class RowLayers:
    """The layers of which rows are to be placed.

    Attributes:
        by_quantizer: their names, by their weights' quantizers, which several may share.
    """

    by_quantizer: Mapping[Any, str]

    def name(self, module: nn.Module) -> str | None:
        """Return the layer's name, None for other modules."""
        return self.by_quantizer.get(getattr(module, "weight_quant", None))

    def inside(self, module: nn.Module) -> tuple[str, ...]:
        """Return the names of the layers in a module."""
        found = (self.name(inner) for inner in module.modules() if inner is not module)
        return tuple(dict.fromkeys(name for name in found if name))

    def is_whole(self, module: nn.Module) -> bool:
        """Tell whether nothing inside the module matters: layers, and what Brevitas provides."""
        written_in = type(module).forward.__module__ or ""  # torch.fx writes in no module
        if self.name(module) or written_in == "brevitas.nn.quant_rnn":
            return True
        return written_in.startswith("brevitas.") and not self.inside(module)


def leave(module: nn.Module, layers: RowLayers, call: Call) -> Result:
    """Return what a module leaves.

    Args:
        module: one that is not looked into.
        layers: those of which rows are to be placed.
        call: its inputs.
    """
    name = layers.name(module)
    first = next(iter(call.values), Value())
    if isinstance(module, nn.modules.conv._ConvNd):
        if module.groups == module.in_channels == module.out_channels:
            return _depthwise(first, name, module)
        return _new(name, module.out_channels, -1 - len(module.kernel_size))
    if isinstance(module, nn.Linear) and name:
        return replace(_new(name, module.out_features, -1), ndim=first.ndim)
    inside = layers.inside(module)
    if inside:
        for cell in module.modules():
            if isinstance(cell, QuantRecurrentLayerMixin):  # gates are multiplied unit by unit
                call.couplings.couple(layers.inside(cell))
        lost = call.lost().channels
        return Value(Lost(call.name, (*(lost.layers if lost else ()), *inside)))
    if isinstance(module, OF_NEW_CHANNELS):
        return Value()
    if isinstance(module, nn.Flatten):
        return axes.flatten(replace(call, args=(first, module.start_dim, module.end_dim)))
    if isinstance(module, nn.Unflatten):
        return axes.unflatten(replace(call, args=(first, module.dim, module.unflattened_size)))
    if isinstance(module, QuantCat):
        return pieces.concatenate(call)
    if isinstance(module, QuantEltwiseAdd | nn.Identity):
        return pieces.elementwise(call)
    if type(module).forward.__module__.startswith(KEEPING) and not isinstance(module, nn.GLU):
        return replace(first, shape=None)
    return call.lost()


def _new(name: str | None, channels: int, axis: int) -> Value:
    rows = ChannelAxis(axis, (Span((name,), 0, channels),)) if name else None
    # Convolutions are of samples: one axis more than channels and places.
    return Value(rows, 1 - axis)


def _depthwise(value: Value, name: str | None, module: nn.modules.conv._ConvNd) -> Value:
    """Keep the channels, of which each gets the schemes of a row of the layer too."""
    channels = value.channels
    if channels is None:
        return _new(name, module.out_channels, -1 - len(module.kernel_size))
    if name is None:
        return replace(value, shape=None)
    if isinstance(channels, Lost):
        return Value(Lost(channels.op, (*channels.layers, name)))
    if len(channels.parts) == 1:
        (part,) = channels.parts
        channels = channels._replace(parts=(part._replace(layers=(*part.layers, name)),))
    return replace(value, channels=channels, shape=None)
