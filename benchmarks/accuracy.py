"""Accuracy on handwritten digits by weight quantizer, row assignment and way of training.

Every seed splits the images anew, trains a float network, and fine-tunes from it one network for
each configuration. Reports means and standard deviations over the seeds.
"""

import argparse
import json
import statistics
from typing import Any

from rich.console import Console
from rich.progress import track

from msq_finn.quant import (
    APoTWeightPerChannelFloat,
    FixedWeightPerChannelFloat,
    MSQWeightPerChannelFloat,
    PoTWeightPerChannelFloat,
    SP2WeightPerChannelFloat,
)
from msq_finn.training.digits import finetune, load_split, pretrain
from msq_finn.training.loop import accuracy

CONVOLUTIONS = ("conv1", "conv2", "conv3")
RMSMP = ("pot_4", "fixed_4", "fixed_8")
RMSMP_SHARES = (0.65, 0.3, 0.05)


def configurations() -> list[tuple[str, str, str, dict[str, Any]]]:
    """List name, strategy, way of training, and what `finetune` takes."""
    uniform = {
        "Fixed(4)": FixedWeightPerChannelFloat,
        "SP2(4)": SP2WeightPerChannelFloat,
        "PoT(4)": PoTWeightPerChannelFloat,
        "APoT(4)": APoTWeightPerChannelFloat,
    }
    found: list[tuple[str, str, str, dict[str, Any]]] = []
    for training, admm in (("STE", False), ("ADMM", True)):
        for name, quant in uniform.items():
            found.append((name, "none", training, {"weight_quant": quant, "admm": admm}))
        for name, ratio in (("MSQ 1:1", 1 / 2), ("MSQ 2:1", 2 / 3)):
            for strategy in ("variance", "mse", "hessian"):
                options = {"rows": ratio, "strategy": strategy, "admm": admm}
                options["weight_quant"] = MSQWeightPerChannelFloat
                found.append((name, strategy, training, options))
    mix = {
        "rows": {name: dict(zip(RMSMP, RMSMP_SHARES, strict=True)) for name in CONVOLUTIONS},
        "weight_quant": MSQWeightPerChannelFloat,
        "weight_row_mix": RMSMP,
        "weight_mix_ratios": RMSMP_SHARES,
    }
    for strategy in ("variance", "hessian"):
        found.append(("RMSMP 65:30:5", strategy, "STE", {**mix, "strategy": strategy}))
    return found


def measure(seeds: int, epochs: int) -> list[dict[str, Any]]:
    """Train everything and return the rows of the table."""
    configs = configurations()
    accuracies: list[list[float]] = [[] for _ in range(len(configs) + 1)]
    for seed in track(range(seeds), "Seeds", console=Console(stderr=True)):
        split = load_split(seed)
        float_model = pretrain(split, seed=seed, epochs=epochs)
        accuracies[0].append(accuracy(float_model, split.x_test, split.y_test))
        for i, (*_, options) in enumerate(configs, start=1):
            model = finetune(float_model, split, seed=seed, epochs=epochs, **options)
            accuracies[i].append(accuracy(model, split.x_test, split.y_test))
    labels = [("float", "none", "float"), *((n, s, t) for n, s, t, _ in configs)]
    return [
        {
            "dataset": "digits",
            "config": config,
            "strategy": strategy,
            "training": training,
            "seeds": seeds,
            "mean": round(statistics.mean(values), 5),
            "std": round(statistics.stdev(values), 5) if seeds > 1 else 0.0,
        }
        for (config, strategy, training), values in zip(labels, accuracies, strict=True)
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print JSON only")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=30, help="of float training, and of each")
    args = parser.parse_args()
    rows = measure(args.seeds, args.epochs)
    if args.json:
        print(json.dumps(rows, indent=2))
        return
    print(f"{'configuration':15} {'rows by':10} {'training':8} {'accuracy %':>10}")
    for row in rows:
        figures = f"{100 * row['mean']:6.2f} ± {100 * row['std']:.2f}"
        print(f"{row['config']:15} {row['strategy']:10} {row['training']:8} {figures}")


if __name__ == "__main__":
    main()
