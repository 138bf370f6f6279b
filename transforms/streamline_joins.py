"""Streamline networks with joins, and with other layers that FINN's streamlining stops at."""

from __future__ import annotations

from onnx import NodeProto
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.base import Transformation
from qonnx.transformation.general import GiveReadableTensorNames, GiveUniqueNodeNames

from msq_finn.transforms.fork_transposes import merge_transposes, transpose_at_forks
from msq_finn.transforms.move_flatten_past_thresholds import flattening_before
from msq_finn.transforms.settle import settled

#: What FINN moves no scales and transposes past in its own streamlining.
_BARRIERS = {
    *("AveragePool", "FMPadding_Pixel", "Pad", "Resize", "Split", "StreamingTable", "Upsample"),
}


class StreamlineJoins(Transformation):
    """Move scales and transposes past forks, joins and their like, into the thresholds behind them.

    FINN's ``step_streamline`` stops there, and at a flattening before a quantizer. A scale passes
    a residual add, or a concatenation, where all branches have the same one, so they need a common
    quantizer before it. Graphs without any of these stay as they are. Run it after
    ``step_streamline``.
    """

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        """Repeat a round of FINN's transformations until it changes nothing."""
        if not any(_stops(model, node) for node in model.graph.node):
            return model, False
        model = settled(model)
        if transpose_at_forks(model):
            # Behind a quantizer on the host no transposition was there to move into the branches.
            model = settled(model)
            merge_transposes(model)
        for transformation in (GiveUniqueNodeNames, GiveReadableTensorNames):
            model = model.transform(transformation(), make_deepcopy=False)
        return model, False


def _stops(model: ModelWrapper, node: NodeProto) -> bool:
    streams = all(model.get_initializer(tensor) is None for tensor in node.input)
    joins = node.op_type in ("Add", "Concat") and streams
    forks = node.op_type in ("Mul", "Add") and len(model.find_consumers(node.output[0])) > 1
    barrier = node.op_type in _BARRIERS or _is_scaled_pool(model, node)
    return joins or forks or barrier or flattening_before(model, node) is not None


def _is_scaled_pool(model: ModelWrapper, node: NodeProto) -> bool:
    """Whether a scale stands before a pool with its channels last, which FINN moves none past."""
    if node.op_type != "MaxPoolNHWC":
        return False
    before = model.find_producer(node.input[0])
    return before is not None and before.op_type == "Mul"
