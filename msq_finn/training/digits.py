"""Handwritten digits, the images of scikit-learn, and the networks trained on them."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import Tensor, nn

from msq_finn.models import digits_cnn
from msq_finn.quant import MSQWeightPerChannelFloat
from msq_finn.training.admm import Admm
from msq_finn.training.assign import Rows, assign_rows
from msq_finn.training.calibrate import calibrate
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


def pretrain(
    split: Split,
    *,
    seed: int = 0,
    epochs: int = 30,
    on_epoch: Callable[[int, float], None] | None = None,
) -> nn.Module:
    """Train the float network.

    Args:
        split: images to train on.
        seed: of the weights and the training.
        epochs: passes over the images.
        on_epoch: called after every epoch with its number and its loss.

    Returns:
        The network in eval mode.
    """
    with deterministic(seed):
        model = digits_cnn(None)
    _train(model, split, seed, epochs, lr=5e-3, on_epoch=on_epoch)
    return model


def finetune(
    float_model: nn.Module,
    split: Split,
    *,
    seed: int = 0,
    epochs: int = 30,
    weight_quant: Any = MSQWeightPerChannelFloat,
    rows: float | Mapping[str, Rows] | None = None,
    strategy: str = "variance",
    admm: bool = False,
    on_epoch: Callable[[int, float], None] | None = None,
    **weight_options: Any,
) -> nn.Module:
    """Train the quantized network from the float network's weights.

    Args:
        float_model: as from `pretrain`; left alone.
        split: images to train on.
        seed: of the training.
        epochs: passes over the images.
        weight_quant: quantizer of the convolutions.
        rows: which rows have which scheme, as in `assign_rows`; None leaves the choice to the
            quantizer, which chooses by the variance of the float weights.
        strategy: as in `assign_rows`.
        admm: train the first two thirds of the epochs by ADMM, with rows that are assigned anew
            every epoch, and the rest with the projected weights' straight-through estimator.
        on_epoch: called after every epoch with its number and its loss.
        weight_options: keywords for the convolutions.

    Returns:
        The network in eval mode.
    """
    with deterministic(seed):
        model = digits_cnn(weight_quant, **weight_options)
    start_from(model, float_model)
    calibrate(model, split.x_train[:512].split(64))

    def assign() -> None:
        if rows is not None:
            assign_rows(model, rows, strategy, loss=lambda: _loss(model, split))

    assign()
    drawn = epochs * 2 // 3 if admm else 0
    if drawn:
        multipliers = Admm(model)

        def epoch_end(epoch: int, loss: float) -> None:
            assign()
            multipliers.epoch_end()
            if on_epoch:
                on_epoch(epoch, loss)

        term = multipliers.regularization
        _train(model, split, seed, drawn, lr=2e-3, on_epoch=epoch_end, regularization=term)
        multipliers.finish()
    report = on_epoch and (lambda epoch, loss: on_epoch(drawn + epoch, loss))
    _train(model, split, seed, epochs - drawn, lr=2e-3, on_epoch=report)
    return model


def _train(model: nn.Module, split: Split, seed: int, epochs: int, **options: Any) -> None:
    train(model, split.x_train, split.y_train, epochs, seed=seed, augment=shift, **options)


def _loss(model: nn.Module, split: Split) -> Tensor:
    logits = model.eval()(split.x_train[:256])
    return nn.functional.cross_entropy(logits, split.y_train[:256])
