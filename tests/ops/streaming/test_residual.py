"""The ops stitched together: a fork, two pooled branches, their sum, and its labels in order."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto, helper
from qonnx.core.datatype import DataType
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.util.basic import qonnx_make_model

from .nodes import generated, random_integers
from .test_duplicate_streams import duplicate
from .test_elementwise_add import add
from .test_global_acc_pool import global_pool
from .test_label_select import select
from .test_pool import behind_a_window_generator

pytestmark = pytest.mark.usefixtures("finn")

IMAGE = [1, 4, 6, 4]
POOLED = [1, 2, 3, 4]


def residual():
    """Largest value and sum of 2x2 windows are added, summed over pixels, and ranked."""
    largest = ("MaxPool", "INT4", "INT4", 4, 2, (2, 2), 0)
    window_sum = ("AccPool", "INT4", "INT6", 4, 2, (2, 2), 0)
    parts = [
        (duplicate([1, 4, 6], 4, 2, 2, "INT4"), [["image"], ["left", "right"]]),
        (behind_a_window_generator(largest, (4, 6), (2, 2)), [["left"], ["pooled_left"]]),
        (behind_a_window_generator(window_sum, (4, 6), (2, 2)), [["right"], ["pooled_right"]]),
        (add(POOLED, 2, "INT4", "INT6", "INT7"), [["pooled_left", "pooled_right"], ["sums"]]),
        (global_pool(1, 2, 3, 4, 2, "INT7", "INT10"), [["sums"], ["totals"]]),
        (select([1], 4, 2, 4, "INT10"), [["totals"], ["labels"]]),
    ]
    nodes, infos = [], []
    for part, ends in parts:
        names = {
            info.name: name
            for side, renamed in zip((part.graph.input, part.graph.output), ends, strict=True)
            for info, name in zip(side, renamed, strict=True)
        }
        for node in part.graph.node:
            for tensors in (node.input, node.output):
                tensors[:] = [names.get(t, f"{ends[0][0]}_{t}") for t in tensors]
            node.name = f"{node.op_type}_{len(nodes)}"
            nodes.append(node)
    for name, shape in (("image", IMAGE), ("labels", [1, 4])):
        infos.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
    model = ModelWrapper(
        qonnx_make_model(helper.make_graph(nodes, "residual", infos[:1], infos[1:]))
    )
    model.set_tensor_datatype("image", DataType["INT4"])
    return model


@pytest.mark.parametrize("stalls", [(0.0, 0.0), (0.3, 0.6)])
def test_stitched_equals_numpy(rng, tmp_path, stalls):
    from msq_finn.build.stitch import stitch
    from msq_finn.build.stitched import TOP
    from msq_finn.sim import axi_streams

    images = random_integers(rng, "INT4", (6, *IMAGE))
    design = stitch(generated(residual()), tmp_path)
    result = axi_streams.simulate(
        TOP,
        design.sources,
        {"in0_V": axi_streams.pack(images.reshape(-1, 2), 4)},
        {"out0_V": 6 * 4},
        stall_in=stalls[0],
        stall_out=stalls[1],
        max_idle_cycles=2000,
    )
    windows = images.reshape(6, 2, 2, 3, 2, 4)
    totals = (windows.max(axis=(2, 4)) + windows.sum(axis=(2, 4))).sum(axis=(1, 2))
    expected = np.argsort(-totals, axis=-1, kind="stable")
    labels = axi_streams.unpack(result.outputs["out0_V"], 8, 1, False).reshape(6, 4)
    np.testing.assert_array_equal(labels, expected)
