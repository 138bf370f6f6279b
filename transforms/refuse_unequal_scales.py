"""Name the branches that meet on different scales, and say what makes them equal."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from onnx import NodeProto
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.base import Transformation

from msq_finn.errors import MsqError
from msq_finn.layer_notes import MODULE, module_name
from msq_finn.transforms.quantizer_notes import quantizer_of
from msq_finn.transforms.tensor_notes import read_note

#: What moves integers or scales them, between a quantizer or a layer and a join.
_PASSED = {
    *("Mul", "Add", "Transpose", "MaxPoolNHWC", "MaxPool", "Flatten", "Reshape", "Squeeze"),
    *("Upsample", "Resize", "Pad", "Identity"),
    *("UpsampleNearestNeighbour", "FMPadding", "FMPadding_Pixel"),
}

#: Operations that need integers to be hardware.
_LAYERS = {"MatMul", "MultiThreshold", "Im2Col", "GlobalAveragePool", "GlobalAccPool"}

#: What happens to branches, and what to write instead.
_JOINED = {"Add": "added", "Concat": "concatenated"}
_CURE = (
    "self.join = qnn.QuantIdentity(Int8ActPerTensorFloat, bit_width=4)",
    {"Add": "self.join(a) + self.join(b)", "Concat": "torch.cat([self.join(a), self.join(b)], 1)"},
)


class RefuseUnequalScales(Transformation):
    """Refuse an add or a concatenation of integers that stand for different steps.

    Scales before a join that are equal have moved past it by now, those of a ratio that hardware
    can multiply by too. Run it behind StreamlineJoins.
    """

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        """Change nothing.

        Raises:
            MsqError: a join before hardware whose branches have different scales; it names them.
        """
        for node in model.graph.node:
            if node.op_type not in _JOINED:
                continue
            streams = [name for name in node.input if model.get_initializer(name) is None]
            scaled = [name for name in streams if not _is_integer(model, name)]
            branches = [list(_back(model, name)) for name in streams]
            if len(streams) < 2 or not scaled or not _feeds_hardware(model, node):
                continue
            if all(branch and _is_integer(model, branch[-1].output[0]) for branch in branches):
                named = "; ".join(dict.fromkeys(_described(model, b) for b in branches))
                raise MsqError(
                    f"the branches that are {_JOINED[node.op_type]} have scales of their own "
                    f"({named}), and hardware joins integers of one scale; give them one "
                    f"quantizer, in __init__: {_CURE[0]}; in forward: {_CURE[1][node.op_type]}",
                    where=f"{node.name} ({node.op_type})",
                )
        return model, False


def _is_integer(model: ModelWrapper, tensor: str) -> bool:
    return bool(model.get_tensor_datatype(tensor).is_integer())


def _feeds_hardware(model: ModelWrapper, node: NodeProto) -> bool:
    """Whether an operation further on has to be hardware."""
    ahead, seen = [node], set()
    while ahead:
        for follower in model.find_direct_successors(ahead.pop()) or []:
            if follower.op_type in _LAYERS:
                return True
            if follower.name not in seen:
                seen.add(follower.name)
                ahead.append(follower)
    return False


def _described(model: ModelWrapper, branch: list[NodeProto]) -> str:
    """Where a branch comes from, with its scale where all channels have one."""
    factors = [model.get_initializer(n.input[1]) for n in branch if n.op_type == "Mul"]
    scale = np.prod([np.float64(f) for f in factors if np.size(f) == 1])
    one = all(np.size(f) == 1 for f in factors)
    told = f"scale {scale:.6g}" if one else "a scale per channel"
    origin = branch[-1]
    if origin.op_type != "MultiThreshold":
        name = read_note(model, origin.input[1], MODULE) if len(origin.input) > 1 else None
        return f"{name or origin.name}, which no quantizer follows, {told}"
    note = quantizer_of(model, origin.input[1])
    return f"{_module(note.output) if note else origin.name}, {told}"


def _back(model: ModelWrapper, tensor: str) -> Iterator[NodeProto]:
    """The nodes before a tensor up to the first that computes."""
    node = model.find_producer(tensor)
    while node is not None:
        yield node
        if node.op_type not in _PASSED or len(model.find_direct_predecessors(node) or []) > 1:
            return
        node = model.find_producer(node.input[0])


def _module(output: str) -> str:
    """A quantizer's name in the network, of the tensor that it writes.

    >>> _module("/stem/stem.2/act_quant/export_handler/Quant_output_0")
    'stem.2'
    """
    return module_name(output.strip("/").partition("/act_quant")[0])
