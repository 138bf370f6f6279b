"""FINN's file of implementation styles decides between our RTL and FINN's HLS."""

from __future__ import annotations

import json

import pytest

from msq_finn.build.steps import DATAFLOW_STEPS
from msq_finn.lowering.lower import Target, configure, open_source, resolve, run_steps

from .networks import exported, residual_cnn

OPS = ("ElementwiseAdd", "DuplicateStreams")


@pytest.mark.parametrize("style", ["hls", "rtl"])
def test_ops_that_finn_has_in_hls_can_be_given_back(tmp_path, style):
    source = exported(residual_cnn(), tmp_path / "model.onnx", (1, 1, 4, 4))
    config = configure(source, Target("Pynq-Z1"), tmp_path)
    choices = {"Defaults": {}} | {f"{op}_0": {"preferred_impl_style": style} for op in OPS}
    (tmp_path / "styles.json").write_text(json.dumps(choices))
    config.specialize_layers_config_file = str(tmp_path / "styles.json")
    steps = [resolve(step) for step in DATAFLOW_STEPS]
    last = [name for name, _ in steps].index("step_specialize_layers")
    model = run_steps(open_source(source, tmp_path), config, steps[: last + 1])
    found = {n.op_type for n in model.graph.node if n.op_type.startswith(OPS)}
    assert len(found) == 2 and all(op.endswith(f"_{style}") for op in found), found
