"""What a quantized network is, beside the float one."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, fx, nn

from msq_finn.errors import MsqError
from msq_finn.post_training.float_graph import each_output
from msq_finn.post_training.layer_quantizers import layers_of
from msq_finn.quant.proxy import SchemeWeightQuantProxy
from msq_finn.quant.rows import as_rows

_BATCH = 256


@dataclass(frozen=True)
class QuantizedLayer:
    """A layer of a quantized network.

    Attributes:
        name: of its module.
        rows: of each number system.
        columns: weights in a row.
    """

    name: str
    rows: dict[str, int]
    columns: int


@dataclass(frozen=True)
class Comparison:
    """A quantized network beside the float one.

    Attributes:
        layers: in the network's order.
        samples: inputs that both computed.
        accuracy_float: share of them that the float network labels right; None without labels.
        accuracy_quant: of the quantized one.
        same_class: share for which both have the same largest output.
        error: squared error of outputs over their variance.

    Of several outputs, the first is meant.
    """

    layers: tuple[QuantizedLayer, ...]
    samples: int
    accuracy_float: float | None
    accuracy_quant: float | None
    same_class: float
    error: float

    def figures(self) -> dict[str, Any]:
        """All of it as a dictionary, for JSON."""
        return asdict(self)


@torch.no_grad()
def check_classes(labels: Tensor, float_model: nn.Module, example: Tensor, where: object) -> None:
    """Check that a network has an output for every class, before it is quantized.

    Args:
        labels: classes, [samples].
        float_model: the network, in eval mode.
        example: an input, [1, ...].
        where: what an error says that the labels are in.

    Raises:
        MsqError: there are classes that it has no output for.
    """
    try:
        classes = each_output(float_model(example))[0].flatten(1).shape[1]
    except Exception:  # what does not run is named where it is quantized
        return
    if labels.min() < 0 or labels.max() >= classes:
        raise MsqError(
            f"labels from {labels.min()} to {labels.max()}, but the network has {classes} "
            f"output{'s' * (classes != 1)}; number classes from 0, or leave labels out",
            where=where,
        )


@torch.no_grad()
def compare(
    model: fx.GraphModule, float_model: nn.Module, inputs: Tensor, labels: Tensor | None
) -> Comparison:
    """Run both networks on the same inputs.

    Args:
        model: quantized.
        float_model: what it was made of; run in eval mode, in which it is left.
        inputs: [samples, ...].
        labels: classes, [samples], or None.
    """
    model.eval(), float_model.eval()
    batches = inputs.split(_BATCH)
    expected = torch.cat([each_output(float_model(batch))[0] for batch in batches]).flatten(1)
    found = torch.cat([each_output(model(batch))[0] for batch in batches]).flatten(1)

    def share(hits: Tensor) -> float:
        return hits.float().mean().item()

    def right(outputs: Tensor) -> float | None:
        return None if labels is None else share(outputs.argmax(1) == labels)

    error = (found - expected).square().mean() / expected.var().clamp_min(1e-12)
    return Comparison(
        layers=tuple(
            _layer(str(n.target), model.get_submodule(n.target)) for n in layers_of(model)
        ),
        samples=len(inputs),
        accuracy_float=right(expected),
        accuracy_quant=right(found),
        same_class=share(found.argmax(1) == expected.argmax(1)),
        error=error.item(),
    )


def _layer(name: str, layer: Any) -> QuantizedLayer:
    rows = as_rows(layer.weight, layer.output_channel_dim)
    proxy = layer.weight_quant
    if isinstance(proxy, SchemeWeightQuantProxy):
        counts = dict(sorted(Counter(proxy.row_schemes).items()))
    else:
        counts = {f"fixed_{int(proxy.bit_width())}": len(rows)}
    return QuantizedLayer(name, counts, rows.shape[1])
