"""Make splits of slices of channels."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise

import numpy as np
from onnx import NodeProto, helper
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.base import Transformation


class SlicesToSplits(Transformation):
    """Turn the slices of a tensor's channels into one Split, which FINN has hardware for.

    Slices may leave channels out, which the Split gives too, but must not overlap; others stay.
    Run it on a tidied graph, before SignalsToImages.
    """

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        """Change all slices at once; no second pass is needed."""
        of: dict[str, list[tuple[NodeProto, int, int]]] = defaultdict(list)
        for node in model.get_nodes_by_op_type("Slice"):
            if (channels := _channels(model, node)) is not None:
                of[node.input[0]].append((node, *channels))
        for tensor, slices in of.items():
            shape = model.get_tensor_shape(tensor)
            ends = {end for _, first, last in slices for end in (first, last)}
            cuts = sorted({0, shape[1]} | ends)
            parts = list(pairwise(cuts))
            wanted = [(first, last) for _, first, last in slices]
            if set(wanted) <= set(parts) and len(set(wanted)) == len(wanted):
                _split(model, tensor, parts, slices)
        return model, False


def _channels(model: ModelWrapper, node: NodeProto) -> tuple[int, int] | None:
    """First channel of a slice and the one behind its last; None of what is no such slice."""
    if model.find_producer(node.input[0]) is None:
        return None
    names = [*node.input[1:], "", ""][:4]
    starts, ends, axes, steps = (model.get_initializer(name) if name else None for name in names)
    shape = model.get_tensor_shape(node.input[0])
    if starts is None or ends is None or np.size(starts) != 1 or len(shape) < 2:
        return None
    axis = 0 if axes is None else int(np.ravel(axes)[0]) % len(shape)
    step = 1 if steps is None else int(np.ravel(steps)[0])
    first, last, _ = slice(int(starts.item()), int(ends.item())).indices(shape[1])
    return (first, last) if axis == 1 and step == 1 and first < last else None


def _split(
    model: ModelWrapper,
    tensor: str,
    parts: list[tuple[int, int]],
    slices: list[tuple[NodeProto, int, int]],
) -> None:
    shape, kind = model.get_tensor_shape(tensor), model.get_tensor_datatype(tensor)
    position = min(list(model.graph.node).index(node) for node, _, _ in slices)
    results: list[str] = []
    for first, last in parts:
        own = [node.output[0] for node, a, b in slices if (a, b) == (first, last)]
        result = own[0] if own else model.make_new_valueinfo_name()
        model.set_tensor_shape(result, [shape[0], last - first, *shape[2:]])
        model.set_tensor_datatype(result, kind)
        results.append(result)
    sizes = f"{results[0]}_parts"
    model.set_initializer(sizes, np.array([b - a for a, b in parts], np.int64))
    name = slices[0][0].name.replace("Slice", "Split")
    split = helper.make_node("Split", [tensor, sizes], results, name=name, axis=1)
    for node, _, _ in slices:
        model.graph.node.remove(node)
    model.graph.node.insert(position, split)
