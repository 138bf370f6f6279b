"""A scheme and a lane kind of another package, with SystemVerilog of its own, bit for bit."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from qonnx.core.datatype import DataType
from qonnx.custom_op.registry import getCustomOp

from msq_finn import lanes, plugins, schemes
from msq_finn.errors import MsqError
from msq_finn.lanes import table
from msq_finn.lanes.demand import Demand
from tests.plugin import ENTRY_POINTS

from .test_mvau_msq_rtl import PART, layer, simulated


@pytest.fixture
def installed(monkeypatch):
    """The package as installed: its entry points are found, and forgotten afterwards."""

    def entry_points(group):
        function = ENTRY_POINTS[group]
        return [SimpleNamespace(name="test", value="tests.plugin", load=lambda: function)]

    monkeypatch.setattr(table, "_TABLE", dict(table._TABLE))
    monkeypatch.setattr(schemes, "_REGISTRY", dict(schemes._REGISTRY))
    monkeypatch.setattr(plugins, "entry_points", entry_points)
    plugins.load.cache_clear()
    yield
    plugins.load.cache_clear()


@pytest.mark.usefixtures("finn", "installed")
@pytest.mark.parametrize("act", ["UINT4", "INT3"])
def test_its_lanes_compute_beside_others(rng, act):
    names = ["sp2_4_lut", "fixed_4_dsp", "int_2_lut"]
    model, _ = layer(rng, 12, 6, (len(names), 0, 0), 2, act)
    op = getCustomOp(model.graph.node[0])
    weights = np.stack(
        [rng.choice(lanes.get(name).scheme.grid(), size=12) for name in names * 2], axis=1
    )
    model.set_initializer("w", weights.astype(np.float32))
    op.set_lanes(6, lanes.LaneCounts(dict.fromkeys(names, 1)))
    op.minimize_accumulator_width(model)
    low, high = int(DataType[act].min()), int(DataType[act].max())
    inputs = rng.integers(low, high + 1, (5, 12))
    np.testing.assert_array_equal(simulated(model, inputs, PART), inputs @ weights)


@pytest.mark.usefixtures("installed")
def test_it_is_planned():
    from msq_finn.plan.frontend.network import Layer, Network
    from msq_finn.plan.making import make_plan

    demand = Demand({("int_2",): 4, ("fixed_4",): 4})
    network = Network("net", (Layer("fc", 64, 8, 16, demand=demand),))
    plan = make_plan(network, "Pynq-Z1", PART, "DSP48E1", target_fps=20_000).plan
    assert plan["fc"].rows == {"int_2": 4, "fixed_4": 4}
    assert plan["fc"].lanes["int_2_lut"] == plan["fc"].lanes.pe // 2


def test_without_it_neither_is_known():
    with pytest.raises(MsqError, match="no scheme is named 'int_2'"):
        schemes.get("int_2")
    with pytest.raises(MsqError, match="no lane kind is named 'int_2_lut'"):
        lanes.get("int_2_lut")


def test_what_fails_in_it_is_named(installed, monkeypatch):
    monkeypatch.setitem(ENTRY_POINTS, "msq_finn.lanes", lambda: 1 / 0)
    with pytest.raises(MsqError, match=r"test = tests.plugin of msq_finn.lanes failed \(division"):
        lanes.get("int_2_lut")


def test_entries_that_contradict_their_scheme_are_refused(installed):
    from msq_finn.lanes.lut import ShiftLut
    from msq_finn.lanes.partial import shift_fields

    wrong = ShiftLut("wrong", "", schemes.get("sp2_4"), (), shift_fields((0, (0, 1, 2)), (1, (0,))))
    with pytest.raises(MsqError, match=r"lane wrong: code 1 of sp2_4 stands for 4, but .* to 2"):
        lanes.register(wrong)
    with pytest.raises(MsqError, match="a lane kind named sp2_4_lut is registered already"):
        lanes.register(lanes.get("sp2_4_lut"))
