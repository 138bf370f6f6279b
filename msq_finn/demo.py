"""The whole idea on real images: train a row-mixed CNN on handwritten digits, and build it."""

from __future__ import annotations

from pathlib import Path

from brevitas.export import export_qonnx

from msq_finn.build.run import Labelled, build
from msq_finn.build.summary import Summary
from msq_finn.lowering.inputs import check_board
from msq_finn.lowering.lower import Target
from msq_finn.progress import Progress, silent
from msq_finn.training.digits import finetune, load_split, pretrain
from msq_finn.training.loop import accuracy

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
    until: str = "synth",
    progress: Progress = silent,
) -> Summary:
    """Train, export, lower, simulate all test images and synthesise.

    Args:
        out: folder for the results, see :func:`msq_finn.build.run.build`.
        work: existing folder for intermediate files.
        board: a board that FINN knows.
        seed: of the split, the weights and the training.
        epochs: of float training, and of quantization-aware training after it.
        until: last stage to run, of :data:`msq_finn.build.stages.STAGES`.
        progress: told of every stage.

    Returns:
        the build's summary.
    """
    check_board(board)
    split = load_split(seed)
    reference = pretrain(
        split,
        seed=seed,
        epochs=epochs,
        on_epoch=lambda epoch, _: progress("Training (float)", epoch, epochs),
    )
    model = finetune(
        reference,
        split,
        seed=seed,
        epochs=epochs,
        rows=SP2_RATIO,
        on_epoch=lambda epoch, _: progress("Training (4-bit)", epoch, epochs),
    )
    source = work / "model.onnx"
    export_qonnx(model, split.x_test[:1], str(source), dynamo=False, opset_version=13)
    return build(
        source,
        Target(board, target_fps=TARGET_FPS),
        out,
        work,
        split.x_test.numpy(),
        seed=seed,
        labelled=Labelled(split.y_test.numpy(), accuracy(reference, split.x_test, split.y_test)),
        until=until,
        progress=progress,
    )
