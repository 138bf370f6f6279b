"""Whole networks at gate level: the netlist against the RTL, and in four states.

Each network is built up to ``gate``: stitched RTL against the exported model, then the synthesised
netlist against the RTL, in Verilator. After that the netlist runs in Icarus Verilog with flip-flops
that have forgotten what the bitfile gave them, a late reset, resets in the middle of images, and
random stalls; every stream between modules is watched for X. The exit code is 1 where an image
differs or something is unknown. Networks are those of networks.py, and the demo's without training;
ResNet-8 and DS-CNN have smaller inputs: all of their layers, in fewer cycles.

    python benchmarks/gate_level.py [--json] [--network NAME]... [--board BOARD] [--images N]
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from brevitas.export import export_qonnx
from networks import NETWORKS, Network, settled
from qonnx.core.modelwrapper import ModelWrapper
from rich.console import Console
from rich.table import Table

from msq_finn.build import node_resources
from msq_finn.build.gate import gate_level, run_in_four_states
from msq_finn.build.report_files import REFERENCE
from msq_finn.build.run import build
from msq_finn.build.stitch import stitch
from msq_finn.demo import TARGET_FPS
from msq_finn.lowering.inputs import check_board
from msq_finn.lowering.lower import Target
from msq_finn.models import digits_cnn, ds_cnn, resnet8

KNOWN = NETWORKS | {
    "demo": Network(digits_cnn, (1, 8, 8), TARGET_FPS),
    "resnet8": Network(resnet8, (3, 4, 4), 20_000),
    "ds_cnn": Network(ds_cnn, (1, 5, 6), 20_000),
}
DEFAULT = ("demo", "resnet8", "ds_cnn")

STALLS = {"stall_in": 0.1, "stall_out": 0.1}


@contextmanager
def folder_for(keep: Path | None) -> Iterator[Path]:
    """A folder that goes, unless it is given."""
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        yield keep
        return
    with TemporaryDirectory(prefix="msq_finn_gate_") as folder:
        yield Path(folder)


def run(name: str, board: str, images: int, folder: Path) -> dict[str, Any]:
    """Take one network to its netlist, and that through both simulators."""
    network = KNOWN[name]
    source, work = folder / "model.onnx", folder / "build"
    work.mkdir(exist_ok=True)
    example = torch.rand(1, *network.shape)
    export_qonnx(settled(network), example, str(source), dynamo=False, opset_version=13)
    times = [time.monotonic()]
    target = Target(board, target_fps=network.target_fps)
    summary = build(source, target, folder, work, 3, until="synth")
    times.append(time.monotonic())
    summary = build(source, target, folder, work, 3, until="gate", start="gate")
    times.append(time.monotonic())
    model = ModelWrapper(str(work / "dataflow.onnx"))
    design = stitch(model, work)
    runs = node_resources.synthesize(design, check_board(board))
    netlists = {part: found.netlist for part, found in runs.items()}
    gates = gate_level(design, netlists, work / "four_states", four_states=True)
    simulated = np.load(work / REFERENCE)
    inputs = simulated["accelerator_inputs"][:images]
    raw, found = run_in_four_states(model, gates, inputs, **STALLS)
    times.append(time.monotonic())
    wrong = (raw != simulated["accelerator_outputs"][:images]).reshape(len(raw), -1).any(axis=1)
    seconds = [round(after - before) for before, after in itertools.pairwise(times)]
    return {
        "network": name,
        "board": board,
        "rtl_mismatches": summary.rtl_mismatches,
        "gate_images": summary.gate_images,
        "gate_mismatches": summary.gate_mismatches,
        "four_state_images": len(raw),
        "four_state_mismatches": int(wrong.sum()),
        "unknown": found.unknown,
        "streams": len(design.streams),
        "lut_sites": summary.lut_sites,
        "dsp": summary.dsp,
        "bram36": summary.bram36,
        "seconds": dict(zip(("synth", "gate", "four_state"), seconds, strict=True)),
    }


def main() -> int:
    """Run the networks asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--network", choices=KNOWN, action="append", help="default: three")
    parser.add_argument("--board", default="Pynq-Z1")
    parser.add_argument("--images", type=int, default=1, help="in four states, 3 at most")
    parser.add_argument("--keep", type=Path, help="folder to build one network in")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    rows = []
    for name in options.network or DEFAULT:
        with folder_for(options.keep) as folder:
            rows.append(run(name, options.board, options.images, folder))
    failures = ("rtl_mismatches", "gate_mismatches", "four_state_mismatches", "unknown")
    failed = any(row[key] for row in rows for key in failures)
    if options.json:
        print(json.dumps(rows, indent=2))
        return int(failed)
    table = Table(
        "network", "board", "netlist: images, differ", "four states: images, differ, X", "s"
    )
    for row in rows:
        table.add_row(
            row["network"],
            row["board"],
            f"{row['gate_images']}, {row['gate_mismatches']}",
            f"{row['four_state_images']}, {row['four_state_mismatches']}, {len(row['unknown'])}",
            ", ".join(f"{stage} {taken}" for stage, taken in row["seconds"].items()),
        )
    Console().print(table)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
