"""The planner's commands, as a user meets them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from torch import nn

pytest.importorskip("finn")

from msq_finn.cli import main
from msq_finn.plan.file.schema import Plan
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
    assert data["plan"] == json.loads(plan.model_dump_json())
    report = yaml.safe_load((tmp_path / "plan.report.yaml").read_text())
    assert report == {key: data[key] for key in ("totals", "layers", "nodes", "on_host")}


def factory() -> nn.Module:
    return small_cnn()


def not_a_network() -> int:
    return 7


def test_a_network_is_planned_before_training(tmp_path: Path):
    out, picture = tmp_path / "plan.yaml", tmp_path / "plan.png"
    arguments = [
        *("plan", f"{__name__}:factory", "--input-shape", "1,6,6", "--max-throughput"),
        *("--budget", "lut=0.05,dsp=0.1", "--clk", "125MHz", "--figure", str(picture)),
    ]
    page = CliRunner().invoke(main, [*arguments, "-o", str(out)], catch_exceptions=False).stdout
    result = CliRunner().invoke(main, [*arguments, "-v", "-o", str(out)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    plan = Plan.load(out)
    assert plan.clk_ns == 8
    report = yaml.safe_load((tmp_path / "plan.report.yaml").read_text())
    totals = report["totals"]
    assert totals["fps"] == pytest.approx(125e6 / totals["cycles"], rel=1e-4)
    printed = " ".join(result.stdout.replace("│", " ").split())
    assert f"{totals['fps']:,.1f} frames/s" in page and "of 53,200 LUT sites" in page
    assert max(map(len, page.splitlines()[:-1])) <= 100 and "bottleneck" not in page
    for layer in report["layers"]:
        assert layer["why"] and layer["why"] in printed
        own = layer["resources"]
        for other in layer["next_best"]:
            # One that is no faster and saves nothing is no alternative.
            theirs = other["resources"]
            saves = any(theirs[name] < own[name] for name in ("lut", "dsp", "bram36"))
            assert saves or other["cycles"] > layer["cycles"]
        assert all(other["change"] in printed for other in layer["next_best"])
    assert picture.read_bytes().startswith(b"\x89PNG")
    # Rows are still free: without SP2, every row is of the other scheme.
    fixed = tmp_path / "fixed.yaml"
    arguments[-2:] = ["--schemes", "fixed"]
    result = CliRunner().invoke(main, [*arguments, "-o", str(fixed)], catch_exceptions=False)
    assert [list(la.rows) for la in Plan.load(fixed).layers] == [["fixed_4"]] * 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([f"{__name__}:factory"], "give the shape of its input, as --input-shape 3,32,32"),
        ([f"{__name__}:factory", "--input-shape", "3x8"], "give positive numbers, as 3,32,32"),
        ([f"{__name__}:factory", "--input-shape", "2,8,8"], "cannot be exported for inputs of"),
        ([f"{__name__}:nothing", "--input-shape", "1"], "no such file, and no such function"),
        (["no_such_module:f", "--input-shape", "1"], "no such file, and no such function"),
        ([f"{__name__}:not_a_network", "--input-shape", "1"], "returned a int, not a torch.nn"),
        ([f"{__name__}:exported", "--input-shape", "1"], "calling it without arguments failed"),
    ],
)
def test_bad_functions_are_one_line(tmp_path: Path, arguments: list[str], message: str):
    options = ["--max-throughput", "-o", str(tmp_path / "plan.yaml")]
    result = CliRunner().invoke(main, ["plan", *arguments, *options])
    assert result.exit_code == 2, result.output
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--max-throughput", "--budget", "lut=1.5"], "give a share above 0 and at most 1"),
        (["--target-fps", "1e9"], "frames per second on Pynq-Z1 at most"),
        ([], "give either --target-fps N or --max-throughput"),
        (["--target-fps", "5", "--max-throughput"], "give either --target-fps N or"),
        (["--max-throughput", "--board", "Pynq-Z9"], "unknown board 'Pynq-Z9'"),
        (["--max-throughput", "--clk", "fast"], "clock 'fast': give a frequency as 100MHz or"),
        (["--max-throughput", "--clk", "100"], "clock '100': give a frequency as 100MHz or"),
        (["--max-throughput", "--clk", "0Hz"], "clock '0Hz': inf ns is not within 0.1 to 10000 ns"),
        (["--max-throughput", "--schemes", "sp3"], "scheme 'sp3' is not planned"),
        (["--max-throughput", "--schemes", "sp2"], "rows that only fixed_4 holds; add fixed_4"),
        (["--max-throughput", "--figure", "plan.doc"], "plan.doc: no type of picture"),
        (["--max-throughput", "--input-shape", "1,8,8"], "is a file and has its own; leave it out"),
    ],
)
def test_bad_input_is_one_line(source: Path, tmp_path: Path, arguments: list[str], message: str):
    out = tmp_path / "plan.yaml"
    result = CliRunner().invoke(main, ["plan", str(source), "-o", str(out), *arguments])
    assert result.exit_code == 2
    assert message in result.stderr
    assert not out.exists()
