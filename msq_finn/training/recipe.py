"""How a network is trained on a data set: in float first, then quantized from there."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

import torch
from torch import Tensor, nn

from msq_finn.quant import MSQWeightPerChannelFloat
from msq_finn.training.admm import Admm
from msq_finn.training.assign import Rows, assign_rows
from msq_finn.training.calibrate import calibrate
from msq_finn.training.checkpoint import start_from
from msq_finn.training.couple import coupled_layers
from msq_finn.training.loop import Augment, Samples, deterministic, train

S = TypeVar("S", bound=Samples)


class Split(NamedTuple, Generic[S]):
    """Samples, float32 of shape (N, ...), and their classes (N,), int64."""

    x_train: S
    y_train: Tensor
    x_test: S
    y_test: Tensor


@dataclass(frozen=True)
class Recipe:
    """A network and how it is trained.

    Attributes:
        make: builds the network; takes the weight quantizer, None for the float network, and
            keywords for its quantized layers.
        augment: changes a batch of samples.
        float_lr: first learning rate of the float training.
        lr: first learning rate of the quantized training.
    """

    make: Callable[..., nn.Module]
    augment: Augment | None = None
    float_lr: float = 5e-3
    lr: float = 2e-3

    def pretrain(
        self,
        split: Split[Any],
        *,
        seed: int = 0,
        epochs: int = 30,
        on_epoch: Callable[[int, float], None] | None = None,
        device: torch.device | str = "cpu",
    ) -> nn.Module:
        """Train the float network.

        Args:
            split: samples to train on.
            seed: of the weights and the training.
            epochs: passes over the samples.
            on_epoch: called after every epoch with its number and its loss.
            device: where to train; `finetune` trains where the float network is.

        Returns:
            The network in eval mode.
        """
        with deterministic(seed):
            model = self.make(None)
        self._train(model.to(device), split, seed, epochs, lr=self.float_lr, on_epoch=on_epoch)
        return model

    def finetune(
        self,
        float_model: nn.Module,
        split: Split[Any],
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
            split: samples to train on.
            seed: of the training.
            epochs: passes over the samples.
            weight_quant: quantizer of the hidden layers.
            rows: which rows have which scheme, as in `assign_rows`; None leaves the choice to the
                quantizer, which chooses by the variance of the float weights.
            strategy: as in `assign_rows`.
            admm: train the first half of the epochs by ADMM, with rows that are assigned anew
                every epoch, and the rest with the projected weights' straight-through estimator.
            on_epoch: called after every epoch with its number and its loss.
            weight_options: keywords for the hidden layers.

        Returns:
            The network in eval mode.
        """
        with deterministic(seed):
            model = self.make(weight_quant, **weight_options)
        device = next(float_model.parameters()).device
        start_from(model.to(device), float_model)
        starts = range(0, min(512, len(split.x_train)), 64)
        calibrate(model, [split.x_train[i : i + 64].to(device) for i in starts])
        coupled = coupled_layers(model, split.x_train[:1])

        def loss() -> Tensor:
            logits = model.eval()(split.x_train[:256].to(device))
            return nn.functional.cross_entropy(logits, split.y_train[:256].to(device))

        def assign() -> None:
            if rows is not None:
                assign_rows(model, rows, strategy, loss, coupled)

        assign()
        drawn = epochs // 2 if admm else 0
        if drawn:
            multipliers = Admm(model)

            def epoch_end(epoch: int, loss: float) -> None:
                assign()
                multipliers.epoch_end()
                if on_epoch:
                    on_epoch(epoch, loss)

            term = multipliers.regularization
            self._train(
                model, split, seed, drawn, lr=self.lr, on_epoch=epoch_end, regularization=term
            )
            multipliers.finish()
        report = on_epoch and (lambda epoch, loss: on_epoch(drawn + epoch, loss))
        self._train(model, split, seed, epochs - drawn, lr=self.lr, on_epoch=report)
        return model

    def _train(
        self, model: nn.Module, split: Split[Any], seed: int, epochs: int, **options: Any
    ) -> None:
        x, y = split.x_train, split.y_train
        train(model, x, y, epochs, seed=seed, augment=self.augment, **options)
