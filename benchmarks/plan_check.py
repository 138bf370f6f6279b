"""Plans against what is built by them: whole networks, synthesised and simulated.

Each network is planned before training for a board, its rows are assigned by the plan, and it is
built by the plan: FINN's steps, row placement, FIFO sizing and simulation of the stitched RTL in
Verilator, and synthesis of every module in Yosys. Weights are random; scales and batch norms have
settled on random images. Outputs are compared with the exported model bit for bit.

    python benchmarks/plan_check.py [--json] [--network NAME]... [--board NAME]... [--images N]

Without choice, two networks are planned for all of a Pynq-Z1; for a rate, one whose folds are
padded, MobileNet-v1 of width 1/4, the demo's for every board (with serial lanes), and once so fast
that two pixels go in a cycle. The exit code is 1 where an image differs, LUTs or flip-flops are off
by more than 10 %, cycles by more than 2 %, or slices or block RAMs by more than one.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path

import click
import torch
from brevitas.export import export_qonnx
from finn.util.basic import get_dsp_block
from rich.console import Console
from rich.table import Table
from torch import nn

from msq_finn import models
from msq_finn.build.run import build
from msq_finn.lowering.inputs import check_board
from msq_finn.lowering.lower import Target
from msq_finn.plan.frontend.source import network_of_module
from msq_finn.plan.making import make_plan
from msq_finn.plan.report.outcome import Outcome
from msq_finn.quant import MSQWeightPerChannelFloat
from msq_finn.training.assign import assign_rows
from msq_finn.training.couple import coupled_layers

BOARDS = ("Pynq-Z1", "Ultra96", "ZCU104", "KV260_SOM")

#: How far a build may be from its plan: shares, and numbers of slices and block RAMs.
LOGIC_WITHIN, CYCLES_WITHIN, BLOCKS_WITHIN = 0.10, 0.02, 1


def kws_mlp() -> nn.Module:
    """Build FINN's keyword spotting MLP, 490-256-256-256-12."""
    make = models.LayerFactory(MSQWeightPerChannelFloat, {})
    hidden: list[nn.Module] = [make.identity(models.PixelQuant)]
    for inputs in (490, 256, 256):
        hidden += make.linear_relu(inputs, 256)
    return nn.Sequential(*hidden, make.classifier(256, 12))


def prime_mlp() -> nn.Module:
    """Build an MLP of 53 and 47 rows, 60-53-47-10, whose folds are padded."""
    make = models.LayerFactory(MSQWeightPerChannelFloat, {})
    hidden = [make.identity(models.PixelQuant)]
    hidden += [*make.linear_relu(60, 53), *make.linear_relu(53, 47)]
    return nn.Sequential(*hidden, make.classifier(47, 10))


@dataclass(frozen=True)
class Case:
    """A network, its input, and frames per second to plan for (None: as many as there can be)."""

    make: Callable[[], nn.Module]
    shape: tuple[int, ...]
    target_fps: float | None = None


CASES = {
    "kws_mlp": Case(kws_mlp, (490,)),
    "resnet8": Case(models.resnet8, (3, 32, 32)),
    "vgg10": Case(models.vgg10, (2, 1024)),
    "digits_cnn": Case(models.digits_cnn, (1, 8, 8), 100_000),
    "digits_cnn_pixels": Case(models.digits_cnn, (1, 8, 8), 1_400_000),
    "prime_mlp": Case(prime_mlp, (60,), 3_000_000),
    "mobilenet_v1": Case(partial(models.mobilenet_v1, width=0.25, classes=10), (3, 32, 32), 20_000),
}

#: Networks and boards that are checked by default.
CHECKS = (
    ("kws_mlp", "Pynq-Z1"),
    ("resnet8", "Pynq-Z1"),
    ("prime_mlp", "Pynq-Z1"),
    ("digits_cnn_pixels", "Pynq-Z1"),
    ("mobilenet_v1", "Pynq-Z1"),
    *(("digits_cnn", board) for board in BOARDS),
)


def planned(name: str, board: str) -> tuple[Outcome, nn.Module]:
    """Plan a network, and build it with rows as planned, its statistics settled."""
    case = CASES[name]
    torch.manual_seed(0)
    part = check_board(board)
    network = network_of_module(case.make(), name, board, case.shape)
    made = make_plan(network, board, part, get_dsp_block(part), target_fps=case.target_fps)
    model = case.make()
    assign_rows(model, made.plan, coupled=coupled_layers(model))
    model.train()
    with torch.no_grad():
        for _ in range(60):
            model(torch.rand(8, *case.shape))
    return made, model.eval()


def check(name: str, board: str, images: int, folder: Path) -> dict[str, object]:
    """Build a network by its plan, and compare."""
    made, model = planned(name, board)
    source, plan_path, work = folder / "model.onnx", folder / "plan.yaml", folder / "build"
    work.mkdir()
    made.plan.save(plan_path)
    example = torch.rand(1, *CASES[name].shape)
    export_qonnx(model, example, str(source), dynamo=False, opset_version=13)
    target = Target(board, clk_ns=made.plan.clk_ns, plan=plan_path)
    summary = build(source, target, folder / "out", work, images)
    used, figures = made.totals.resources, {}
    for key, told, found in (
        ("lut", used.lut, summary.lut_sites),
        ("ff", used.ff, summary.ff),
        ("dsp", used.dsp, summary.dsp),
        ("bram36", used.bram36, summary.bram36),
        ("cycles", made.totals.cycles, summary.cycles_per_image),
    ):
        assert found is not None
        figures[key] = {"plan": told, "built": found, "off": told / found - 1 if found else 0.0}
    head = {"network": name, "board": board, "images": images}
    return {**head, "mismatches": summary.rtl_mismatches, **figures}


def is_met(row: dict[str, object]) -> bool:
    """Whether a build is what was planned."""
    limits = {"lut": LOGIC_WITHIN, "ff": LOGIC_WITHIN, "cycles": CYCLES_WITHIN}
    near = all(abs(row[key]["off"]) <= most for key, most in limits.items())  # type: ignore[index]
    return (
        not row["mismatches"]
        and near
        and all(
            abs(row[key]["plan"] - row[key]["built"]) <= BLOCKS_WITHIN  # type: ignore[index]
            for key in ("dsp", "bram36")
        )
    )


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--network", "networks", multiple=True, type=click.Choice(list(CASES)))
@click.option("--board", "boards", multiple=True, type=click.Choice(BOARDS))
@click.option("--images", type=click.IntRange(3), default=4, show_default=True)
@click.option("--keep", type=click.Path(path_type=Path), help="Folder to build in, and to leave.")
def main(
    as_json: bool,
    networks: tuple[str, ...],
    boards: tuple[str, ...],
    images: int,
    keep: Path | None,
) -> None:
    """Print plan and build side by side; exit 1 where they are too far apart."""
    rows = []
    usual = [check for check in CHECKS if not boards or check[1] in boards]
    for name, board in product(networks, boards or BOARDS[:1]) if networks else usual:
        with tempfile.TemporaryDirectory(prefix="msq_finn_plan_") as scratch:
            folder = Path(scratch) if keep is None else keep / f"{name}-{board}"
            (folder / "out").mkdir(parents=True)
            rows.append(check(name, board, images, folder))
    if as_json:
        print(json.dumps(rows, indent=2))
    else:
        table = Table("network", "board", "figure", "plan", "built", "off")
        for row in rows:
            for key in ("lut", "ff", "dsp", "bram36", "cycles"):
                told, found, off = row[key].values()  # type: ignore[attr-defined]
                figures = (f"{told:g}", f"{found:g}", f"{off:+.1%}")
                table.add_row(str(row["network"]), str(row["board"]), key, *figures)
            wrong = ("images that differ", "", str(row["mismatches"]), "")
            table.add_row(str(row["network"]), str(row["board"]), *wrong)
        Console().print(table)
    sys.exit(0 if all(map(is_met, rows)) else 1)


if __name__ == "__main__":
    main()
