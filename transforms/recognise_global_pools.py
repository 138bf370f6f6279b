"""Take averages of whole maps for what they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numpy.typing import NDArray
from onnx import NodeProto, helper
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.base import Transformation
from qonnx.util.basic import get_by_name


class RecogniseGlobalPools(Transformation):
    """Turn averages of whole maps into GlobalAveragePool, the one that FINN has hardware for.

    They are every AveragePool whose one window is the whole map, as ``nn.AvgPool2d`` before a
    classifier, and every ReduceMean over all axes behind the channels, as ``x.mean((2, 3))``. Run
    it before ``step_streamline``.
    """

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        """Change the nodes; no second pass is needed."""
        for node in model.get_nodes_by_op_type("AveragePool"):
            pads = get_by_name(node.attribute, "pads")
            padded = (pads is not None and any(pads.ints)) or _is_automatic(node)
            window = list(get_by_name(node.attribute, "kernel_shape").ints)
            if not padded and window == list(model.get_tensor_shape(node.input[0])[2:]):
                node.op_type = "GlobalAveragePool"
                del node.attribute[:]
        for node in model.get_nodes_by_op_type("ReduceMean"):
            shape = model.get_tensor_shape(node.input[0])
            if is_mean_of_maps(node, len(shape), model.get_initializer):
                _pool_instead(model, node, shape)
        return model, False


def is_mean_of_maps(
    node: NodeProto, rank: int, constant_of: Callable[[str], NDArray[Any] | None]
) -> bool:
    """Whether a ReduceMean is over all axes behind the channels.

    Args:
        rank: of what it reads.
        constant_of: function from a tensor's name to its value, None where it has none; newer
            opsets give the axes so.
    """
    given = get_by_name(node.attribute, "axes")
    axes = list(given.ints) if given is not None else None
    if axes is None and len(node.input) > 1:
        constant = constant_of(node.input[1])
        axes = None if constant is None else constant.tolist()
    return axes is not None and rank > 2 and sorted(a % rank for a in axes) == [*range(2, rank)]


def _pool_instead(model: ModelWrapper, node: NodeProto, shape: list[int]) -> None:
    kept = get_by_name(node.attribute, "keepdims")
    result = means = node.output[0]
    index = list(model.graph.node).index(node)
    model.graph.node.remove(node)
    if kept is not None and not kept.i:
        means = model.make_new_valueinfo_name()
        model.set_tensor_shape(means, [*shape[:2], *[1] * (len(shape) - 2)])
        flatten = helper.make_node("Flatten", [means], [result], axis=1)
        model.graph.node.insert(index, flatten)
    pool = helper.make_node("GlobalAveragePool", [node.input[0]], [means])
    model.graph.node.insert(index, pool)


def _is_automatic(node: NodeProto) -> bool:
    found = get_by_name(node.attribute, "auto_pad")
    return found is not None and found.s not in (b"NOTSET", b"VALID")
