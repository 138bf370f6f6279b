"""Which implementation FINN's SpecializeLayers picks for the ops that have RTL here."""

from __future__ import annotations

import pytest

from . import (
    test_concat,
    test_duplicate_streams,
    test_global_acc_pool,
    test_label_select,
    test_pixel_padding,
    test_pool,
    test_split,
    test_upsample,
)
from .nodes import PART

pytestmark = pytest.mark.usefixtures("finn")

#: What makes a node of each, and its arguments.
NODES = {
    "DuplicateStreams": (test_duplicate_streams.duplicate, test_duplicate_streams.CASES[0]),
    "FMPadding_Pixel": (test_pixel_padding.pixel_padding, test_pixel_padding.CASES[0]),
    "GlobalAccPool": (test_global_acc_pool.global_pool, test_global_acc_pool.CASES[0]),
    "LabelSelect": (test_label_select.select, test_label_select.CASES[0]),
    "Pool": (test_pool.pool, test_pool.CASES[0]),
    "StreamingConcat": (test_concat.concat, test_concat.CASES[0]),
    "StreamingSplit": (test_split.split, test_split.CASES[0]),
    "UpsampleNearestNeighbour": (test_upsample.upsample, test_upsample.CASES[0]),
}


@pytest.mark.parametrize("name", NODES)
def test_rtl_is_picked_unless_hls_is_wanted(name):
    from finn.transformation.fpgadataflow.specialize_layers import SpecializeLayers

    make, case = NODES[name]
    for style, expected in (("", f"{name}_rtl"), ("hls", f"{name}_hls")):
        model = make(*case, op_type=name, preferred_impl_style=style)
        model = model.transform(SpecializeLayers(PART))
        assert model.graph.node[0].op_type == expected
