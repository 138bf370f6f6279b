"""Post-training quantization: the scales of activations, without training."""

from collections.abc import Iterable, Iterator
from typing import Any

import torch
from brevitas.graph.calibrate import bias_correction_mode, calibration_mode
from torch import Tensor, nn

from msq_finn.errors import MsqError
from msq_finn.training.feed import feed


@torch.no_grad()
def calibrate(
    model: nn.Module, batches: Iterable[Any] | Tensor, correct_bias: bool = False
) -> None:
    """Set the scales of activations from what a network with float activations computes.

    Weights are quantized while this is measured. Their scales are the quantizers' own affair: use
    one that searches for the smallest squared error, such as `MSQWeightPerChannelFloatMSE`, where
    nothing will be trained.

    Args:
        model: the quantized network, with the float network's weights; left in eval mode.
        batches: a few hundred samples, as a data loader gives them, targets and all; see
            `msq_finn.training.feed.feed` for what is taken as the inputs. A tensor is one batch.
        correct_bias: then shift each layer's output channels by the mean error that quantization
            makes, by Brevitas's bias correction.

    Raises:
        MsqError: there are no batches, one does not fit the network, or a scale is not finite
            then; the text names the layer.

    Examples:
        >>> from torch.utils.data import DataLoader, TensorDataset
        >>> from msq_finn.models import digits_cnn
        >>> images, classes = torch.rand(64, 1, 8, 8), torch.zeros(64)
        >>> calibrate(digits_cnn(), DataLoader(TensorDataset(images, classes), batch_size=32))
    """
    if isinstance(batches, Tensor):
        batches = [batches]
    if correct_bias and isinstance(batches, Iterator):
        batches = list(batches)  # they are run twice
    model.eval()
    with calibration_mode(model):
        number = _run(model, batches)
    if not number:
        raise MsqError("calibration needs at least one batch of inputs")
    if correct_bias:
        with bias_correction_mode(model):
            _run(model, batches)
    model.eval()
    for name, module in model.named_modules():
        for child, quant in module.named_children():
            if child.endswith("_quant") and not all(map(_is_finite, quant.state_dict().values())):
                raise MsqError(
                    f"{child}: its scale is not finite after calibration; what the "
                    "network computes overflows",
                    where=f"layer {name}",
                )


def _is_finite(value: Any) -> bool:
    return not isinstance(value, Tensor) or bool(value.isfinite().all())


def _run(model: nn.Module, batches: Iterable[Any]) -> int:
    """Run the network on all batches; return how many there were."""
    number = 0
    for number, batch in enumerate(batches, start=1):
        try:
            feed(model, batch)
        except MsqError as error:
            raise error.within(f"batch {number}") from error
    return number
