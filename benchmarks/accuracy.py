"""Accuracy by weight quantizer, row assignment and way of training.

Every seed splits or generates the data anew, trains a float network, and fine-tunes from it one
network for each configuration. Reports means and standard deviations over the seeds. Activations
have 4 bits; the configuration "float W, 4-bit A" tells what they cost alone.
"""

import argparse
import json
import statistics
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import torch
from brevitas.quant.none import NoneWeightQuant
from rich.console import Console
from rich.progress import Progress

from msq_finn.quant import (
    APoTWeightPerChannelFloat,
    FixedWeightPerChannelFloat,
    MSQWeightPerChannelFloat,
    PoTWeightPerChannelFloat,
    SP2WeightPerChannelFloat,
)
from msq_finn.training import digits, image_data, mnist1d
from msq_finn.training.assign import mixed_layers
from msq_finn.training.loop import accuracy
from msq_finn.training.recipe import Recipe, Split

RMSMP = {"pot_4": 0.65, "fixed_4": 0.3, "fixed_8": 0.05}


class Task(NamedTuple):
    """A data set, how to train on it and how long."""

    load: Callable[[int], Split]
    recipe: Recipe
    epochs: int


TASKS = {
    "digits": Task(digits.load_split, digits.RECIPE, 30),
    "mnist1d": Task(mnist1d.load_split, mnist1d.RECIPE, 20),
}


def task_of_folder(path: Path) -> Task:
    """Return the task of a folder of images."""
    split, recipe = image_data.load(path)
    return Task(lambda seed: split, recipe, 90)


def configurations(recipe: Recipe) -> list[tuple[str, str, str, dict[str, Any]]]:
    """List name, strategy, way of training, and what `Recipe.finetune` takes."""
    uniform = {
        "Fixed(4)": FixedWeightPerChannelFloat,
        "SP2(4)": SP2WeightPerChannelFloat,
        "PoT(4)": PoTWeightPerChannelFloat,
        "APoT(4)": APoTWeightPerChannelFloat,
    }
    found = [("float W, 4-bit A", "none", "STE", {"weight_quant": NoneWeightQuant})]
    for training, admm in (("STE", False), ("ADMM", True)):
        for name, quant in uniform.items():
            found.append((name, "none", training, {"weight_quant": quant, "admm": admm}))
        for name, ratio in (("MSQ 1:1", 1 / 2), ("MSQ 2:1", 2 / 3)):
            for strategy in ("variance", "mse", "hessian"):
                options = {"rows": ratio, "strategy": strategy, "admm": admm}
                found.append((name, strategy, training, options))
    mix = {"weight_row_mix": tuple(RMSMP), "weight_mix_ratios": tuple(RMSMP.values())}
    names = mixed_layers(recipe.make(MSQWeightPerChannelFloat, **mix))
    for strategy in ("variance", "hessian"):
        options = {"rows": dict.fromkeys(names, RMSMP), "strategy": strategy, **mix}
        found.append(("RMSMP 65:30:5", strategy, "STE", options))
    return found


def measure(name: str, task: Task, seeds: int, epochs: int, console: Console) -> list[dict]:
    """Train everything on one data set and return the rows of its table."""
    configs = configurations(task.recipe)
    labels = [("float", "none", "float"), *((n, s, t) for n, s, t, _ in configs)]
    accuracies: list[list[float]] = [[] for _ in labels]
    device = "cuda" if torch.cuda.is_available() else "cpu"
    with Progress(console=console) as progress:
        bar = progress.add_task(name, total=seeds * len(labels))
        for seed in range(seeds):
            split = task.load(seed)
            trainings = [partial(task.recipe.pretrain, device=device)]
            for i, label in enumerate(labels):
                model = trainings[i](split, seed=seed, epochs=epochs)
                if i == 0:
                    finetune = partial(task.recipe.finetune, model)
                    trainings += [partial(finetune, **options) for *_, options in configs]
                accuracies[i].append(accuracy(model, split.x_test, split.y_test))
                progress.advance(bar)
                console.print(f"{name} seed {seed} {' '.join(label)}: {accuracies[i][-1]:.4f}")
    return [
        {
            "dataset": name,
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
    parser.add_argument("--dataset", choices=TASKS, action="append", help="default: all")
    parser.add_argument("--data", type=Path, help=image_data.load.__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", type=int, help="of float training, and of each after it")
    args = parser.parse_args()
    tasks = {name: TASKS[name] for name in args.dataset or TASKS}
    if args.data:
        tasks = {args.data.name: task_of_folder(args.data)}
    console = Console(stderr=True)
    rows = []
    for name, task in tasks.items():
        rows += measure(name, task, args.seeds, args.epochs or task.epochs, console)
    if args.json:
        print(json.dumps(rows, indent=2))
        return
    print(f"{'data':10} {'configuration':17} {'rows by':9} {'training':8} {'accuracy %':>13}")
    for row in rows:
        figures = f"{100 * row['mean']:6.2f} ± {100 * row['std']:.2f}"
        where = f"{row['dataset']:10} {row['config']:17} {row['strategy']:9} {row['training']:8}"
        print(where, figures)


if __name__ == "__main__":
    main()
