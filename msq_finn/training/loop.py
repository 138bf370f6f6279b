"""Plain training of a classifier, the same for the same seed."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from msq_finn.errors import MsqError

Augment = Callable[[Tensor, torch.Generator], Tensor]


class Samples(Protocol):
    """What samples are taken from by slices or indices: a tensor, or a folder of images."""

    def __len__(self) -> int:
        """Return the number of samples."""

    def __getitem__(self, index: Any, /) -> Tensor:
        """Return the samples of a slice or of a tensor of indices."""


def train(
    model: nn.Module,
    x: Samples,
    y: Tensor,
    epochs: int,
    *,
    seed: int = 0,
    lr: float = 3e-3,
    batch_size: int = 64,
    weight_decay: float = 0.0,
    augment: Augment | None = None,
    regularization: Callable[[], Tensor] | None = None,
    on_epoch: Callable[[int, float], None] | None = None,
) -> list[float]:
    """Train a classifier with AdamW and a learning rate that falls as a cosine.

    Args:
        model: maps a batch of ``x`` to logits; trained in place and left in eval mode.
        x: inputs; batches of them go to the device of the model.
        y: classes; shape (samples,), int64.
        epochs: passes over ``x``.
        seed: of the order of samples and of everything random in the model.
        lr: the first learning rate.
        batch_size: samples per step; a last, smaller batch is left out.
        weight_decay: as in AdamW.
        augment: changes a batch of inputs, drawing from the generator that it is given.
        regularization: a term to add to the loss, such as `Admm.regularization`.
        on_epoch: called after every epoch with its number, from 1, and its mean loss; what it does
            to the model, such as `assign_rows`, is trained on.

    Returns:
        The mean loss of each epoch.

    Raises:
        MsqError: the loss is not finite.
    """
    losses = []
    batches = len(x) // batch_size
    device = next(model.parameters()).device
    if not batches:
        raise MsqError(f"{len(x)} samples do not fill one batch of {batch_size}")
    with deterministic(seed):
        generator = torch.Generator().manual_seed(seed)
        optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=weight_decay)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, max(1, epochs * batches))
        for epoch in range(1, epochs + 1):
            model.train()
            total = 0.0
            order = torch.randperm(len(x), generator=generator)[: batches * batch_size]
            for batch in order.view(batches, batch_size):
                inputs = augment(x[batch], generator) if augment else x[batch]
                logits = model(inputs.to(device))
                loss = nn.functional.cross_entropy(logits, y[batch].to(device))
                total += loss.item()
                if regularization is not None:
                    loss = loss + regularization()
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                schedule.step()
            losses.append(total / batches)
            refuse_divergence(model, epoch, losses[-1])
            if on_epoch is not None:
                on_epoch(epoch, losses[-1])
    model.eval()
    return losses


@torch.no_grad()
def accuracy(model: nn.Module, x: Samples, y: Tensor, batch_size: int = 512) -> float:
    """Return the share of samples whose largest logit is their class; sets eval mode.

    Args:
        model: from samples to logits (N, classes).
        x: samples; shape (N, ...).
        y: their classes; shape (N,), int64.
        batch_size: samples at a time.
    """
    model.eval()
    device = next((p.device for p in model.parameters()), y.device)
    right = 0
    for start in range(0, len(x), batch_size):
        part = slice(start, start + batch_size)
        right += int((model(x[part].to(device)).argmax(dim=1).cpu() == y[part].cpu()).sum())
    return right / len(x)


@contextmanager
def deterministic(seed: int) -> Iterator[None]:
    """Make torch's results depend on nothing but the seed: one thread, no racy algorithms.

    Args:
        seed: of torch's global generator, in this block and after it.
    """
    threads = torch.get_num_threads()
    strict = torch.are_deterministic_algorithms_enabled()
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(strict)


def refuse_divergence(model: nn.Module, epoch: int, loss: float) -> None:
    """Stop training that has diverged.

    Args:
        model: the network, whose parameters are looked at where the loss is not finite.
        epoch: for the text.
        loss: the epoch's last.

    Raises:
        MsqError: the loss is NaN or infinite; the text names the first parameter that is, too.
    """
    if not torch.tensor(loss).isfinite():
        bad = [name for name, p in model.named_parameters() if not p.isfinite().all()]
        where = f"parameter {bad[0]} is not finite" if bad else "all parameters are finite"
        raise MsqError(f"epoch {epoch}: the loss is {loss}, {where}; lower the learning rate")
