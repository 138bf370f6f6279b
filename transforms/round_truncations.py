"""Truncations that round, as the quantizers that they are."""

from __future__ import annotations

import numpy as np
from onnx import helper
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.base import Transformation
from qonnx.util.basic import get_by_name


class RoundTruncations(Transformation):
    """Turn every Trunc that rounds to the nearest integer into a Quant of its output's scale.

    ``TruncAvgPool2d`` rounds so unless told otherwise. What a Trunc reads are multiples of the
    scale that it is given, so that taking them for integers first changes nothing. FINN converts
    Truncs that round down only. Run it on the exported model.
    """

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        """Replace the nodes; no second pass is needed."""
        for node in model.get_nodes_by_op_type("Trunc"):
            mode = get_by_name(node.attribute, "rounding_mode")
            if (
                len(node.input) != 6
                or mode is None
                or mode.s.upper() not in (b"ROUND", b"HALF_EVEN")
            ):
                continue
            zero, scale, given = (model.get_initializer(node.input[i]) for i in (2, 4, 1))
            if zero is None or np.any(zero) or scale is None or given is None:
                continue
            ratio = np.log2(np.float64(scale) / np.float64(given))
            if np.any(np.abs(ratio - np.rint(ratio)) > 1e-6):
                continue  # it would not be the power of two that Trunc rounds the ratio to
            signs = {a: get_by_name(node.attribute, a).i for a in ("signed", "narrow")}
            quant = helper.make_node(
                "Quant",
                [node.input[0], node.input[4], node.input[2], node.input[5]],
                list(node.output),
                name=node.name,
                domain=node.domain,
                rounding_mode="ROUND",
                **signs,
            )
            model.graph.node.insert(list(model.graph.node).index(node), quant)
            model.graph.node.remove(node)
        return model, False
