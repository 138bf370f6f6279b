"""The planner's commands, as a user meets them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

pytest.importorskip("finn")

from msq_finn.cli import main
from msq_finn.plan.planfile import Plan
from tests.build.networks import exported, small_cnn


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> Path:
    return exported(small_cnn(), tmp_path_factory.mktemp("cli") / "model.onnx")


def test_a_plan_is_made(source: Path, tmp_path: Path):
    out = tmp_path / "plan.yaml"
    arguments = ["plan", str(source), "--max-throughput", "-o", str(out), "--json"]
    result = CliRunner().invoke(main, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    plan = Plan.load(out)
    data = json.loads(result.stdout)
    assert data.pop("schema_version") == 1 and data.pop("versions")["finn-plus"]
    assert data == json.loads(plan.model_dump_json())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--max-throughput", "--budget", "lut=1.5"], "give a share above 0 and at most 1"),
        (["--target-fps", "1e9"], "frames per second on Pynq-Z1 at most"),
        ([], "give either --target-fps N or --max-throughput"),
        (["--target-fps", "5", "--max-throughput"], "give either --target-fps N or"),
        (["--max-throughput", "--board", "Pynq-Z9"], "unknown board 'Pynq-Z9'"),
    ],
)
def test_bad_input_is_one_line(source: Path, tmp_path: Path, arguments: list[str], message: str):
    out = tmp_path / "plan.yaml"
    result = CliRunner().invoke(main, ["plan", str(source), "-o", str(out), *arguments])
    assert result.exit_code == 2
    assert message in result.stderr
    assert not out.exists()
