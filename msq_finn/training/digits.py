"""Handwritten digits, the images of scikit-learn, and the networks trained on them."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import Tensor, nn

from msq_finn.models import digits_cnn
from msq_finn.quant import MSQWeightPerChannelFloat
from msq_finn.training.assign import Rows, assign_rows
from msq_finn.training.checkpoint import start_from
from msq_finn.training.loop import deterministic, train


class Split(NamedTuple):
    """Images (N, 1, 8, 8), float32 in [0, 1], and classes (N,), int64."""

    x_train: Tensor
    y_train: Tensor
    x_test: Tensor
    y_test: Tensor


def load_split(seed: int = 0, test_share: float = 0.2) -> Split:
    """Split the 1797 images so that both parts have every class in the same share.

    Args:
        seed: of the split.
        test_share: share of images for the test.
    """
    digits = load_digits()
    images = (digits.images / 16).astype("float32")[:, None]
    parts = train_test_split(
        images, digits.target, test_size=test_share, random_state=seed, stratify=digits.target
    )
    x_train, x_test, y_train, y_test = (torch.from_numpy(part) for part in parts)
    return Split(x_train, y_train.long(), x_test, y_test.long())


def shift(x: Tensor, generator: torch.Generator) -> Tensor:
    """Move each image by up to one pixel in both directions, filling with zeros."""
    n, _, height, width = x.shape
    padded = nn.functional.pad(x, (1, 1, 1, 1))
    top, left = torch.randint(0, 3, (2, n, 1, 1), generator=generator)
    y = top + torch.arange(height)[:, None]
    return padded[torch.arange(n)[:, None, None], :, y, left + torch.arange(width)].movedim(3, 1)


def train_pair(
    split: Split,
    *,
    seed: int = 0,
    epochs: int = 30,
    rows: float | Mapping[str, Rows] = 0.5,
    weight_quant: Any = MSQWeightPerChannelFloat,
    on_epoch: Callable[[str, int, float], None] | None = None,
) -> tuple[nn.Module, nn.Module]:
    """Train the float network, and from its weights the quantized one.

    Args:
        split: images to train on.
        seed: of both trainings.
        epochs: of each of the two trainings.
        rows: which rows are SP2, as in `assign_rows`; chosen by the variance of the float weights.
        weight_quant: a row-mixed quantizer for the convolutions.
        on_epoch: called after every epoch with "float" or "quantized", its number and its loss.

    Returns:
        The float network and the quantized network, both in eval mode.
    """

    def report(stage: str) -> Callable[[int, float], None]:
        return lambda epoch, loss: on_epoch(stage, epoch, loss) if on_epoch else None

    images, classes = split.x_train, split.y_train
    with deterministic(seed):
        float_model = digits_cnn(None)
        model = digits_cnn(weight_quant)
    options: dict[str, Any] = {"epochs": epochs, "seed": seed, "augment": shift}
    train(float_model, images, classes, lr=5e-3, on_epoch=report("float"), **options)
    start_from(model, float_model)
    assign_rows(model, rows)
    train(model, images, classes, lr=2e-3, on_epoch=report("quantized"), **options)
    return float_model, model
