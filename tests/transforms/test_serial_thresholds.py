"""Which thresholds become serial, and what they are then."""

from __future__ import annotations

import pytest
from qonnx.core.datatype import DataType
from qonnx.custom_op.registry import getCustomOp

from .graphs import two_layers

pytestmark = pytest.mark.usefixtures("finn")


def specialised(rng, channels=4, vectors=(1, 3), **attributes):
    """A graph whose thresholds are FINN's in RTL."""
    model = two_layers(rng, ["sp2"] * channels, vectors=vectors)
    node = model.graph.node[1]
    node.op_type, node.domain = "Thresholding_rtl", "finn.custom_op.fpgadataflow.rtl"
    for name, value in ({"depth_trigger_bram": 64} | attributes).items():
        getCustomOp(node).set_nodeattr(name, value)
    return model


def converted(model, cycles):
    from msq_finn.transforms.serial_thresholds import SearchThresholds, mark_thresholds

    return getCustomOp(mark_thresholds(model, cycles).transform(SearchThresholds()).graph.node[1])


def test_they_are_serial_where_there_is_time(rng):
    """Of 3 vectors of 4 channels, 4 comparisons of each."""
    assert converted(specialised(rng), 47).onnx_node.op_type == "Thresholding_rtl"
    op = converted(specialised(rng), 48)
    assert (op.onnx_node.op_type, op.get_exp_cycles()) == ("ThresholdingSerial_rtl", 48)
    assert op.get_nodeattr("ram_style") == "distributed"
    # None of FINN's that the op does not know, and no mark.
    assert {a.name for a in op.onnx_node.attribute} <= set(op.get_nodeattr_types())
    assert converted(specialised(rng, PE=2), 24).get_exp_cycles() == 24


def test_deep_memories_are_block_ram_unless_channels_share_their_thresholds(rng):
    """17 channels of 16 words each."""
    assert converted(specialised(rng, 17), 10**6).get_nodeattr("ram_style") == "block"
    model = specialised(rng, 17)
    model.set_initializer("t0", model.get_initializer("t0")[:1])
    assert converted(model, 10**6).get_nodeattr("ram_style") == "distributed"


@pytest.mark.parametrize(
    "attributes",
    [
        {"runtime_writeable_weights": 1},
        {"inputDataType": "FLOAT32"},
        {"inputDataType": "BIPOLAR"},
        {"ActVal": -8},
    ],
)
def test_what_they_cannot_do_stays_finns(rng, attributes):
    op = converted(specialised(rng, **attributes), 10**6)
    assert op.onnx_node.op_type == "Thresholding_rtl"
    assert "serialThresholds" not in {a.name for a in op.onnx_node.attribute}


def test_a_mark_is_looked_at_again_when_thresholds_have_become_writeable(rng):
    from msq_finn.transforms.serial_thresholds import SearchThresholds, mark_thresholds

    model = mark_thresholds(specialised(rng), 10**6)
    getCustomOp(model.graph.node[1]).set_nodeattr("runtime_writeable_weights", 1)
    assert model.transform(SearchThresholds()).graph.node[1].op_type == "Thresholding_rtl"


def test_what_is_marked_none_stays_finns(rng):
    from msq_finn.transforms.serial_thresholds import (
        SearchThresholds,
        mark_serial,
        mark_thresholds,
    )

    model = mark_thresholds(specialised(rng), 10**6)
    mark_serial(model.graph.node[1], "none")
    assert model.transform(SearchThresholds()).graph.node[1].op_type == "Thresholding_rtl"


def test_finn_minimises_their_words_as_its_own(rng):
    op, model = None, specialised(rng)
    op = converted(model, 10**6)
    op.minimize_weight_bit_width(model)
    assert op.get_input_datatype(1) == model.get_tensor_datatype("t0") == DataType["INT10"]
