"""Time and memory of a training step with row-mixed weights, against Brevitas's own quantizer.

Both networks differ in the weight quantizer only: ours is MSQ with half of the rows SP2, Brevitas's
is Int8WeightPerChannelFloat at 4 bits. Steps of the two alternate, so that whatever else the
machine does falls on both; the ratio is the median over pairs of steps. Memory is what the
graph holds for the backward pass, or, with a GPU, the peak that torch allocated.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
from brevitas.quant.scaled_int import Int8WeightPerChannelFloat
from torch import Tensor, nn

from msq_finn.models import cnv, resnet18
from msq_finn.quant import MSQWeightPerChannelFloat

NETWORKS: dict[str, tuple[Callable[..., nn.Module], tuple[int, ...]]] = {
    "cnv": (cnv, (3, 32, 32)),
    "resnet18": (resnet18, (3, 224, 224)),
}
BATCH = {"cnv": 64, "resnet18": 8}
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


class Step:
    """One training step of a network, to be repeated."""

    def __init__(self, model: nn.Module, x: Tensor, y: Tensor) -> None:
        self.model, self.x, self.y = model.to(DEVICE).train(), x, y
        self.optimizer = torch.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9)

    def seconds(self) -> float:
        """Take a step and return how long it took."""
        start = time.perf_counter()
        loss = nn.functional.cross_entropy(self.model(self.x), self.y)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        if DEVICE == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter() - start

    def bytes(self) -> int:
        """Take a step and return the memory that it needed."""
        if DEVICE == "cuda":
            torch.cuda.reset_peak_memory_stats()
            before = torch.cuda.memory_allocated()
            self.seconds()
            return torch.cuda.max_memory_allocated() - before
        saved: dict[int, int] = {}

        def pack(tensor: Tensor) -> Tensor:
            storage = tensor.untyped_storage()
            saved[storage.data_ptr()] = storage.nbytes()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            self.seconds()
        return sum(saved.values())


def compare(name: str, pairs: int) -> dict[str, Any]:
    """Measure one network."""
    make, shape = NETWORKS[name]
    x = torch.randn(BATCH[name], *shape, device=DEVICE)
    y = torch.randint(0, 10, (BATCH[name],), device=DEVICE)
    ours = Step(make(MSQWeightPerChannelFloat), x, y)
    theirs = Step(make(Int8WeightPerChannelFloat, weight_bit_width=4), x, y)
    for _ in range(2):
        ours.seconds(), theirs.seconds()
    ratios = []
    for pair in range(pairs):
        # Who comes second may find the caches warm: take turns.
        order = (ours, theirs) if pair % 2 else (theirs, ours)
        seconds = {step: step.seconds() for step in order}
        ratios.append(seconds[ours] / seconds[theirs])
    return {
        "model": name,
        "step_ratio": round(statistics.median(ratios), 3),
        "memory_ratio": round(ours.bytes() / theirs.bytes(), 3),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print JSON only")
    parser.add_argument("--model", choices=NETWORKS, action="append", help="default: all")
    parser.add_argument("--pairs", type=int, default=15, help="pairs of steps to time")
    args = parser.parse_args()
    results = [compare(name, args.pairs) for name in args.model or NETWORKS]
    if args.json:
        print(json.dumps(results, indent=2))
        return
    print(f"{'network':10} {'step':>6} {'memory':>7}   (ours over Brevitas's, {DEVICE})")
    for row in results:
        print(f"{row['model']:10} {row['step_ratio']:6.3f} {row['memory_ratio']:7.3f}")


if __name__ == "__main__":
    main()
