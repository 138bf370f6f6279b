"""The documentation, followed to the letter."""

from __future__ import annotations

import json
import re
import shlex

import brevitas.nn as qnn
import click
import numpy as np
import pytest
from torch import nn

from msq_finn.cli import main
from msq_finn.models import PixelQuant
from msq_finn.plan.frontend.source import export
from msq_finn.quant import MSQWeightPerChannelFloat

from .pages import PAGES, ROOT, blocks, commands, run, run_python, text_of


def flags(command):
    return {flag for p in command.params for flag in (*p.opts, *p.secondary_opts)} | {"--help"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_and_options_exist(page):
    for _, *words in commands(text_of(page)):
        while words[0] in flags(main) and len(words) > 1:
            words.pop(0)
        if words[0] in ("--help", "COMMAND", "finn"):  # of which the last has FINN's own options
            continue
        command = main.get_command(click.Context(main), words[0])
        assert command, f"no command {words[0]}"
        unknown = {word for word in words if word.startswith("-")} - flags(command)
        assert not unknown, f"{shlex.join(words)}: {unknown}"


def test_commands_are_found():
    assert sum(len(commands(text_of(page))) for page in PAGES) > 15


def test_readme_snippets(tmp_path):
    run_python("\n".join(blocks(text_of("README.md"), "python")), tmp_path)


def test_own_board(tmp_path):
    (snippet,) = blocks(text_of("docs/how-to/own-board.md"), "python")
    known = "from msq_finn.lowering.inputs import check_board\nprint(check_board('My-Board'))"
    assert run_python(f"{snippet}\n{known}", tmp_path).split() == ["xc7z020clg400-1"]


def test_own_lane(tmp_path):
    (snippet,) = blocks(text_of("docs/how-to/own-lane.md"), "python")
    known = "from msq_finn.lanes import LaneCounts\nprint(LaneCounts({'my_sp2_4_lut': 2}).label)"
    assert run_python(f"{snippet}\n{known}", tmp_path).strip() == "2 my SP2(4) LUT"


def test_plan_for_a_board(tmp_path):
    text = text_of("docs/how-to/plan.md")
    plan, *_ = commands(text)
    run(plan, tmp_path)
    assert (tmp_path / "plan.png").stat().st_size > 10_000
    (snippet,) = blocks(text, "python")
    run_python(snippet, tmp_path)


@pytest.mark.slow
def test_post_training(tmp_path):
    text = text_of("docs/how-to/post-training.md")
    network, script = blocks(text, "python")
    assert len(script.splitlines()) <= 12
    (tmp_path / "my_network.py").write_text(network)
    exported, rtl = map(float, run_python(script, tmp_path).split()[-2:])
    assert exported == rtl > 0.85
    save = """
import numpy as np
from my_network import digits
x, y = digits()
np.savez("digits.npz", x=x[1::20].numpy(), y=y[1::20].numpy())
"""
    run_python(save, tmp_path)
    quantize, _ = commands(text)
    assert "accuracy_quant" in run(quantize, tmp_path)


def test_tutorial(tmp_path):
    text = text_of("docs/tutorial.md")
    network, train = blocks(text, "python")
    (tmp_path / "digits_mlp.py").write_text(network)
    plan, inspect, build = commands(text)
    run(plan, tmp_path)
    accuracy = float(run_python(train, tmp_path).split()[-1])
    run(inspect, tmp_path)
    # Counting resources takes most of the time, and the notebooks do that.
    run(["simulate" if word == "synth" else word for word in build], tmp_path)
    assert accuracy > 0.85
    assert (tmp_path / "rows.png").stat().st_size > 10_000
    summary = json.loads((tmp_path / "out/summary.json").read_text())
    assert summary["images_simulated"] > 0 and summary["rtl_mismatches"] == 0


def test_own_data(tmp_path):
    (snippet,) = blocks(text_of("docs/how-to/own-data.md"), "python")
    run_python(snippet, tmp_path)
    samples = np.load(tmp_path / "samples.npz")
    assert samples["x"].shape == (40, 1, 8, 8) and samples["y"].shape == (40,)


@pytest.mark.slow
def test_waveforms_and_graphs(tmp_path):
    text = text_of("docs/how-to/look-inside.md")
    network = nn.Sequential(
        qnn.QuantIdentity(act_quant=PixelQuant),
        qnn.QuantConv2d(1, 4, 3, bias=False, weight_quant=MSQWeightPerChannelFloat),
    )
    export(network.eval(), tmp_path / "model.onnx", (1, 8, 8))
    (snippet,) = blocks(text, "python")
    run_python(snippet, tmp_path)
    assert "net3" in (tmp_path / "one_image.vcd").read_text()
    for name in re.findall(r"`(\w+\.onnx)`", text):
        (found,) = (tmp_path / "out/build/intermediate_models").glob(name)
        assert found.stat().st_size > 500


def test_messages_that_are_looked_up_are_said():
    """Messages in the first column of the page on troubleshooting stand in the sources."""
    sources = "\n".join(
        path.read_text()
        for folder in ("msq_finn", "transforms")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in (".py", ".sv", ".j2")
    )
    rows = re.findall(r"^\| ([^|]+) \|", text_of("docs/how-to/troubleshooting.md"), re.MULTILINE)
    messages = [piece for row in rows for piece in re.findall(r"`([^`]+)`", row)]
    assert len(messages) > 15
    assert not [piece for piece in messages if piece not in sources]


@pytest.mark.slow
def test_recurrent(tmp_path):
    text = text_of("docs/how-to/recurrent.md")
    train, drive = blocks(text, "python")
    run_python(train, tmp_path)
    for build in commands(text):
        run(build, tmp_path)
        summary = json.loads((tmp_path / "out/summary.json").read_text())
        assert summary["images_simulated"] > 0 and summary["rtl_faults"] == 0
    # The last one's package takes the length that the page's driver writes.
    settings = json.loads((tmp_path / "out/deploy/driver/settings.json").read_text())
    assert settings["sequence_length"]["longest"] == summary["longest_sequence"] == 8
    assert "network.sequence_length = 5" in drive
    assert "network.sequence_length = 5" in (tmp_path / "out/deploy/README.md").read_text()
