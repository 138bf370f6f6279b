"""Bring thresholds into the range of unsigned inputs."""

from __future__ import annotations

import numpy as np
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.base import Transformation


class ClipUnsignedThresholds(Transformation):
    """Raise thresholds below 0 to 0 where the input is unsigned.

    Such a threshold is always passed, and 0 is too. A signed quantizer behind an unsigned one
    (the shortcut of a residual block, say) has them, and FINN's Thresholding refuses them.
    """

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        """Change the thresholds; no second pass is needed."""
        for node in model.graph.node:
            if not node.op_type.startswith("Thresholding"):
                continue
            inputs = model.get_tensor_datatype(node.input[0])
            thresholds = model.get_initializer(node.input[1])
            if inputs.is_integer() and not inputs.signed() and (thresholds < 0).any():
                model.set_initializer(node.input[1], np.maximum(thresholds, 0))
        return model, False
