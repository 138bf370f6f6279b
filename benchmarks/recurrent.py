"""Recurrent classifiers on scikit-learn's digits, read row by row: float against row-mixed.

Every image is a sequence of 8 steps of 8 pixels. Weights have 4 bits, half of the units' rows SP2
and half fixed point; inputs, states, gates and sums have 8 bits. The exported file is built for a
Pynq-Z1, test images run through the stitched RTL, and Yosys counts what the network takes.
Accuracies are means over seeds, which choose the test's images and the training; the first one's
network is built. The exit code is 1 where accuracy is more than a point below float's, or an image
differs in a way that float32's rounding does not explain.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from statistics import mean
from typing import Any

import torch
from brevitas.export import export_qonnx
from torch import nn

from msq_finn.build.run import build
from msq_finn.lowering.lower import Target
from msq_finn.models import gru_classifier, lstm_classifier
from msq_finn.training.digits import load_split
from msq_finn.training.recipe import Recipe, Split

MAKERS = {"lstm": lstm_classifier, "gru": gru_classifier}

#: Points that the quantized network may be worse by.
TOLERANCE = 1.0


def rows_of_digits(seed: int) -> Split[torch.Tensor]:
    """The digits as sequences (N, 8, 8)."""
    split = load_split(seed)
    return Split(split.x_train[:, 0], split.y_train, split.x_test[:, 0], split.y_test)


@torch.no_grad()
def accuracy(model: nn.Module, split: Split[torch.Tensor]) -> float:
    """Share of test images that are classified right, in percent."""
    return float((model(split.x_test).argmax(1) == split.y_test).float().mean() * 100)


def trained(name: str, hidden: int, epochs: int, seed: int) -> tuple[nn.Module, float, float]:
    """The quantized network, and the accuracies of the float one and of this."""
    split = rows_of_digits(seed)
    recipe = Recipe(lambda weights, **options: MAKERS[name](weights, hidden=hidden, **options))
    # As long as both trainings take.
    floats = recipe.pretrain(split, seed=seed, epochs=2 * epochs)
    quantized = recipe.finetune(floats, split, seed=seed, epochs=epochs, rows=0.5)
    return quantized, accuracy(floats, split), accuracy(quantized, split)


def run(
    name: str, hidden: int, epochs: int, seeds: int, images: int, fps: int, folder: Path
) -> dict[str, Any]:
    """Train, export, build and simulate one network."""
    runs = [trained(name, hidden, epochs, seed) for seed in range(seeds)]
    split, (quantized, *_) = rows_of_digits(0), runs[0]
    source = folder / "model.onnx"
    export_qonnx(quantized, split.x_test[:1], str(source), dynamo=False, opset_version=13)
    sample = split.x_test[:images].numpy()
    target, places = Target("Pynq-Z1", target_fps=fps), [folder / "out", folder / "work"]
    for place in places:
        place.mkdir()
    summary = build(source, target, *places, sample, until="synth")
    return {
        "network": name,
        "hidden": hidden,
        "accuracy_float": mean(found[1] for found in runs),
        "accuracy_quant": mean(found[2] for found in runs),
        "accuracies": [found[1:] for found in runs],
        "images": images,
        "rtl_mismatches": summary.rtl_mismatches,
        "rtl_faults": summary.rtl_faults,
        "cycles_per_image": summary.cycles_per_image,
        "predicted_cycles_per_image": summary.predicted_cycles_per_image,
        "lut_sites": summary.lut_sites,
        "ff": summary.ff,
        "dsp": summary.dsp,
        "bram36": summary.bram36,
    }


def main() -> int:
    """Print a line of JSON a network."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--network", choices=MAKERS, action="append")
    parser.add_argument("--hidden", type=int, default=32)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--images", type=int, default=50)
    parser.add_argument("--fps", type=int, default=50_000)
    options = parser.parse_args()
    good = True
    for name in options.network or MAKERS:
        with tempfile.TemporaryDirectory() as folder:
            training = (options.hidden, options.epochs, options.seeds)
            row = run(name, *training, options.images, options.fps, Path(folder))
        print(json.dumps(row), flush=True)
        lost = row["accuracy_float"] - row["accuracy_quant"]
        good = good and lost <= TOLERANCE and row["rtl_faults"] == 0
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
