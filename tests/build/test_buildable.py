"""Every line of the page "What can be built", built; and the page itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from msq_finn.errors import MsqError
from msq_finn.lowering.buildable import LINES, page
from msq_finn.lowering.host_side import Host
from msq_finn.lowering.lower import Target, lower
from msq_finn.lowering.rtl_nodes import check_rtl

from .networks import exported
from .page_networks import NETWORKS, network
from .whole import same_in_python

#: Of every outcome one.
FAST = ("PReLU", "a slice of channels", "a product of two branches", "LogSoftmax at the end")

PAGE = Path(__file__).parents[2] / "docs" / "what-can-be-built.md"


def test_the_page_is_what_the_table_says():
    assert PAGE.read_text() == page()


def test_every_line_has_a_network():
    assert sorted(NETWORKS) == sorted(line.what for line in LINES)


def built(what, folder):
    """Op types of the hardware and of the host; the hardware computes what the model does."""
    model, shapes = network(what)
    source = exported(model, folder / "model.onnx", *shapes)
    lowered = lower(source, Target("Pynq-Z1"), folder)
    check_rtl(lowered.model)
    same_in_python(lowered, source)
    return [node.op_type for node in lowered.model.graph.node], Host(lowered.parent).operations


@pytest.mark.parametrize(
    "line",
    [pytest.param(li, marks=[pytest.mark.slow] * (li.what not in FAST)) for li in LINES],
    ids=lambda line: line.what,
)
def test_a_line_is_true(line, tmp_path):
    if line.outcome == "refused":
        with pytest.raises(MsqError) as refused:
            built(line.what, tmp_path)
        assert line.sign in str(refused.value)
        return
    hardware, host = built(line.what, tmp_path)
    assert line.sign in (
        host if line.outcome == "host" else [op.removesuffix("_rtl") for op in hardware]
    )
    if line.outcome == "lanes":
        rows = ("MVAU_MSQ_rtl", "VVAU_MSQ_rtl", "LSTM_MSQ_rtl", "GRU_MSQ_rtl")
        assert set(rows) & set(hardware)
