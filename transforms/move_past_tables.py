"""Move transpositions past tables."""

from __future__ import annotations

from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp
from qonnx.transformation.base import Transformation

from msq_finn.transforms.swap_behind import swap_behind


class MoveTransposePastTables(Transformation):
    """Swap a transposition with the table behind it, which looks up every element alone."""

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        """Swap one pair, if there is one, and ask for another pass then."""
        for table in model.get_nodes_by_op_type("StreamingTable"):
            node = model.find_producer(table.input[0])
            if node is None or node.op_type != "Transpose" or model.is_fork_node(node):
                continue
            kind = getCustomOp(table).get_output_datatype()
            shape = model.get_tensor_shape(node.input[0])
            swap_behind(model, node, table, kind)
            model.set_tensor_shape(node.input[0], shape)
            model.set_tensor_datatype(node.output[0], kind)
            return model, True
        return model, False
