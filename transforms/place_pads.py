"""Zeros around maps: in the convolution behind, on the host, or a node of their own."""

from __future__ import annotations

import numpy as np
from onnx import NodeProto, helper
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.base import Transformation
from qonnx.util.basic import get_by_name

from msq_finn.errors import MsqError

_ADVICE = "pad height and width with zeros (nn.ZeroPad2d), or pad in the convolution (padding=...)"


class PlacePads(Transformation):
    """Give every Pad to the convolutions behind it, and one of the images to the host.

    A convolution pads with zeros itself, on each side by another number where need be. Images are
    padded by concatenation with zeros, which FINN leaves to the host: its InferFMPadding reads an
    input of Pad that ONNX has from opset 18 on only. Other Pads stay; StreamlineMaps makes hardware
    of them. Run it before ``step_streamline``.
    """

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        """Place one Pad, and ask for another pass then.

        Raises:
            MsqError: a Pad of something else than zeros around maps.
        """
        for node in model.get_nodes_by_op_type("Pad"):
            before, behind = pads_of(model, node)
            if model.find_producer(node.input[0]) is None:
                _concatenate(model, node, before, behind)
                return model, True
            consumers = model.find_consumers(node.output[0])
            is_output = node.output[0] in {info.name for info in model.graph.output}
            if consumers and not is_output and all(map(_takes_pads, consumers)):
                for conv in consumers:
                    given = get_by_name(conv.attribute, "pads")
                    given.ints[:] = [
                        a + b for a, b in zip(given.ints, before + behind, strict=True)
                    ]
                    conv.input[0] = node.input[0]
                model.graph.node.remove(node)
                return model, True
        return model, False


def pads_of(model: ModelWrapper, node: NodeProto) -> tuple[list[int], list[int]]:
    """Zeros before and behind each axis of a map.

    Args:
        model: graph, constants folded.

    Returns:
        zeros before and behind, each as [height, width], or of a signal [length].

    Raises:
        MsqError: it pads with something else, or other axes, or takes pixels away.
    """
    where = f"{node.name} (Pad)"
    mode, shape = get_by_name(node.attribute, "mode"), model.get_tensor_shape(node.input[0])
    if mode is not None and mode.s != b"constant":
        raise MsqError(f"no hardware for mode {mode.s.decode()!r}; {_ADVICE}", where=where)
    names = [*node.input[1:], "", ""]
    pads, value, axes = (model.get_initializer(name) if name else None for name in names[:3])
    rank = len(shape)
    if pads is None or rank not in (3, 4):
        raise MsqError(f"no hardware to pad a tensor of shape {shape}; {_ADVICE}", where=where)
    if value is not None and np.any(value):
        raise MsqError(f"pads with {np.ravel(value)[0]:g}; {_ADVICE}", where=where)
    padded = [a % rank for a in (range(rank) if axes is None else axes.tolist())]
    ends = {a: (int(pads[i]), int(pads[i + len(padded)])) for i, a in enumerate(padded)}
    before, behind = ([ends.get(a, (0, 0))[side] for a in range(rank)] for side in (0, 1))
    if any(before[:2] + behind[:2]) or min(before + behind) < 0:
        raise MsqError(f"no hardware for pads {pads.tolist()}; {_ADVICE}", where=where)
    return before[2:], behind[2:]


def _takes_pads(node: NodeProto) -> bool:
    automatic = get_by_name(node.attribute, "auto_pad")
    explicit = automatic is None or automatic.s == b"NOTSET"
    return node.op_type == "Conv" and explicit and get_by_name(node.attribute, "pads") is not None


def _concatenate(
    model: ModelWrapper, node: NodeProto, before: list[int], behind: list[int]
) -> None:
    """Put constants of zeros around an image in place of a Pad."""
    tensor, index = node.input[0], list(model.graph.node).index(node)
    model.graph.node.remove(node)
    spatial = range(2, 2 + len(before))
    sides = [side for side in zip(spatial, before, behind, strict=True) if side[1] or side[2]]
    if not sides:
        for consumer in model.find_consumers(node.output[0]):
            consumer.input[:] = [tensor if n == node.output[0] else n for n in consumer.input]
    for position, (axis, first, last) in enumerate(sides):
        shape = list(model.get_tensor_shape(tensor))
        ended = position == len(sides) - 1
        result = node.output[0] if ended else model.make_new_valueinfo_name()
        parts = [_zeros(model, shape, axis, count) for count in (first, last)]
        inputs = [*filter(None, [parts[0], tensor, parts[1]])]
        shape[axis] += first + last
        model.set_tensor_shape(result, shape)
        concat = helper.make_node("Concat", inputs, [result], axis=axis)
        model.graph.node.insert(index + position, concat)
        tensor = result


def _zeros(model: ModelWrapper, shape: list[int], axis: int, count: int) -> str | None:
    if not count:
        return None
    name = model.make_new_valueinfo_name()
    border = [count if a == axis else size for a, size in enumerate(shape)]
    model.set_initializer(name, np.zeros(border, np.float32))
    if len(shape) == 4:  # QONNX's guess for the result is the first input's
        model.set_tensor_layout(name, list("NCHW"))
    return name
