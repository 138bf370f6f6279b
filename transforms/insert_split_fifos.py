"""FIFOs behind splits, whose parts differ in size."""

from __future__ import annotations

from onnx import helper
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp
from qonnx.transformation.base import Transformation


class InsertSplitFIFOs(Transformation):
    """Put a FIFO between every output of a split and what reads it.

    FINN's InsertFIFO gives all outputs of a node the shape of the first (insert_fifo.py, ``apply``)
    and leaves those alone that have a FIFO already. Run it before InsertFIFO, behind InsertDWC.
    """

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        """Insert the nodes; no second pass is needed."""
        for node in list(model.graph.node):
            if not node.op_type.startswith("StreamingSplit"):
                continue
            op = getCustomOp(node)
            for index, tensor in enumerate(node.output):
                consumer = model.find_consumer(tensor)
                if consumer is None or consumer.op_type.startswith("StreamingFIFO"):
                    continue
                place = list(consumer.input).index(tensor)
                depths = getCustomOp(consumer).get_nodeattr("inFIFODepths")
                behind = model.make_new_valueinfo_name()
                shape, datatype = op.get_normal_output_shape(index), op.get_output_datatype(index)
                model.set_tensor_shape(behind, list(shape))
                model.set_tensor_datatype(behind, datatype)
                fifo = helper.make_node(
                    "StreamingFIFO",
                    [tensor],
                    [behind],
                    domain="finn.custom_op.fpgadataflow",
                    backend="fpgadataflow",
                    depth=max(
                        op.get_nodeattr("outFIFODepths")[index], depths[min(place, len(depths) - 1)]
                    ),
                    folded_shape=list(op.get_folded_output_shape(index)),
                    normal_shape=list(shape),
                    dataType=datatype.name,
                    ram_style="auto",
                )
                consumer.input[place] = behind
                model.graph.node.insert(list(model.graph.node).index(node) + 1, fifo)
        return model, False
