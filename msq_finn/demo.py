"""The whole idea on real images: train a row-mixed CNN on handwritten digits, and build it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from msq_finn.build.progress import Progress, silent
from msq_finn.build.summary import Summary

#: Folding target of the demo network, in frames per second at 100 MHz.
TARGET_FPS = 200_000


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
        epochs: of quantisation-aware training; the float network gets as many before it.
        progress: told of every stage.

    Returns:
        the build's summary.
    """
    from msq_finn.build.lower import Target
    from msq_finn.build.run import Labelled, build

    model, data, accuracy_float = _trained(seed, epochs, progress)
    source = work / "model.onnx"
    _export(model, source)
    labelled = Labelled(data.test_labels.numpy().astype(np.int64), accuracy_float)
    return build(
        source,
        Target(board, target_fps=TARGET_FPS),
        out,
        work,
        data.test_images.numpy(),
        seed=seed,
        labelled=labelled,
        progress=progress,
    )
