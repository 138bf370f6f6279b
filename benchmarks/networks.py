"""Whole networks through the flow: FINN's steps, stitched, bit for bit.

Networks are W4A4 and row-mixed; TFC and CNV named after Brevitas are its own as they are, 2 bits in
every row. Weights are random; batch norms and activation scales have settled on random images.
Every output of the stitched RTL, under random stalls at both ends and at full speed, is compared
with qonnx running the exported file. The interval is that of the run at full speed. Then the
deployment package's own code computes the same images on a fake of PYNQ, behind whose DMAs is what
the RTL read and gave. Seconds are those of a first run: nothing comes from the cache of an earlier
one. The exit code is 1 where an image differs, an interval is off by more than 5 %, or our
transformations of ResNet-18 take more than a tenth of FINN's time.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import board_package
import torch
from brevitas.export import export_qonnx
from qonnx.core.modelwrapper import ModelWrapper
from rich.console import Console
from rich.table import Table
from torch import nn

from msq_finn import models
from msq_finn.build import fifos, node_resources
from msq_finn.build.differences import mismatches
from msq_finn.build.generate import generate
from msq_finn.build.run import build, random_images
from msq_finn.build.simulate import accelerator_inputs, reference_outputs, run_accelerator, simulate
from msq_finn.build.stitch import stitch
from msq_finn.errors import MsqError
from msq_finn.lowering import times
from msq_finn.lowering.cycles import predicted_interval
from msq_finn.lowering.host_side import Host
from msq_finn.lowering.lower import Target
from msq_finn.sim.xsi import SIMULATOR
from msq_finn.training.assign import assign_rows, mixed_layers
from msq_finn.training.couple import coupled_layers

#: Most that an interval may be off the slowest node's cycles, as a fraction.
TOLERANCE = 0.05

#: Most time that our transformations may take, as a share of FINN's.
MOST_TIME = 0.1

#: What a network's time goes to.
STAGES = ("conversion to RTL", "FIFO sizes", "simulation")

STALLS = {"stall_in": 0.2, "stall_out": 0.3, "seed": 1}


@dataclass(frozen=True)
class Network:
    """A network, the shape of its input, and what to fold it for."""

    make: Callable[[], nn.Module]
    shape: tuple[int, ...]
    target_fps: int
    board: str = "Pynq-Z1"


def brevitas_example(name: str) -> nn.Module:
    """One of Brevitas's own networks, untrained."""
    from brevitas_examples.bnn_pynq.models import model_with_cfg

    model, _ = model_with_cfg(name, pretrained=False)
    return model


NETWORKS = {
    "tfc": Network(models.tfc, (1, 28, 28), 100_000),
    "cybersecurity_mlp": Network(lambda: models.tfc(inputs=600), (600,), 300_000),
    "cnv": Network(models.cnv, (3, 32, 32), 500, "ZCU104"),
    "resnet8": Network(models.resnet8, (3, 32, 32), 1_000),
    "vgg10": Network(models.vgg10, (2, 1024), 4_000, "ZCU104"),
    "mobilenet_v1": Network(
        lambda: models.mobilenet_v1(width=0.25, classes=10), (3, 32, 32), 20_000
    ),
    "yolo": Network(models.yolo, (3, 32, 32), 2_000),
    "unet": Network(models.unet, (3, 32, 32), 2_000),
    "ds_cnn": Network(models.ds_cnn, (1, 49, 10), 5_000),
    "autoencoder": Network(models.autoencoder, (640,), 50_000),
    "lstm": Network(models.lstm_classifier, (8, 8), 40_000),
    "gru": Network(models.gru_classifier, (8, 8), 40_000),
    "brevitas_tfc": Network(lambda: brevitas_example("TFC_2W2A"), (1, 28, 28), 4_000),
    "brevitas_cnv": Network(lambda: brevitas_example("CNV_2W2A"), (3, 32, 32), 2_000),
}


def settled(network: Network) -> nn.Module:
    """Build a network, mixed rows coupled, statistics taken from random images."""
    torch.manual_seed(0)
    model = network.make()
    if mixed_layers(model):
        assign_rows(model, 0.5, coupled=coupled_layers(model))
    model.train()
    with torch.no_grad():
        for _ in range(60):
            model(torch.rand(8, *network.shape))
    return model.eval()


def run(name: str, images: int, folder: Path, *, sized: bool = True) -> dict[str, Any]:
    """Take one network all the way, its FIFOs sized or as FINN inserts them."""
    network = NETWORKS[name]
    source = folder / "model.onnx"
    example = torch.rand(1, *network.shape)
    export_qonnx(settled(network), example, str(source), dynamo=False, opset_version=13)
    started = time.monotonic()
    lowered = generate(source, Target(network.board, target_fps=network.target_fps), folder)
    generated = time.monotonic()
    pixels = random_images(lowered, images, seed=0)
    inputs = accelerator_inputs(lowered, pixels)
    if sized:
        fifos.size_fifos(lowered, folder / "sizing")
    ready = time.monotonic()
    design = stitch(lowered.model, folder)
    result = simulate(lowered, design, pixels)
    stalled, _ = run_accelerator(lowered.model, design, inputs, **STALLS)
    reference = reference_outputs(source, pixels)
    moved = mismatches(stalled, result.raw, 1)
    different = mismatches(result.outputs, reference, Host(lowered.parent).output_step())
    ends = (started, generated, ready, time.monotonic())
    return {
        "network": name,
        "images": images,
        "mismatches": min(images, different + moved),
        "package_mismatches": board_package.mismatches(lowered, pixels, result, reference),
        "cycles_per_image": result.cycles_per_image,
        "predicted_cycles_per_image": predicted_interval(lowered.model),
        "simulator": SIMULATOR,
        "seconds": round(ends[-1] - started, 1),
        "seconds_per_stage": {
            stage: round(end - start, 1)
            for stage, (start, end) in zip(STAGES, pairwise(ends), strict=True)
        },
    }


def resnet18(folder: Path) -> dict[str, Any]:
    """Take ResNet-18 at ImageNet's shapes to RTL, and synthesise its largest layer."""
    torch.manual_seed(0)
    model = models.resnet18()
    assign_rows(model, 0.5, coupled=coupled_layers(model))
    model.train()
    with torch.no_grad():
        for _ in range(55):  # small images settle the statistics as well
            model(torch.rand(2, 3, 64, 64))
    source, work = folder / "model.onnx", folder / "build"
    work.mkdir()
    shape = (1, 3, 224, 224)
    export_qonnx(model.eval(), torch.rand(shape), str(source), dynamo=False, opset_version=13)
    target = Target("U250", target_fps=100)
    started = time.monotonic()
    summary = build(source, target, folder, work, 2, until="hardware")
    built = time.monotonic()
    design = stitch(ModelWrapper(str(work / "dataflow.onnx")), work)
    largest = max(summary.layers, key=lambda la: (la.mw * la.mh, la.node)).node
    names = (largest, f"{largest}_weights")
    design.parts = [part for part in design.parts if part[0] in names]
    measured = node_resources.measure(design, summary.part)
    return {
        "network": "resnet18",
        "hardware_seconds": round(built - started, 1),
        "finn_seconds": summary.finn_seconds,
        "msq_seconds": summary.msq_seconds,
        "msq_share": round(summary.msq_seconds / summary.finn_seconds, 3),
        "seconds_per_step": times.read(work / "report")["steps"],
        "largest_layer": largest,
        "synth_seconds": round(time.monotonic() - built, 1),
        "largest_layer_resources": {name: asdict(found) for name, found in measured.items()},
        "predicted_cycles_per_image": summary.predicted_cycles_per_image,
    }


@contextmanager
def fresh_folder() -> Iterator[Path]:
    """A folder that goes, with a cache of its own."""
    with tempfile.TemporaryDirectory(prefix="msq_finn_network_") as folder:
        os.environ["XDG_CACHE_HOME"] = str(Path(folder, "cache"))
        yield Path(folder)


def ratio(row: dict[str, Any]) -> float:
    """Measured over predicted cycles."""
    return float(row["cycles_per_image"] / row["predicted_cycles_per_image"])


def main() -> int:
    """Run the networks asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--network", choices=NETWORKS, action="append", help="default: all")
    parser.add_argument("--images", type=int, default=4, help="images to simulate, 3 or more")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument(
        "--resnet18", action="store_true", help="ResNet-18 to RTL and its largest layer instead"
    )
    options = parser.parse_args()
    if options.resnet18:
        with fresh_folder() as folder:
            found = resnet18(folder)
        print(json.dumps(found, indent=2))
        return int(found["msq_share"] > MOST_TIME)
    rows = []
    for name in options.network or NETWORKS:
        with fresh_folder() as folder:
            try:
                rows.append(run(name, max(3, options.images), folder))
            except MsqError as error:
                print(f"{name}: {error}", file=sys.stderr)
                return 1
    failed = any(
        row["mismatches"] or row["package_mismatches"] or abs(ratio(row) - 1) > TOLERANCE
        for row in rows
    )
    if options.json:
        print(json.dumps(rows, indent=2))
        return int(failed)
    table = Table(
        *("network", "images", "mismatches", "package"),
        *("cycles", "predicted", "ratio", "seconds"),
    )
    for row in rows:
        values = (
            row["network"],
            row["images"],
            row["mismatches"],
            row["package_mismatches"],
            f"{row['cycles_per_image']:.0f}",
            row["predicted_cycles_per_image"],
            f"{ratio(row):.3f}",
            row["seconds"],
        )
        table.add_row(*map(str, values))
    Console().print(table, f"Simulator: {SIMULATOR}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
