"""Let shapes be inferred that an exporter could not tell."""

from __future__ import annotations

from collections.abc import Iterator

from onnx import ValueInfoProto
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.base import Transformation
from qonnx.transformation.fold_constants import FoldConstants
from qonnx.transformation.infer_shapes import InferShapes


class KnownShapes(Transformation):
    """Infer the shape of every value to which the file gives unknown sizes.

    torch's exporter computes some pads in the graph, and says of what is behind them only how many
    channels it has. QONNX reads the other sizes as 0, and believes that. Constants are folded, so
    that nothing is unknown any more.
    """

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        """Change the graph at once; no second pass is needed."""
        unknown = list(_unknown(model))
        if not unknown:
            return model, False
        for info in unknown:
            info.type.tensor_type.ClearField("shape")
        for step in (InferShapes(), FoldConstants(), InferShapes()):
            model = model.transform(step)
        return model, False


def _unknown(model: ModelWrapper) -> Iterator[ValueInfoProto]:
    for info in (*model.graph.value_info, *model.graph.output):
        if any(dim.dim_value <= 0 for dim in info.type.tensor_type.shape.dim):
            yield info
