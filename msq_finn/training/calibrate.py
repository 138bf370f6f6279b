"""Post-training quantization: the scales of activations, without training."""

from collections.abc import Iterable

import torch
from brevitas.graph.calibrate import bias_correction_mode, calibration_mode
from torch import Tensor, nn

from msq_finn.errors import MsqError


@torch.no_grad()
def calibrate(model: nn.Module, batches: Iterable[Tensor], correct_bias: bool = False) -> None:
    """Set the scales of activations from what a network with float activations computes.

    Weights are quantized while this is measured. Their scales are the quantizers' own affair: use
    one that searches for the smallest squared error, such as `MSQWeightPerChannelFloatMSE`, where
    nothing will be trained.

    Args:
        model: the quantized network, with the float network's weights; left in eval mode.
        batches: inputs, a few hundred samples.
        correct_bias: then shift each layer's output channels by the mean error that quantization
            makes, by Brevitas's bias correction.

    Raises:
        MsqError: there are no batches.
    """
    inputs = list(batches)
    if not inputs:
        raise MsqError("calibration needs at least one batch of inputs")
    model.eval()
    with calibration_mode(model):
        for x in inputs:
            model(x)
    if correct_bias:
        with bias_correction_mode(model):
            for x in inputs:
                model(x)
    model.eval()
