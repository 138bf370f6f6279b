import itertools

import numpy as np
import pytest
from qonnx.core.onnx_exec import execute_onnx
from qonnx.custom_op.registry import getCustomOp

from msq_finn.errors import MsqError
from msq_finn.rtl.lanes import get

from .graphs import depthwise

pytestmark = pytest.mark.usefixtures("finn")
PART = "xc7z020clg400-1"
KINDS = ["fixed", "sp2", "sp2", "fixed", "fixed", "sp2", "sp2", "fixed"]
OTHER = ["sp2", "sp2", "sp2", "sp2", "fixed", "fixed", "fixed", "fixed"]


def specialized(model, producer=(2, 2)):
    """The graph before its depthwise layer is folded; ``producer`` is (SP2, fixed) lanes."""
    from finn.transformation.fpgadataflow.set_exec_mode import SetExecMode
    from finn.transformation.fpgadataflow.specialize_layers import SpecializeLayers

    from msq_finn.transforms.infer_mvau_msq import InferMVAUMSQ
    from msq_finn.transforms.infer_vvau_msq import InferVVAUMSQ
    from msq_finn.transforms.set_lanes import Folding, set_folding

    model = model.transform(InferMVAUMSQ()).transform(InferVVAUMSQ())
    model = model.transform(SpecializeLayers(PART)).transform(SetExecMode("cppsim"))
    first, last = (getCustomOp(model.graph.node[i]) for i in (0, 5))
    set_folding(first, Folding(3, *producer, 0))
    set_folding(last, Folding(1, 0, 4, 0))
    return model


def fold(model, cycles, dsps):
    from msq_finn.transforms.set_depthwise_lanes import SetDepthwiseLanes

    model.transform(SetDepthwiseLanes(cycles, dsps), make_deepcopy=False)
    return getCustomOp(model.graph.node[3]), getCustomOp(model.graph.node[2])


def placed(model):
    from msq_finn.transforms.fold_row_offsets import FoldRowOffsets
    from msq_finn.transforms.place_rows import PlaceRows

    return model.transform(PlaceRows()).transform(FoldRowOffsets())


@pytest.fixture
def model(rng):
    return specialized(depthwise(rng, KINDS, KINDS))


@pytest.mark.parametrize(("cycles", "pe"), [(2**40, 1), (200, 2), (100, 4), (50, 8)])
def test_the_least_lanes_that_meet_the_target(model, cycles, pe):
    op, generator = fold(model, cycles, 220)
    assert op.get_nodeattr("PE") == pe == generator.get_nodeattr("SIMD")
    assert op.get_nodeattr("SIMD") == 1
    assert generator.get_nodeattr("parallel_window") == 0
    assert max(op.get_exp_cycles(), generator.get_exp_cycles()) <= cycles
    assert list(op.get_nodeattr("lanePE")) == [0, 0, pe]
    assert op.dsp_estimation(PART) == -(-pe // 2)


def test_beyond_all_channels_several_elements_a_cycle(rng):
    op, generator = fold(specialized(depthwise(rng, KINDS, KINDS), (4, 4)), 20, 220)
    assert (op.get_nodeattr("PE"), op.get_nodeattr("SIMD")) == (8, 3)
    assert generator.get_nodeattr("parallel_window") == 1
    assert list(op.get_nodeattr("lanePE")) == [4, 4, 0]


@pytest.mark.parametrize(
    ("producer", "dsps", "lanes"),
    [
        ((2, 2), 220, [0, 0, 4]),
        ((2, 2), 1, [2, 0, 2]),
        ((2, 2), 0, [2, 2, 0]),
        # Positions 0 to 3 are SP2 in the producer: four lanes would be so at 0, 1, 4 and 5.
        ((4, 4), 1, [4, 2, 2]),
        ((4, 4), 0, [4, 4, 0]),
    ],
)
def test_lut_lanes_stand_in_where_dsps_run_out(rng, producer, dsps, lanes):
    op, _ = fold(specialized(depthwise(rng, KINDS, KINDS), producer), 100, dsps)
    assert list(op.get_nodeattr("lanePE")) == lanes


def test_dsps_are_left_to_depthwise_layers(model):
    from msq_finn.transforms.set_depthwise_lanes import SetDepthwiseLanes

    assert SetDepthwiseLanes(100, 220).dsps_wanted(model) == 2
    assert SetDepthwiseLanes(100, 1).dsps_wanted(model) == 1
    assert SetDepthwiseLanes(20, 220).dsps_wanted(model) == 0


@pytest.mark.parametrize("dsps", [0, 1, 220])
@pytest.mark.parametrize("cycles", [100, 20])
@pytest.mark.parametrize("channelwise", [KINDS, OTHER])
def test_outputs_do_not_change(rng, cycles, dsps, channelwise):
    from msq_finn.transforms.fold_row_offsets import FoldRowOffsets
    from msq_finn.transforms.place_rows import PlaceRows

    plain = depthwise(rng, KINDS, channelwise)
    images = {"inp": rng.integers(0, 16, (1, 4, 4, 12)).astype(np.float32)}
    before = execute_onnx(plain, images)["outp"]
    assert np.ptp(before) > 50
    model = specialized(plain, (4, 4))
    fold(model, cycles, dsps)
    model = model.transform(PlaceRows()).transform(FoldRowOffsets())
    np.testing.assert_array_equal(execute_onnx(model, images)["outp"], before)
    op = getCustomOp(model.graph.node[3])
    assert op.get_nodeattr("offsetOutput") == 1
    weights = model.get_initializer("w1").reshape(8, 9)
    for row, kind in enumerate(op.layout().row_kinds(8)):
        if kind.engine == "lut":
            assert kind.scheme.name == ("sp2_4" if np.abs(weights[row]).max() == 8 else "fixed_4")


def test_rows_that_no_order_suits_name_both_layers(rng):
    # The depthwise layer's SP2 rows are all fixed point in the layer before.
    channelwise = ["sp2" if row in (0, 3, 4) else "fixed" for row in range(8)]
    model = specialized(depthwise(rng, KINDS, channelwise), (4, 4))
    message = "VVAU_MSQ_rtl_0 and MVAU_MSQ_rtl_0: no lanes .*one assignment of rows"
    with pytest.raises(MsqError, match=message):
        fold(model, 100, 0)


def test_windows_have_to_come_from_a_depthwise_generator(model):
    getCustomOp(model.graph.node[2]).set_nodeattr("depthwise", 0)
    with pytest.raises(MsqError, match="VVAU_MSQ_rtl_0: its input windows must come from"):
        fold(model, 100, 220)


@pytest.mark.parametrize("seed", range(40))
def test_placeable_agrees_with_trying_every_order(seed):
    from msq_finn.transforms.set_depthwise_lanes import placeable

    rng = np.random.default_rng(seed)
    size, layers = 5, int(rng.integers(1, 4))
    schemes = [("sp2_4",), ("fixed_4",), ("sp2_4", "fixed_4")]
    kinds = [get("sp2_4_lut"), get("fixed_4_lut"), get("embedded_lut")]
    rows = [[schemes[i] for i in rng.integers(3, size=size)] for _ in range(layers)]
    lanes = [[kinds[i] for i in rng.integers(3, size=size)] for _ in range(layers)]

    def fits(order):
        return all(
            lane.takes(layer_rows[row])
            for layer_rows, layer_lanes in zip(rows, lanes, strict=True)
            for row, lane in zip(order, layer_lanes, strict=True)
        )

    assert placeable(rows, lanes) == any(map(fits, itertools.permutations(range(size))))
    assert placeable(rows, lanes, ordered=True) == fits(range(size))
