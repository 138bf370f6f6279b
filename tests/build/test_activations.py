"""Functions other than Relu before quantizers, in whole networks."""

from __future__ import annotations

import numpy as np
import pytest

from msq_finn.errors import MsqError
from msq_finn.lowering.lower import Target, lower
from msq_finn.plan.frontend.source import network_of

from . import activation_networks as networks
from .networks import exported
from .whole import all_the_way, same_in_python

SHAPE = (1, 2, 3, 4)
FAST = ("prelu of channels", "falling")


def lowered_equals_exported(model, folder):
    """Run the dataflow graph in Python and compare; return its op types."""
    source = exported(model, folder / "model.onnx", SHAPE)
    lowered = lower(source, Target("Pynq-Z1"), folder)
    _, reference, step = same_in_python(lowered, source, 12)
    assert np.ptp(reference) > 50 * step.max()
    return [node.op_type for node in lowered.model.graph.node]


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.slow] * (name not in FAST))
        for name in networks.THRESHOLDS
    ],
)
def test_functions_become_thresholds(tmp_path, name):
    ops = lowered_equals_exported(networks.with_thresholds(name), tmp_path)
    assert ops[-3:] == ["MVAU_MSQ_rtl", "Thresholding_rtl", "MVAU_MSQ_rtl"]


@pytest.mark.slow
@pytest.mark.parametrize("name", networks.TABLES)
def test_functions_that_rise_and_fall_become_tables(tmp_path, name):
    ops = lowered_equals_exported(networks.with_table(name), tmp_path)
    assert ops[-3:] == ["Thresholding_rtl", "StreamingTable_rtl", "MVAU_MSQ_rtl"]


def test_a_table_all_the_way(tmp_path):
    source = exported(networks.with_table("silu", bits=4), tmp_path / "model.onnx", SHAPE)
    model = all_the_way(source, tmp_path, 1_000_000).model
    assert model.get_nodes_by_op_type("StreamingTable_rtl")


def test_a_plan_refuses_what_no_hardware_is(tmp_path):
    source = exported(networks.on_wide_sums(), tmp_path / "model.onnx", SHAPE)
    with pytest.raises(MsqError, match=r"\(Sigmoid\), .* put qnn.QuantIdentity\(bit_width=8\)"):
        network_of(str(source), "Pynq-Z1")
