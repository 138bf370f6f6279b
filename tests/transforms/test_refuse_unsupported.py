from types import SimpleNamespace

import pytest
from onnx import TensorProto, helper
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.util.basic import qonnx_make_model

from msq_finn.errors import MsqError
from msq_finn.lowering.refuse import check_config
from msq_finn.transforms.refuse_unsupported import RefuseUnsupported

HARDWARE = "finn.custom_op.fpgadataflow"


def chain(*domains):
    """Nodes one behind the other, each of a domain."""
    nodes = [
        helper.make_node(f"Op{i}", [f"t{i}"], [f"t{i + 1}"], name=f"node{i}", domain=domain)
        for i, domain in enumerate(domains)
    ]
    info = helper.make_tensor_value_info
    ends = [info(name, TensorProto.FLOAT, [1, 4]) for name in ("t0", f"t{len(domains)}")]
    return ModelWrapper(qonnx_make_model(helper.make_graph(nodes, "chain", ends[:1], ends[1:])))


@pytest.mark.parametrize("domains", [("", HARDWARE, ""), ("", "", HARDWARE, HARDWARE), ("",)])
def test_the_host_may_begin_and_end(domains):
    chain(*domains).transform(RefuseUnsupported())


def test_what_interrupts_the_accelerator_is_named():
    model = chain("", HARDWARE, "", "qonnx.custom_op.general", HARDWARE + ".rtl", "")
    with pytest.raises(MsqError, match=r"^node2 \(Op2\), node3 \(Op3\): no hardware for this"):
        model.transform(RefuseUnsupported())


def test_a_node_on_a_branch_beside_the_host_is_fine():
    model = chain(HARDWARE, HARDWARE)
    model.graph.node.append(helper.make_node("Shape", ["t1"], ["side"], name="side"))
    model.transform(RefuseUnsupported())


@pytest.mark.parametrize(
    ("option", "text"),
    [
        ({"mlo": True}, "mlo is set: FINN's loop rolling"),
        ({"loop_body_hierarchy": [["a", "b"]]}, "loop_body_hierarchy is set: FINN's loop rolling"),
        ({"loop_body_range": ["a", "b"]}, "loop_body_range is set: FINN's loop rolling"),
        ({"partitioning_configuration": {"a": 1}}, "partitioning_configuration is set: FINN's par"),
        ({"multi_dnn_config_path": "c.json"}, "multi_dnn_config_path is set: FINN's multi-DNN"),
    ],
)
def test_parts_of_finn_that_are_not_supported(option, text):
    with pytest.raises(MsqError, match=text):
        check_config(SimpleNamespace(**option))
    check_config(SimpleNamespace(mlo=False, loop_body_hierarchy=None))
