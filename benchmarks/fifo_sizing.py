"""FIFO sizing: seconds with control alone, as builds do it, and with all data beside it.

Both find depths for the same networks in one run, from empty caches: three convolutions at 28x28
(or those of networks.py by name), each lowered to RTL once.

    python benchmarks/fifo_sizing.py [--json] [--network NAME]...
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from brevitas.export import export_qonnx
from networks import NETWORKS, Network, settled
from rich.console import Console
from rich.table import Table
from torch import nn

from msq_finn import models
from msq_finn.build import fifos
from msq_finn.build.generate import generate
from msq_finn.build.stitch import stitch
from msq_finn.lowering.lower import Lowered, Target
from msq_finn.quant import MSQWeightPerChannelFloat


def digits28() -> nn.Module:
    """Build three row-mixed convolutions of 16, 32 and 64 channels for 28x28 images."""
    make = models.LayerFactory(MSQWeightPerChannelFloat, {})
    layers: list[nn.Module] = [make.identity(models.PixelQuant)]
    for inputs, outputs in ((1, 16), (16, 32), (32, 64)):
        layers += [*make.conv_relu(inputs, outputs), nn.MaxPool2d(2)]
    return nn.Sequential(*layers, nn.Flatten(), make.classifier(64 * 9, 10))


KNOWN = NETWORKS | {"digits28": Network(digits28, (1, 28, 28), 110_000)}


def lowered_to(folder: Path, name: str) -> Lowered:
    """Lower a network to RTL."""
    network = KNOWN[name]
    source = folder / "model.onnx"
    example = torch.rand(1, *network.shape)
    export_qonnx(settled(network), example, str(source), dynamo=False, opset_version=13)
    return generate(source, Target(network.board, target_fps=network.target_fps), folder)


def measured(lowered: Lowered, folder: Path, control_only: bool) -> dict[str, Any]:
    """Size once, from an empty cache; the network is left as it was."""

    def stitched(*args: Any, **kwargs: Any) -> Any:
        return stitch(*args, **kwargs | {"control_only": control_only})

    before = lowered.model.model.SerializeToString()
    with (
        tempfile.TemporaryDirectory() as cache,
        patch.dict(os.environ, XDG_CACHE_HOME=cache),
        patch.object(fifos, "stitch", stitched),
    ):
        started = time.monotonic()
        depths = fifos.size_fifos(lowered, folder)
        seconds = time.monotonic() - started
    lowered.model.model.ParseFromString(before)
    return {"seconds": round(seconds, 1), "depths": depths}


def run(name: str, folder: Path) -> dict[str, Any]:
    """Size one network both ways."""
    lowered = lowered_to(folder, name)
    control = measured(lowered, folder / "control", True)
    data = measured(lowered, folder / "data", False)
    return {
        "network": name,
        "seconds_control": control["seconds"],
        "seconds_data": data["seconds"],
        "ratio": round(control["seconds"] / data["seconds"], 3),
        "fifos": len(data["depths"]),
        "depths_differ": control["depths"] != data["depths"],
    }


def main() -> int:
    """Size the networks asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--network", choices=KNOWN, action="append", help="default: digits28")
    parser.add_argument("--json", action="store_true", help="print JSON")
    args = parser.parse_args()
    rows = []
    for name in args.network or ["digits28"]:
        with tempfile.TemporaryDirectory(prefix="msq_finn_fifos_") as folder:
            rows.append(run(name, Path(folder)))
    if args.json:
        print(json.dumps(rows, indent=2))
    else:
        table = Table(*rows[0])
        for row in rows:
            table.add_row(*map(str, row.values()))
        Console().print(table)
    return int(any(row["depths_differ"] for row in rows))


if __name__ == "__main__":
    sys.exit(main())
