"""FIFO sizing: seconds with control alone, as builds do it, and with all data beside it.

Both find depths for the same networks in one run, from an empty cache: three convolutions at 28x28
(or those of networks.py by name, or random ones of the tests), each lowered to RTL once. A design
with the depths found then runs with data: cycles between images. One that deadlocks ends all with
an error; the exit code is 1 where depths differ, or an interval is more than 2 % above the other's.

    python benchmarks/fifo_sizing.py [--json] [--network NAME]... [--random COUNT]
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from brevitas.export import export_qonnx
from networks import NETWORKS, Network, settled
from qonnx.custom_op.registry import getCustomOp
from rich.console import Console
from rich.table import Table
from torch import nn

from msq_finn import models
from msq_finn.build import fifos
from msq_finn.build.end_ports import input_ports
from msq_finn.build.generate import generate
from msq_finn.build.simulate import finish_times, run_accelerator, steady_interval
from msq_finn.build.stitch import stitch
from msq_finn.errors import MsqError
from msq_finn.lowering.ends import together
from msq_finn.lowering.lower import Lowered, Target
from msq_finn.lowering.rtl_nodes import check_rtl
from msq_finn.quant import MSQWeightPerChannelFloat

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.build.random_networks import Random, Wide, network

#: Frames of a run with the depths found.
FRAMES = 8

#: Kinds of random networks, and what to fold them for: one pixel in a cycle, and several.
KINDS = (
    (Random, Target("Pynq-Z1", target_fps=100_000)),
    (Wide, Target("ZCU104", target_fps=1_000_000)),
)

#: Most that an interval may be above that of the depths found with data.
TOLERANCE = 1.02


def digits28() -> nn.Module:
    """Build three row-mixed convolutions of 16, 32 and 64 channels for 28x28 images."""
    make = models.LayerFactory(MSQWeightPerChannelFloat, {})
    layers: list[nn.Module] = [make.identity(models.PixelQuant)]
    for inputs, outputs in ((1, 16), (16, 32), (32, 64)):
        layers += [*make.conv_relu(inputs, outputs), nn.MaxPool2d(2)]
    return nn.Sequential(*layers, nn.Flatten(), make.classifier(64 * 9, 10))


KNOWN = NETWORKS | {"digits28": Network(digits28, (1, 28, 28), 110_000)}


def lowered_to(folder: Path, model: nn.Module, shape: tuple[int, ...], target: Target) -> Lowered:
    """Lower a network to RTL."""
    source = folder / "model.onnx"
    export_qonnx(model, torch.rand(1, *shape), str(source), dynamo=False, opset_version=13)
    return generate(source, target, folder)


def known(folder: Path, name: str) -> Lowered:
    """Lower a network that has a name."""
    made = KNOWN[name]
    return lowered_to(
        folder, settled(made), made.shape, Target(made.board, target_fps=made.target_fps)
    )


def random_networks() -> Iterator[dict[str, Any]]:
    """Size random networks, both kinds in turn; those that hardware does not have are left out."""
    for seed in itertools.count():
        make, target = KINDS[seed % 2]
        with tempfile.TemporaryDirectory(prefix="msq_finn_fifos_") as folder:
            try:
                lowered = lowered_to(Path(folder), *network(seed, make), target)
                check_rtl(lowered.model)
            except MsqError:
                continue
            yield run(f"{make.__name__.lower()} {seed}", lowered, Path(folder))


def named_networks(names: list[str]) -> Iterator[dict[str, Any]]:
    """Size networks that have names."""
    for name in names:
        with tempfile.TemporaryDirectory(prefix="msq_finn_fifos_") as folder:
            yield run(name, known(Path(folder), name), Path(folder))


def measured(lowered: Lowered, folder: Path, control_only: bool) -> dict[str, Any]:
    """Size once, and run what comes of it; the network is left as it was."""

    def stitched(*args: Any, **kwargs: Any) -> Any:
        return stitch(*args, **kwargs | {"control_only": control_only})

    before = lowered.model.model.SerializeToString()
    with patch.object(fifos, "stitch", stitched):
        started = time.monotonic()
        depths = fifos.size_fifos(lowered, folder)
        seconds = time.monotonic() - started
    sized = lowered.model.model.SerializeToString()
    lowered.model.model.ParseFromString(before)
    return {"seconds": round(seconds, 1), "depths": depths, "sized": sized}


def interval_of(lowered: Lowered, folder: Path, found: dict[str, Any]) -> float:
    """Cycles between images at full speed, of the design with the depths found, and with data."""
    lowered.model.model.ParseFromString(found["sized"])
    for node in lowered.model.graph.node:
        if node.name in found["depths"]:  # the other method has generated its own
            op, config = getCustomOp(node), lowered.config
            op.generate_hdl(lowered.model, config._resolve_fpga_part(), config.synth_clk_period_ns)
    design = stitch(lowered.model, folder)
    ports = input_ports(lowered.model)
    inputs = together(np.zeros((FRAMES, *port.shape), np.int64) for port in ports)
    _, result = run_accelerator(lowered.model, design, inputs)
    return steady_interval(finish_times(result, FRAMES))


def run(name: str, lowered: Lowered, folder: Path) -> dict[str, Any]:
    """Size one network both ways."""
    control = measured(lowered, folder / "control", True)
    data = measured(lowered, folder / "data", False)
    return {
        "network": name,
        "seconds_control": control["seconds"],
        "seconds_data": data["seconds"],
        "ratio": round(control["seconds"] / data["seconds"], 3),
        "interval_control": interval_of(lowered, folder, control),
        "interval_data": interval_of(lowered, folder, data),
        "fifos": len(data["depths"]),
        "depths_differ": control["depths"] != data["depths"],
    }


def main() -> int:
    """Size the networks asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--network", choices=KNOWN, action="append", help="default: digits28")
    parser.add_argument("--random", type=int, metavar="COUNT", help="networks of the tests instead")
    parser.add_argument("--json", action="store_true", help="print JSON, a network a line")
    args = parser.parse_args()
    found = named_networks(args.network or ["digits28"])
    if args.random:
        found = itertools.islice(random_networks(), args.random)
    rows = []
    with tempfile.TemporaryDirectory() as cache, patch.dict(os.environ, XDG_CACHE_HOME=cache):
        for row in found:
            rows.append(row)
            if args.json:
                print(json.dumps(row), flush=True)
    if not args.json:
        table = Table(*rows[0])
        for row in rows:
            table.add_row(*map(str, row.values()))
        Console().print(table)
    return int(
        any(row["interval_control"] > TOLERANCE * row["interval_data"] for row in rows)
        or any(row["depths_differ"] for row in rows)
    )


if __name__ == "__main__":
    sys.exit(main())
