"""Notes on a layer's weights in an exported model: the module's name, and the schemes of its rows.

Exporters write modules' names into nodes: torch's older one into their names, its newer one into
their metadata. FINN renames nodes, and drops metadata and attributes that it does not know. What it
keeps are quantization annotations of the output of the weights' ``Quant``.
"""

from __future__ import annotations

import ast
from collections import Counter
from typing import Any

import onnx

#: Key of the module's name among the annotations of a weight quantizer's output.
MODULE = "msq_module"

#: Key of the rows' schemes, with commas between; also of the attribute that the export of a
#: quantizer of ours leaves on its node for :func:`annotate`.
ROWS = "msq_row_schemes"

#: Where torch.onnx's newer exporter writes the modules around a node, outermost first.
_SCOPES = "pkg.torch.onnx.name_scopes"

#: Ops that multiply by weights.
LAYERS = ("Conv", "ConvTranspose", "Gemm", "MatMul")

#: Ops that weights may pass on their way from the quantizer to the layer.
_ON_THE_WAY = ("Transpose", "Reshape", "Unsqueeze", "Squeeze", "Identity")


def module_of(node: onnx.NodeProto) -> str:
    """Return the name of the module that a node was exported from; empty if nothing tells it.

    Args:
        node: of an exported model.

    >>> module_of(onnx.helper.make_node("Gemm", [], [], name="/3/shortcut/shortcut.0/Gemm"))
    '3.shortcut.0'
    """
    for entry in node.metadata_props:
        if entry.key == _SCOPES:
            scopes = ast.literal_eval(entry.value)
            return str(scopes[-2]) if len(scopes) > 1 else ""
    if not node.name.startswith("/"):
        return ""
    return module_name("/".join(part for part in node.name.split("/")[:-1] if part))


def module_name(scope: str) -> str:
    """Return the module's name of a scope in an exported file.

    Modules in a Sequential repeat its name there.

    Args:
        scope: names between slashes, without the network's own.

    >>> module_name("3/shortcut/shortcut.0")
    '3.shortcut.0'
    """
    parts: list[str] = []
    for part in scope.split("/"):
        if parts and part.startswith(f"{parts[-1]}."):
            parts.pop()
        parts.append(part)
    return ".".join(parts)


def weight_quantizers(graph: onnx.GraphProto) -> list[tuple[onnx.NodeProto, onnx.NodeProto]]:
    """Find the quantizers of weights, each with the layer that it leads to.

    Args:
        graph: of an exported QONNX model.
    """
    constants = {tensor.name for tensor in graph.initializer}
    constants |= {node.output[0] for node in graph.node if node.op_type == "Constant"}
    readers: dict[str, Any] = {}
    for node in reversed(graph.node):
        readers |= dict.fromkeys(node.input, node)
    found = []
    for node in graph.node:
        if node.op_type.endswith("Quant") and node.input and node.input[0] in constants:
            layer = readers.get(node.output[0])
            while layer is not None and layer.op_type in _ON_THE_WAY:
                layer = readers.get(layer.output[0])
            if layer is not None and layer.op_type in LAYERS:
                found.append((node, layer))
    return found


def note(graph: onnx.GraphProto, tensor: str, key: str, value: str) -> None:
    """Write among a tensor's quantization annotations, where ONNX has room for other keys.

    FINN keeps them up to the matrix-vector unit, also where weights are folded or reshaped.

    Args:
        graph: changed in place.
        tensor: the weights' name in the graph.
        key: of the note; an earlier one is replaced.
        value: any text.
    """
    annotations = graph.quantization_annotation
    found = next((a for a in annotations if a.tensor_name == tensor), None)
    if found is None:
        found = annotations.add(tensor_name=tensor)
    entries = [e for e in found.quant_parameter_tensor_names if e.key != key]
    del found.quant_parameter_tensor_names[:]
    entry = onnx.StringStringEntryProto(key=key, value=value)
    found.quant_parameter_tensor_names.extend([*entries, entry])


def noted(graph: onnx.GraphProto, tensor: str, key: str) -> str:
    """Return what was noted on a tensor; empty where nothing was.

    Args:
        tensor: the weights' name in the graph.
        key: of the note.
    """
    for annotation in graph.quantization_annotation:
        if annotation.tensor_name == tensor:
            for entry in annotation.quant_parameter_tensor_names:
                if entry.key == key:
                    return str(entry.value)
    return ""


def owner_of(graph: onnx.GraphProto, weights: str, layer: onnx.NodeProto) -> str:
    """Return the module whose weights or bias, under their own names, this layer alone reads.

    Scopes lack the modules around a layer that torch.fx calls directly.

    Args:
        graph: of an exported model.
        weights: name of the layer's weights, before a quantizer where there is one.
        layer: that multiplies by them.
    """
    reads = Counter(name for node in graph.node for name in node.input)
    stored = {tensor.name for tensor in graph.initializer}
    for name in (weights, *layer.input[2:]):
        owner, _, parameter = name.rpartition(".")
        if name in stored and reads[name] == 1 and owner and parameter in ("weight", "bias"):
            return str(owner)
    return ""


def annotate(model: onnx.ModelProto) -> onnx.ModelProto:
    """Note modules' names, where none is noted yet, and rows' schemes, where FINN keeps both.

    Exports call it, and so do builds, for models whose export did not. FINN folds a transposition
    between quantizer and layer, so that its output gets the notes, too.

    Args:
        model: exported QONNX model, changed in place.

    Returns:
        the model given.
    """
    graph = model.graph
    for node in graph.node:
        for attribute in [a for a in node.attribute if a.name == ROWS]:
            note(graph, node.output[0], ROWS, attribute.s.decode())
            node.attribute.remove(attribute)
    for quantizer, layer in weight_quantizers(graph):
        tensor = quantizer.output[0]
        found = {ROWS: noted(graph, tensor, ROWS)}
        owner = owner_of(graph, quantizer.input[0], layer) or module_of(layer)
        found[MODULE] = noted(graph, tensor, MODULE) or owner
        for key, value in found.items():
            for place in dict.fromkeys((tensor, layer.input[1])):
                if value and not noted(graph, place, key):
                    note(graph, place, key, value)
    return model
