"""Transpositions of streams that fork."""

from __future__ import annotations

from onnx import NodeProto, helper
from qonnx.core.modelwrapper import ModelWrapper

_CHANNELS_LAST, _CHANNELS_FIRST = [0, 2, 3, 1], [0, 3, 1, 2]


def transpose_at_forks(model: ModelWrapper) -> bool:
    """Move channels last, and first again, before forks where one branch wants them last.

    FINN can then move the second transposition into all the branches.

    Args:
        model: changed in place.

    Returns:
        whether there was such a fork.
    """
    forks = [
        node
        for node in model.graph.node
        if len(branches := model.find_consumers(node.output[0])) > 1
        and any(_permutes(branch, _CHANNELS_LAST) for branch in branches)
    ]
    for node in forks:
        tensor = node.output[0]
        shape, datatype = model.get_tensor_shape(tensor), model.get_tensor_datatype(tensor)
        branches = model.find_consumers(tensor)
        last, first = (model.make_new_valueinfo_name() for _ in range(2))
        model.set_tensor_shape(last, [shape[axis] for axis in _CHANNELS_LAST])
        model.set_tensor_shape(first, shape)
        for name in (last, first):
            model.set_tensor_datatype(name, datatype)
        for branch in branches:
            branch.input[:] = [first if name == tensor else name for name in branch.input]
        place = list(model.graph.node).index(node) + 1
        for new in (
            helper.make_node("Transpose", [last], [first], perm=_CHANNELS_FIRST),
            helper.make_node("Transpose", [tensor], [last], perm=_CHANNELS_LAST),
        ):
            model.graph.node.insert(place, new)
    return bool(forks)


def merge_transposes(model: ModelWrapper) -> None:
    """Leave one of several transpositions, all alike, of one tensor.

    Args:
        model: changed in place.
    """
    seen: dict[tuple[str, str], str] = {}
    for node in list(model.graph.node):
        if node.op_type != "Transpose":
            continue
        key = node.input[0], str(node.attribute[0].ints)
        kept = seen.setdefault(key, node.output[0])
        if kept != node.output[0]:
            for branch in model.find_consumers(node.output[0]):
                branch.input[:] = [kept if i == node.output[0] else i for i in branch.input]
            model.graph.node.remove(node)


def _permutes(node: NodeProto, order: list[int]) -> bool:
    return node.op_type == "Transpose" and list(node.attribute[0].ints) == order
