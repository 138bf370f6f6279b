"""Steps of unrolled LSTMs and GRUs in an exported graph."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from onnx import NodeProto
from qonnx.core.modelwrapper import ModelWrapper

from msq_finn.ops.recurrent.gated_cells import GRU, LSTM, GatedCell
from msq_finn.transforms.constant_tensors import constant_of
from msq_finn.transforms.quantizer_nodes import is_activation_quantizer, levels_of


class NoStepError(Exception):
    """A tensor is not what a step computes."""


@dataclass(frozen=True)
class QuantizedTensor:
    """A tensor that a quantizer made.

    Attributes:
        name: of the tensor.
        node: the ``Quant`` node.
        scale: exact.
        low: least integer.
        high: greatest integer.
    """

    name: str
    node: NodeProto
    scale: Fraction
    low: int
    high: int

    @property
    def kind(self) -> tuple[Fraction, int, int]:
        """What other tensors of the same quantizer have in common with it."""
        return self.scale, self.low, self.high


@dataclass(frozen=True)
class Sum:
    """What a gate's quantizer quantizes.

    Attributes:
        products: by the name of what is multiplied, empty for zeros, the name of the weights.
        biases: names of constants that are added.
    """

    products: Mapping[str, str]
    biases: tuple[str, ...]


@dataclass(frozen=True)
class CellStep:
    """A step.

    Attributes:
        cell: kind of layer.
        levels: all that it quantizes, by the names in the cell.
        functions: by the names of what they give, nodes between two quantizers.
        rows: what a unit's rows sum up, in the cell's order.
        state: name of the state that it reads; empty for zeros.
        memory: name of what else it reads of the step before; empty where there is nothing.
    """

    cell: GatedCell
    levels: Mapping[str, QuantizedTensor]
    functions: Mapping[str, tuple[NodeProto, ...]]
    rows: tuple[Sum, ...]
    state: str
    memory: str


class StepFinder:
    """Finds steps.

    Args:
        model: exported graph.
    """

    def __init__(self, model: ModelWrapper) -> None:
        self.model = model
        self._makers = {name: node for node in model.graph.node for name in node.output}
        self._constants: dict[str, Any] = {}
        self._matches = {LSTM: self._lstm, GRU: self._gru}

    def all(self) -> Iterator[tuple[str, CellStep]]:
        """Every tensor that is the state behind a step, with the step."""
        for node in self.model.graph.node:
            if not is_activation_quantizer(self.model, node):
                continue
            for match in self._matches.values():
                try:
                    yield node.output[0], match(node.output[0])
                except NoStepError:
                    continue

    def is_zero(self, name: str) -> bool:
        """Whether a tensor is constant and 0."""
        value = self._constant(name)
        return value is not None and not np.any(value)

    def _constant(self, name: str) -> Any:
        if name not in self._constants:
            self._constants[name] = constant_of(self.model, name)
        return self._constants[name]

    def _node(self, name: str, *op_types: str) -> NodeProto:
        node = self._makers.get(name)
        if node is None or node.op_type not in op_types:
            raise NoStepError(name)
        return node

    def level(self, name: str) -> QuantizedTensor:
        """What a quantizer of one scale and without zero point made.

        Args:
            name: of the tensor.

        Raises:
            NoStepError: none made it.
        """
        node = self._node(name, "Quant")
        constants = [self._constant(other) for other in node.input[1:4]]
        if self._constant(node.input[0]) is not None or any(c is None for c in constants):
            raise NoStepError(name)
        scale, zero, bits = (np.asarray(c) for c in constants)
        if scale.size != 1 or np.any(zero):
            raise NoStepError(name)
        exact = Fraction(float(np.float32(scale.max())))
        return QuantizedTensor(name, node, exact, *levels_of(node, int(bits.max())))

    def _function(self, name: str, *op_types: str) -> tuple[tuple[NodeProto, ...], str]:
        """Nodes of one tensor before a quantizer, the last first named; and what they are of."""
        nodes: list[NodeProto] = []
        source = self.level(name).node.input[0]
        for op_type in op_types:
            nodes.insert(0, self._node(source, op_type))
            source = nodes[0].input[0]
        return tuple(nodes), source

    def _operands(self, name: str, op_type: str) -> tuple[str, str]:
        """Operands of what a quantizer quantizes."""
        node = self._node(self.level(name).node.input[0], op_type)
        return node.input[0], node.input[1]

    def _is_function(self, name: str, *op_types: str) -> bool:
        try:
            self._function(name, *op_types)
        except NoStepError:
            return False
        return True

    def _split(self, names: tuple[str, str], *op_types: str) -> tuple[str, str]:
        """Two operands, first that which is a quantized function."""
        for one, other in (names, names[::-1]):
            if self._is_function(one, *op_types):
                return one, other
        raise NoStepError(names[0])

    def _sum(self, name: str) -> Sum:
        products: dict[str, str] = {}
        biases: list[str] = []
        left = [self.level(name).node.input[0]]
        while left:
            term = left.pop()
            node = self._makers.get(term)
            if node is not None and node.op_type == "Add":
                left += node.input
            elif node is not None and node.op_type == "MatMul":
                source = "" if self.is_zero(node.input[0]) else node.input[0]
                if source in products:
                    raise NoStepError(name)
                products[source] = node.input[1]
            elif self.is_zero(term):
                continue
            elif self._is_constant(term):
                biases.append(term)
            else:
                raise NoStepError(name)
        return Sum(products, tuple(biases))

    def _is_constant(self, name: str) -> bool:
        node = self._makers.get(name)
        if node is not None and node.op_type == "Quant":
            name = node.input[0]
        return self._constant(name) is not None

    def _gate(self, name: str, *op_types: str) -> tuple[str, Sum, tuple[NodeProto, ...]]:
        nodes, acc = self._function(name, *op_types)
        return acc, self._sum(acc), nodes

    def _state_among(self, sums: tuple[Sum, ...]) -> str:
        """What every sum but those of inputs alone multiplies, and is zero or a state before."""
        names = dict.fromkeys(name for s in sums for name in s.products)
        for name in names:
            if not name or self._is_state(name):
                return name
        raise NoStepError("no state before")

    def _is_state(self, name: str) -> bool:
        try:
            node = self._node(self.level(name).node.input[0], "Mul", "Add")
        except NoStepError:
            return False
        return all(
            operand in self._makers and self._makers[operand].op_type == "Quant"
            for operand in node.input
        )

    def _lstm(self, state: str) -> CellStep:
        shown, output = self._split(self._operands(state, "Mul"), "Tanh")
        show, memory = self._function(shown, "Tanh")
        parts = self._operands(memory, "Add")
        taken, kept = parts
        if not any(self._is_function(n, "Tanh") for n in self._operands(taken, "Mul")):
            kept, taken = parts
        cell, taken_by = self._split(self._operands(taken, "Mul"), "Tanh")
        forget, before = self._split(self._operands(kept, "Mul"), "Sigmoid")
        names = {"input": taken_by, "forget": forget, "cell": cell, "output": output}
        gates = {n: self._gate(t, "Tanh" if n == "cell" else "Sigmoid") for n, t in names.items()}
        found = {**names, "kept": kept, "taken": taken, "memory": memory, "shown": shown}
        found |= {f"{name}_acc": gate[0] for name, gate in gates.items()} | {"state": state}
        rows = tuple(gate[1] for gate in gates.values())
        functions = {name: gate[2] for name, gate in gates.items()} | {"shown": show}
        levels = {name: self.level(tensor) for name, tensor in found.items()}
        return CellStep(LSTM, levels, functions, rows, self._state_among(rows), before)

    def _gru(self, state: str) -> CellStep:
        parts = self._operands(state, "Add")
        taken, kept = parts
        if not any(self._is_function(n, "Tanh") for n in self._operands(taken, "Mul")):
            kept, taken = parts
        candidate, take = self._split(self._operands(taken, "Mul"), "Tanh")
        keep, before = self._split(self._operands(kept, "Mul"), "Sigmoid")
        show, candidate_acc = self._function(candidate, "Tanh")
        update_acc, update, keeps = self._gate(keep, "Sigmoid")
        takes, same = self._function(take, "Sigmoid", "Neg")
        inputs, scaled = self._operands(candidate_acc, "Add")
        if self.level(scaled).node.input[0] not in self._makers or (
            self._makers[self.level(scaled).node.input[0]].op_type != "Mul"
        ):
            inputs, scaled = scaled, inputs
        reset, states = self._split(self._operands(scaled, "Mul"), "Sigmoid")
        reset_acc, resets, reset_nodes = self._gate(reset, "Sigmoid")
        if same != update_acc:
            raise NoStepError(state)
        found = {
            **{"reset_acc": reset_acc, "reset": reset, "update_acc": update_acc, "keep": keep},
            **{"take": take, "inputs": inputs, "states": states, "scaled": scaled},
            **{"candidate_acc": candidate_acc, "candidate": candidate, "kept": kept},
            **{"taken": taken, "state": state},
        }
        rows = (resets, update, self._sum(inputs), self._sum(states))
        functions = {"reset": reset_nodes, "keep": keeps, "take": takes, "candidate": show}
        levels = {name: self.level(tensor) for name, tensor in found.items()}
        step = CellStep(GRU, levels, functions, rows, self._state_among(rows), "")
        if before != step.state and (step.state or not self.is_zero(before)):
            raise NoStepError(state)
        return step
