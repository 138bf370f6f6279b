import pytest
from qonnx.custom_op.registry import getCustomOp

from msq_finn.errors import MsqError
from msq_finn.lanes import LaneCounts

from .graphs import depthwise, two_layers

pytestmark = pytest.mark.usefixtures("finn")


def check(model):
    from msq_finn.transforms.check_folding import CheckFolding

    return model.transform(CheckFolding())


@pytest.mark.parametrize(
    ("node", "attribute", "value", "named", "wrong"),
    [
        (0, "SIMD", 5, "MVAU_0", "SIMD"),
        (0, "PE", 3, "MVAU_0", "PE"),
        (0, "PE", 0, "MVAU_0", "PE"),
        (1, "PE", 5, "Thresholding_0", "PE"),
    ],
)
def test_a_parallelism_that_does_not_divide_is_named(rng, node, attribute, value, named, wrong):
    model = two_layers(rng, ["sp2", "fixed"] * 2)
    check(model)
    getCustomOp(model.graph.node[node]).set_nodeattr(attribute, value)
    with pytest.raises(MsqError) as refused:
        check(model)
    assert (refused.value.where, refused.value.field) == (named, wrong)


@pytest.mark.parametrize("node", [0, 2])
def test_weights_outside_the_accelerator_are_refused(rng, node):
    """In layers that stay FINN's too, which the stitched design would leave without weights."""
    model = two_layers(rng, ["sp2", "fixed"] * 2)
    getCustomOp(model.graph.node[node]).set_nodeattr("mem_mode", "external_mem")
    with pytest.raises(MsqError, match=r"MVAU_.: mem_mode=external_mem, .* use internal_decoupled"):
        check(model)


def test_only_sums_that_leave_need_divisors_on_our_lanes(rng):
    from msq_finn.transforms.infer_mvau_msq import InferMVAUMSQ

    model = two_layers(rng, ["sp2", "fixed"] * 2).transform(InferMVAUMSQ())
    first, _, last = (getCustomOp(node) for node in model.graph.node)
    first.set_lanes(5, LaneCounts({"sp2_4_lut": 1, "fixed_4_dsp": 2}))
    last.set_lanes(3, LaneCounts({"fixed_4_dsp": 2}))
    check(model)
    last.set_lanes(3, LaneCounts({"fixed_4_dsp": 3}))
    with pytest.raises(MsqError, match="MVAU_1: PE=3 does not divide MH=4"):
        check(model)
    last.set_lanes(5, LaneCounts({"fixed_4_dsp": 2}))
    with pytest.raises(MsqError, match="MVAU_1: SIMD=5 is not between 1 and MW=4"):
        check(model)


def test_lanes_must_add_up_to_pe(rng):
    from msq_finn.transforms.infer_mvau_msq import InferMVAUMSQ

    model = two_layers(rng, ["sp2", "fixed"] * 2).transform(InferMVAUMSQ())
    op = getCustomOp(model.graph.node[0])
    op.set_nodeattr("PE", 2)
    op.set_nodeattr("laneKinds", ["sp2_4_lut", "fixed_4_dsp"])
    op.set_nodeattr("lanePE", [2, 1])
    with pytest.raises(MsqError, match=r"PE=2 but its lanes .* sum to 3"):
        check(model)


def test_lanes_that_hold_their_weights_have_room_for_few_cycles(rng):
    from msq_finn.transforms.infer_mvau_msq import InferMVAUMSQ

    model = two_layers(rng, ["sp2", "fixed"] * 2).transform(InferMVAUMSQ())
    for node in model.get_nodes_by_op_type("MVAU_MSQ"):
        op = getCustomOp(node)
        op.set_lanes(op.get_nodeattr("MW"), LaneCounts({"embedded_lut": op.get_nodeattr("MH")}))
    check(model)
    op = getCustomOp(model.graph.node[0])
    op.set_lanes(1, LaneCounts({"embedded_lut": 2}))
    with pytest.raises(
        MsqError, match="MVAU_0: lanes have 24 words of weights, but embedded_lut lanes"
    ):
        check(model)


@pytest.mark.parametrize(
    ("node", "attribute", "value", "named", "wrong"),
    [
        (3, "PE", 3, "VVAU_0", "PE"),
        (3, "SIMD", 2, "VVAU_0", "SIMD"),
        (3, "PE", 2, "VVAU_0", "PE"),
        (2, "SIMD", 1, "VVAU_0", "PE"),
    ],
)
def test_depthwise_layers_take_windows_as_they_come(rng, node, attribute, value, named, wrong):
    model = depthwise(rng, ["sp2", "fixed"] * 2, ["sp2", "fixed"] * 2)
    check(model)
    getCustomOp(model.graph.node[node]).set_nodeattr(attribute, value)
    with pytest.raises(MsqError) as refused:
        check(model)
    assert (refused.value.where, refused.value.field) == (named, wrong)
