"""The steps in FINN's own builder: from Python, from its command line, and in spawned workers."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import yaml

from msq_finn.build.generate import generate
from msq_finn.build.hardware_steps import step_msq_stitch
from msq_finn.build.simulate import reference_outputs
from msq_finn.build.steps import DATAFLOW_STEPS
from msq_finn.lowering.lower import Target

from .networks import exported, mixed_to_the_end


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return exported(mixed_to_the_end(), tmp_path_factory.mktemp("m") / "model.onnx", (1, 2, 4, 4))


def importable(step):
    """How a YAML file names a step."""
    return step if isinstance(step, str) else f"{step.__module__}.{step.__name__}"


def test_finns_builder_runs_the_steps_without_vivado(source, tmp_path, monkeypatch, capsys):
    from msq_finn.sim.finn_env import prepare

    monkeypatch.delenv("XILINX_VIVADO", raising=False)
    prepare(tmp_path / "finn")
    from finn.builder.build_dataflow import build_dataflow_cfg
    from finn.builder.build_dataflow_config import DataflowBuildConfig, DataflowOutputType

    from msq_finn.build.steps import step_msq_signals

    stdout, stderr = sys.stdout, sys.stderr
    # One step injected, as users of FINN do; the others in their places.
    steps = [step for step in DATAFLOW_STEPS if step is not step_msq_signals]
    config = DataflowBuildConfig(
        output_dir=str(tmp_path / "out"),
        board="Pynq-Z1",
        synth_clk_period_ns=10.0,
        target_fps=300_000,
        standalone_thresholds=True,
        generate_outputs=[DataflowOutputType.ESTIMATE_REPORTS],
        steps=steps,
        inject_steps_after={"step_tidy_up": [importable(step_msq_signals)]},
    )
    try:
        assert build_dataflow_cfg(str(source), config) == 0
    finally:
        sys.stdout, sys.stderr = stdout, stderr  # FINN's logger keeps them
    report = tmp_path / "out" / "report"
    metadata = json.loads((report / "metadata_builder.json").read_text())
    assert metadata["status"] == "ok" and metadata["tool_version"].startswith("Verilator")
    names = json.loads((report / "time_per_step.json").read_text())
    assert {"step_msq_signals", "step_msq_generate_rtl"} <= set(names)


def build_with_finn(folder, source, config, **environment):
    """Run FINN's command line; returns the folder of what it verified."""
    config = {
        "board": "Pynq-Z1",
        "synth_clk_period_ns": 10.0,
        "target_fps": 300_000,
        "standalone_thresholds": True,
        "generate_outputs": ["estimate_reports"],
        "output_dir": "out",
        **config,
    }
    (folder / "build.yaml").write_text(yaml.safe_dump(config))
    options = ["--skip-dep-update", "--accept-defaults", "--batch", "build.yaml", str(source)]
    kept = {k: v for k, v in os.environ.items() if k != "XILINX_VIVADO"}
    done = subprocess.run(
        [sys.executable, "-c", "from msq_finn.cli import main; main()", "finn", "build", *options],
        cwd=folder,
        env=kept | environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-2000:]
    return folder / "out"


@pytest.fixture
def verification(source, tmp_path):
    """Two images, and FINN's options to verify with them."""
    images = np.random.default_rng(4).random((2, 2, 4, 4), dtype=np.float32)
    np.save(tmp_path / "images.npy", images)
    np.save(tmp_path / "outputs.npy", reference_outputs(source, images))
    return {"verify_input_npy": "images.npy", "verify_expected_output_npy": "outputs.npy"}


def test_finns_command_line_runs_a_yaml(source, tmp_path):
    last = [importable(step) for step in DATAFLOW_STEPS].index("step_generate_estimate_reports")
    steps = [importable(step) for step in DATAFLOW_STEPS[: last + 1]]
    out = build_with_finn(tmp_path, source, {"steps": steps})
    cycles = json.loads((out / "report/estimate_layer_cycles.json").read_text())
    assert any(name.startswith("MVAU_MSQ_rtl") for name in cycles)


def test_finns_own_verification_up_to_the_stitched_design(source, tmp_path, verification):
    """FINN compares all stages itself; an output that is not the network's fails in each."""
    expected = np.load(tmp_path / "outputs.npy")
    expected[1] += np.ptp(expected)
    np.save(tmp_path / "outputs.npy", expected)
    stages = ["finn_onnx_python", "initial_python", "streamlined_python", "stitched_ip_rtlsim"]
    steps = [*DATAFLOW_STEPS, step_msq_stitch, "step_create_stitched_ip"]
    config = {"steps": [importable(step) for step in steps], "verify_steps": stages}
    out = build_with_finn(tmp_path, source, config | verification)
    found = {path.name for path in (out / "verification_output").glob("*.npy")}
    for stage in stages:
        assert {f"verify_{stage}_0_SUCCESS.npy", f"verify_{stage}_1_FAIL.npy"} <= found, found


@pytest.mark.slow
def test_finns_own_verification_runs_in_spawned_workers(source, tmp_path, verification):
    """FINN's start method, two workers, its command line: node by node through its rtlsim."""
    config = {
        "steps": [*(importable(step) for step in DATAFLOW_STEPS), "step_hw_ipgen"],
        "verify_steps": ["node_by_node_rtlsim"],
        "verify_save_rtlsim_waveforms": True,
    }
    spawn = {"FINN_MP_START_METHOD": "spawn", "NUM_DEFAULT_WORKERS": "2"}
    verified = build_with_finn(tmp_path, source, config | verification, **spawn)
    verified /= "verification_output"
    results = [path.name for path in verified.glob("verify_node_by_node_rtlsim_*.npy")]
    assert sorted(name.rsplit("_", 1)[1] for name in results) == ["SUCCESS.npy"] * 2
    waveforms = {path.stem for path in (verified / "node_by_node_rtlsim_waveforms").iterdir()}
    assert "MVAU_MSQ_rtl_0_rtlsim" in waveforms


SPAWN = """
import multiprocessing, sys
from msq_finn.sim.finn_env import prepare
if __name__ == "__main__":
    prepare(sys.argv[1])
    multiprocessing.set_start_method("spawn")
    from finn.transformation.fpgadataflow.prepare_rtlsim import PrepareRTLSim
    from qonnx.core.modelwrapper import ModelWrapper
    from msq_finn.lowering import finn_workers
    if sys.argv[3] == "prepared":
        finn_workers.prepare()
    ModelWrapper(sys.argv[2]).transform(PrepareRTLSim())
"""


UNPREPARED = (
    "XILINX_VIVADO environment variable not set",
    "Custom op_type MVAU_MSQ_rtl is currently not supported",
)


@pytest.mark.slow
def test_spawned_workers_know_the_ops_where_they_are_prepared(source, tmp_path):
    generate(source, Target("Pynq-Z1"), tmp_path / "low")
    model = tmp_path / "low/intermediate_models/step_msq_generate_rtl.onnx"
    (tmp_path / "spawn.py").write_text(SPAWN)
    errors = {}
    for which in ("plain", "prepared"):
        done = subprocess.run(
            [sys.executable, "spawn.py", str(tmp_path / which), str(model), which],
            cwd=tmp_path,
            env={**os.environ, "NUM_DEFAULT_WORKERS": "2"},
            capture_output=True,
            text=True,
        )
        errors[which] = done.stderr if done.returncode else ""
    # Without it the workers are fresh ones: which of the two comes first is a race.
    assert any(text in errors["plain"] for text in UNPREPARED), errors["plain"][-2000:]
    assert not errors["prepared"], errors["prepared"][-2000:]
