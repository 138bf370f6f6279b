"""Functions of one tensor before a quantizer, as the exported nodes compute them in float32."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from qonnx.custom_op.registry import getCustomOp
from qonnx.util.basic import qonnx_make_model

from msq_finn.transforms.constant_tensors import constant_of
from msq_finn.transforms.quantizer_nodes import is_activation_quantizer, levels_of

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]

#: Arithmetic that is linear as long as all but one operand are constants.
_LINEAR = {"Add", "Div", "Identity", "Mul", "Sub"}

#: Element by element, each result of the same place's operands alone.
ELEMENTWISE = _LINEAR | {
    *("Abs", "Celu", "Clip", "Elu", "Erf", "Exp", "HardSigmoid", "HardSwish", "LeakyRelu", "Log"),
    *("Max", "Min", "Neg", "PRelu", "Pow", "Relu", "Selu", "Sigmoid", "Softplus", "Softsign"),
    *("Sqrt", "Tanh", "ThresholdedRelu"),
}


@dataclass(frozen=True)
class Chain:
    """A function of one tensor, and the quantizer behind it.

    Attributes:
        model: that they are in, its shapes inferred.
        source: name of the tensor.
        nodes: of the function, in order.
        quantizer: the ``Quant`` node behind.
    """

    model: ModelWrapper
    source: str
    nodes: tuple[NodeProto, ...]
    quantizer: NodeProto

    @property
    def described(self) -> str:
        """Its nodes, for people."""
        return ", ".join(f"{node.name} ({node.op_type})" for node in self.nodes)

    @property
    def low(self) -> int:
        """The quantizer's least level."""
        return self._limits()[0]

    @property
    def high(self) -> int:
        """The quantizer's greatest level."""
        return self._limits()[1]

    def _limits(self) -> tuple[int, int]:
        return levels_of(self.quantizer, int(constant_of(self.model, self.quantizer.input[3])))

    @property
    def scale(self) -> FloatArray:
        """The quantizer's step, as it is given."""
        return np.asarray(constant_of(self.model, self.quantizer.input[1]), np.float32)

    @property
    def zero(self) -> int:
        """The level that stands for 0."""
        return int(np.max(constant_of(self.model, self.quantizer.input[2])))

    @property
    def channels(self) -> int:
        """How many functions there are: one of each channel, or one of all."""
        shape = self.model.get_tensor_shape(self.source)
        sizes = {1}
        for _, value in self._constants():
            padded = (1,) * (len(shape) - np.ndim(value)) + np.shape(value)
            if any(n != 1 for axis, n in enumerate(padded) if axis != 1):
                return 0
            sizes.add(padded[1] if len(padded) > 1 else 1)
        return max(sizes)

    def _constants(self) -> Iterator[tuple[str, Any]]:
        for node in (*self.nodes, self.quantizer):
            for name in node.input:
                value = constant_of(self.model, name) if name else None
                if value is not None:
                    yield name, value

    def levels(self, values: FloatArray) -> IntArray:
        """What the quantizer makes of the function of values, as QONNX computes it.

        Args:
            values: [any number, channels], see `channels`.

        Returns:
            integers of the same shape.
        """
        rank = len(self.model.get_tensor_shape(self.source))
        shape = [*values.shape, *[1] * (rank - 2)]
        ends = [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
            for name in (self.source, self.quantizer.output[0])
        ]
        graph = helper.make_graph(
            [*self.nodes, self.quantizer],
            "function",
            ends[:1],
            ends[1:],
            value_info=[
                helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
                for node in self.nodes
                for name in node.output
            ],
        )
        opsets = [*self.model.model.opset_import]
        model = ModelWrapper(qonnx_make_model(graph, opset_imports=opsets))
        for name, value in self._constants():
            model.set_initializer(name, value)
        given = np.asarray(values, np.float32).reshape(shape)
        with np.errstate(all="ignore"):
            found = execute_onnx(model, {self.source: given})[self.quantizer.output[0]]
        scale = self.scale.reshape(-1) if self.scale.size > 1 else self.scale.reshape(1)
        steps = found.reshape(values.shape).astype(np.float64) / scale + self.zero
        return np.rint(np.nan_to_num(steps)).astype(np.int64)


def chains(model: ModelWrapper) -> Iterator[Chain]:
    """Find the functions before quantizers that are more than what FINN knows.

    A Relu before an unsigned quantizer, and factors and summands of channels, are none.

    Args:
        model: exported graph, its shapes inferred.
    """
    for quantizer in model.get_nodes_by_op_type("Quant"):
        if not is_activation_quantizer(model, quantizer):
            continue
        found = _chain(model, quantizer)
        if found is not None and not _is_known(found):
            yield found


def _chain(model: ModelWrapper, quantizer: NodeProto) -> Chain | None:
    """The fewest nodes before a quantizer that hold all that is not linear, of one tensor."""
    position = {node.output[0]: index for index, node in enumerate(model.graph.node)}
    frontier: set[str] = {quantizer.input[0]}
    nodes: list[NodeProto] = []
    best: Chain | None = None
    curved = 0
    while True:
        reached = max(frontier, key=lambda name: position.get(name, -1))
        if len(frontier) == 1 and (count := sum(map(_is_curved(model), nodes))) > curved:
            ordered = tuple(sorted(nodes, key=lambda node: position[node.output[0]]))
            best, curved = Chain(model, reached, ordered, quantizer), count
        node = model.find_producer(reached)
        if node is None or node.op_type not in ELEMENTWISE:
            return best
        streams = [n for n in node.input if n and constant_of(model, n) is None]
        shapes = {tuple(model.get_tensor_shape(n) or ()) for n in (*streams, *node.output)}
        if len(shapes) != 1:
            return best
        nodes.append(node)
        frontier.remove(reached)
        frontier.update(streams)


def _is_curved(model: ModelWrapper) -> Any:
    def curved(node: NodeProto) -> bool:
        streams = [n for n in node.input if n and constant_of(model, n) is None]
        return node.op_type not in _LINEAR or len(streams) > 1

    return curved


def _is_known(chain: Chain) -> bool:
    """Whether FINN converts it itself: a Relu, alone before an unsigned quantizer."""
    op = getCustomOp(chain.quantizer)
    plain = not op.get_nodeattr("signed") and not op.get_nodeattr("narrow") and not chain.zero
    return plain and [node.op_type for node in chain.nodes] == ["Relu"]
