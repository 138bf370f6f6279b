"""Put every row on a lane of its scheme and let the rest of the network follow."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp
from qonnx.transformation.base import Transformation

from msq_finn.errors import MsqError
from msq_finn.ops.layout import LaneLayout

#: Ops that treat every channel alike, so that permuted channels pass through them.
CHANNELWISE = (
    "FMPadding",
    "Pool",
    "StreamingFIFO",
    "StreamingDataWidthConverter",
    "UpsampleNearest",
)


class PlaceRows(Transformation):
    """Permute the rows of each MVAU_MSQ so that each lies on a lane of its scheme.

    The permutation is absorbed by the thresholds of the same layer and by the input columns of
    every consumer; the order of the network's outputs never changes.
    """

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        """Permute layer by layer, from the input to the output."""
        for node in list(model.graph.node):
            if node.op_type.startswith("MVAU_MSQ"):
                op = getCustomOp(node)
                order = placement(op.row_schemes(), op.layout(), node.name)
                if not np.array_equal(order, np.arange(len(order))):
                    _permute_rows(model, op, order)
                    _absorb(model, node.output[0], order, node.name)
                _fix_schemes(op)
        return model, False


def placement(rows: list[tuple[str, ...]], layout: LaneLayout, layer: str) -> NDArray[np.int64]:
    """Order of rows that puts each on a lane of its scheme.

    Rows keep their relative order within a scheme. Rows that one scheme holds choose first, so that
    rows held by several fill what is left.

    Args:
        rows: per row, the schemes that hold it.
        layout: the layer's lanes.
        layer: name for the error message.

    Returns:
        ``order``, shape (MH,): position ``p`` of the layer is to hold old row ``order[p]``.

    Raises:
        MsqError: the numbers of rows per scheme do not match the lanes.
    """
    wanted = [kind.scheme.name for kind in layout.row_kinds(len(rows))]
    capacity = Counter(wanted)
    scheme_of = {}
    for row in sorted(range(len(rows)), key=lambda r: (len(rows[r]), r)):
        # A row held by several schemes stays on its own lane's, where there is room.
        names = sorted(rows[row], key=lambda name: name != wanted[row])
        free = [name for name in names if capacity[name]]
        if not free:
            raise MsqError(
                f"{layer}: row {row} is held by {' or '.join(rows[row])}, but all lanes of that "
                f"kind are taken (rows per scheme on the lanes: {dict(Counter(wanted))}); choose "
                "lanes whose number of rows matches the weights"
            )
        scheme_of[row] = free[0]
        capacity[free[0]] -= 1
    order = np.empty(len(rows), dtype=np.int64)
    for name in set(wanted):
        order[[p for p, w in enumerate(wanted) if w == name]] = [
            row for row in range(len(rows)) if scheme_of[row] == name
        ]
    return order


def _permute_rows(model: ModelWrapper, op: Any, order: NDArray[np.int64]) -> None:
    name = op.onnx_node.input[1]
    if len(model.find_consumers(name)) > 1:
        raise MsqError(f"{op.onnx_node.name}: its weight tensor is shared with another layer")
    model.set_initializer(name, model.get_initializer(name)[:, order])
    schemes = op.get_nodeattr("rowSchemes")
    op.set_nodeattr("rowSchemes", [schemes[row] for row in order])


def _fix_schemes(op: Any) -> None:
    """Record the scheme that each row got."""
    kinds = op.layout().row_kinds(op.get_nodeattr("MH"))
    op.set_nodeattr("rowSchemes", [kind.scheme.name for kind in kinds])


def _absorb(model: ModelWrapper, tensor: str, order: NDArray[np.int64], layer: str) -> None:
    """Follow permuted channels downstream until every consumer has absorbed them."""
    consumers = model.find_consumers(tensor)
    if not consumers:
        raise MsqError(
            f"{layer}: its rows would have to be reordered, but its output is the network's; "
            "give the last layer a single scheme"
        )
    for node in consumers:
        if node.op_type.startswith("MVAU") and node.input[0] == tensor:
            _permute_columns(model, node, order)
        elif node.op_type.startswith("Thresholding"):
            _permute_thresholds(model, node, order)
            _absorb(model, node.output[0], order, layer)
        elif node.op_type.startswith("ConvolutionInputGenerator"):
            if getCustomOp(node).get_nodeattr("depthwise"):
                raise MsqError(f"{layer}: cannot permute the channels of depthwise {node.name}")
            _absorb(model, node.output[0], order, layer)
        elif node.op_type.startswith("DuplicateStreams"):
            for output in node.output:
                _absorb(model, output, order, layer)
        elif node.op_type.startswith(CHANNELWISE):
            _absorb(model, node.output[0], order, layer)
        else:
            raise MsqError(
                f"{layer}: its rows must be reordered, but {node.name} ({node.op_type}) cannot "
                "absorb that; give the layer a single scheme or move the node off the accelerator"
            )


def _permute_thresholds(model: ModelWrapper, node: Any, order: NDArray[np.int64]) -> None:
    thresholds = model.get_initializer(node.input[1])
    if thresholds.shape[0] > 1:
        model.set_initializer(node.input[1], thresholds[order])


def _permute_columns(model: ModelWrapper, node: Any, order: NDArray[np.int64]) -> None:
    """Reorder a consumer's input columns; channels are innermost behind a sliding window."""
    weights = model.get_initializer(node.input[1])
    channels = len(order)
    if weights is None or weights.shape[0] % channels:
        raise MsqError(f"{node.name}: its {channels} input channels cannot be reordered")
    blocks = weights.reshape(-1, channels, weights.shape[1])
    model.set_initializer(node.input[1], blocks[:, order].reshape(weights.shape))
