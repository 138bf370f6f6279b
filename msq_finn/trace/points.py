"""Where two graphs of the same network are compared: behind each layer and its activation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from qonnx.core.modelwrapper import ModelWrapper

from msq_finn.layer_notes import LAYERS, MODULE, module_of, owner_of
from msq_finn.transforms.activation_chains import ELEMENTWISE
from msq_finn.transforms.quantizer_nodes import is_activation_quantizer
from msq_finn.transforms.tensor_notes import read_note, write_note

#: What may follow a layer, value by value, up to the point of comparison.
_FOLLOWING = ELEMENTWISE | {"BatchNormalization", "Dropout", "Quant"}


@dataclass(frozen=True)
class TracePoint:
    """A layer with what follows it.

    Attributes:
        nodes: the layer, then its bias, norm, activation and quantizer, as far as there are any.
        quantizer: the last of them that is one.
    """

    nodes: tuple[Any, ...]
    quantizer: Any = None

    @property
    def source(self) -> str:
        """Tensor that the layer reads."""
        return str(self.nodes[0].input[0])

    @property
    def output(self) -> str:
        """Tensor that is compared."""
        return str(self.nodes[-1].output[0])


def note_modules(model: ModelWrapper) -> None:
    """Note on weights whose they are, where their names tell it and no export has noted it.

    Args:
        model: an exported network, before its constants are folded.
    """
    for node in model.graph.node:
        if node.op_type in LAYERS and len(node.input) > 1:
            weights = node.input[1]
            while (producer := model.find_producer(weights)) is not None and producer.input:
                weights = producer.input[0]
            owner = owner_of(model.graph, weights, node)
            if owner and not read_note(model, node.input[1], MODULE):
                write_note(model, node.input[1], MODULE, owner)


def points_of(model: ModelWrapper) -> dict[str, TracePoint]:
    """Find the points of a graph, by the names of the modules that its layers come from.

    Args:
        model: an exported network, quantized or not.
    """
    found: dict[str, TracePoint] = {}
    for node in model.graph.node:
        if node.op_type in LAYERS and len(node.input) > 1:
            name = read_note(model, node.input[1], MODULE) or module_of(node) or node.name
            if name in found:  # several layers of one module
                name = node.name
            found[name] = _point(model, node)
    return found


def without_quantizers(model: ModelWrapper) -> ModelWrapper:
    """A copy of a network whose activations are not quantized.

    Args:
        model: an exported quantized network.
    """
    model = ModelWrapper(model.model, make_deepcopy=True)
    for node in [node for node in model.graph.node if is_activation_quantizer(model, node)]:
        for reader in model.find_consumers(node.output[0]):
            for index, tensor in enumerate(reader.input):
                if tensor == node.output[0]:
                    reader.input[index] = node.input[0]
        if node.output[0] != model.graph.output[0].name:
            model.graph.node.remove(node)
    return model


def _point(model: ModelWrapper, layer: Any) -> TracePoint:
    nodes = [layer]
    while following := _following(model, nodes[-1].output[0]):
        nodes += following
        if nodes[-1].op_type == "Quant":
            return TracePoint(tuple(nodes), nodes[-1])
    return TracePoint(tuple(nodes))


def _following(model: ModelWrapper, tensor: str) -> list[Any]:
    """The next node that a value goes through; of a function of several, such as SiLU, all.

    Nothing where it goes several ways that do not meet, or meets another value.
    """
    nodes: list[Any] = []
    reached, open_ends = {tensor}, {tensor}
    for node in model.graph.node:
        computed = {t for t in node.input if t and model.get_initializer(t) is None}
        if not computed & reached:
            continue
        if node.op_type not in _FOLLOWING or not computed <= reached:
            return []
        nodes.append(node)
        reached.add(node.output[0])
        open_ends = {t for t in reached if _reads_another(model, t, nodes)} | {node.output[0]}
        if len(open_ends) == 1:
            return nodes
    return []


def _reads_another(model: ModelWrapper, tensor: str, nodes: list[Any]) -> bool:
    return any(reader not in nodes for reader in model.find_consumers(tensor))
