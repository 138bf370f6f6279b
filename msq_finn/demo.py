"""The whole idea on real images: train a row-mixed CNN on handwritten digits, and build it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from brevitas.export import export_qonnx
from torch import nn

from msq_finn.build.inputs import check_board
from msq_finn.build.lower import Target
from msq_finn.build.progress import Progress, silent
from msq_finn.build.run import Labelled, build
from msq_finn.build.summary import Summary
from msq_finn.models import digits_cnn
from msq_finn.training.assign import assign_rows
from msq_finn.training.digits import Split, load_split, shift
from msq_finn.training.loop import accuracy, train

#: Folding target of the demo network, in frames per second at 100 MHz.
TARGET_FPS = 200_000

#: Share of the convolutions' rows that are SP2; half of 16 or 32 rows suits every folding.
SP2_RATIO = 0.5


def run(
    out: Path,
    work: Path,
    *,
    board: str = "Pynq-Z1",
    seed: int = 0,
    epochs: int = 30,
    progress: Progress = silent,
) -> Summary:
    """Train, export, lower, simulate all test images and synthesise.

    Args:
        out: folder for the results, see :func:`msq_finn.build.run.build`.
        work: existing folder for intermediate files.
        board: a board that FINN knows.
        seed: of the split, the weights and the training.
        epochs: of float training, and of quantisation-aware training after it.
        progress: told of every stage.

    Returns:
        the build's summary.
    """
    check_board(board)
    split = load_split(seed)
    model, accuracy_float = trained_digits(split, seed, epochs, progress)
    source = work / "model.onnx"
    export_qonnx(model, split.x_test[:1], str(source), dynamo=False, opset_version=13)
    return build(
        source,
        Target(board, target_fps=TARGET_FPS),
        out,
        work,
        split.x_test.numpy(),
        seed=seed,
        labelled=Labelled(split.y_test.numpy(), accuracy_float),
        progress=progress,
    )


def trained_digits(
    split: Split, seed: int, epochs: int, progress: Progress = silent
) -> tuple[nn.Module, float]:
    """Train the float network, choose its rows by variance, and go on with quantised weights.

    Args:
        split: the images.
        seed: of weights and training.
        epochs: of each of the two trainings.
        progress: told of every epoch.

    Returns:
        the quantised network in eval mode, and the float network's accuracy on the test images.
    """

    def report(stage: str) -> Callable[[int, float], None]:
        return lambda epoch, _: progress(stage, epoch, epochs)

    torch.manual_seed(seed)
    reference = digits_cnn(None)
    train(
        reference,
        split.x_train,
        split.y_train,
        epochs,
        seed=seed,
        augment=shift,
        on_epoch=report("Training (float)"),
    )
    model = digits_cnn()
    model.load_state_dict(reference.state_dict(), strict=False)
    assign_rows(model, SP2_RATIO)
    train(
        model,
        split.x_train,
        split.y_train,
        epochs,
        seed=seed,
        lr=1e-3,
        augment=shift,
        on_epoch=report("Training (4-bit)"),
    )
    return model, accuracy(reference, split.x_test, split.y_test)
