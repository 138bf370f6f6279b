"""PE of streaming ops: the least that meets a target, by trying all divisors."""

from __future__ import annotations

import pytest

from msq_finn.errors import MsqError

from ..ops.streaming.nodes import op_of
from ..ops.streaming.test_duplicate_streams import duplicate
from ..ops.streaming.test_elementwise_add import add
from ..ops.streaming.test_global_acc_pool import global_pool
from ..ops.streaming.test_label_select import select
from ..ops.streaming.test_pool import behind_a_window_generator, pool

pytestmark = pytest.mark.usefixtures("finn")


def fold(model, target):
    from msq_finn.transforms.fold_streaming import fold_streaming

    return fold_streaming(model, target)


@pytest.mark.parametrize(
    ("model", "target", "pe"),
    [
        # 9 pixels of 12 channels: 108 words at PE = 1
        (lambda: duplicate([1, 3, 3], 12, 1, 2, "UINT4"), 108, 1),
        (lambda: duplicate([1, 3, 3], 12, 1, 2, "UINT4"), 107, 2),
        (lambda: duplicate([1, 3, 3], 12, 12, 2, "UINT4"), 27, 4),
        (lambda: global_pool(1, 3, 3, 12, 1, "UINT4", "UINT8"), 20, 6),
        (lambda: add([1, 3, 3, 12], 1, "UINT4", "UINT4", "UINT5"), 1, 12),
        (lambda: select([1], 10, 10, 1, "INT8"), 5, 2),
        # K labels take K cycles, so that more than PE = 2 gains nothing
        (lambda: select([1], 10, 10, 5, "INT8"), 1, 2),
        (lambda: pool("MaxPool", "UINT4", "UINT4", 6, 6, (1, 1), 0), 18, 2),
    ],
)
def test_the_least_pe_that_meets_the_target(model, target, pe):
    assert op_of(fold(model(), target)).get_nodeattr("PE") == pe


def test_a_window_generator_follows_its_pool():
    from qonnx.custom_op.registry import getCustomOp

    case = ("MaxPool", "UINT4", "UINT4", 12, 1, (2, 2), 0)
    model = behind_a_window_generator(case, (4, 6), (2, 2))
    generator, pooling = (getCustomOp(node) for node in model.graph.node)
    slowest = {}
    for pe in (1, 2, 3, 4, 6, 12):
        pooling.set_nodeattr("PE", pe)
        generator.set_nodeattr("SIMD", pe)
        slowest[pe] = max(pooling.get_exp_cycles(), generator.get_exp_cycles())
    # The generator is the slower one, so that the pool alone would do with less.
    pooling.set_nodeattr("PE", 3)
    assert pooling.get_exp_cycles() < slowest[3]
    for pe, target in ((3, slowest[3]), (4, slowest[3] - 1)):
        fold(model, target)
        assert (pooling.get_nodeattr("PE"), generator.get_nodeattr("SIMD")) == (pe, pe)


def test_a_pool_without_its_window_generator_is_refused():
    model = pool("MaxPool", "UINT4", "UINT4", 6, 6, (2, 2), 0)
    with pytest.raises(MsqError, match="Pool_rtl_0: its input in0 must come from a Conv"):
        fold(model, 100)
