"""Put every row on a lane of its scheme and let the rest of the network follow."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp
from qonnx.transformation.base import Transformation
from scipy.optimize import linear_sum_assignment

from msq_finn.errors import MsqError
from msq_finn.lanes import LaneKind
from msq_finn.transforms.channel_spaces import ChannelSpace, channel_spaces
from msq_finn.transforms.quantizer_notes import note_quantizer, quantizer_of

IntArray = NDArray[np.int64]

#: Ops whose rows lie on lanes of several kinds.
ROW_MIXED = ("MVAU_MSQ", "VVAU_MSQ", "LSTM_MSQ", "GRU_MSQ")

#: Of them, those whose channels are units of several rows.
RECURRENT = ("LSTM_MSQ", "GRU_MSQ")

#: Metadata of a dataflow graph: of each reordered input, by its position, which channel of the
#: network each of its channels is.
INPUT_ORDER = "msq_input_order"
#: The same of its outputs.
OUTPUT_ORDER = "msq_output_order"


class PlaceRows(Transformation):
    """Permute the rows of each row-mixed layer so that each lies on a lane of its scheme.

    The permutation is absorbed by thresholds and by the input columns of every consumer, behind
    concatenations too; layers that meet in a residual add are permuted alike, and so is a depthwise
    layer with the layer before it. Channels that leave the graph, or that an add ties to those that
    enter it, are reordered by the host: their order is left in the metadata :data:`OUTPUT_ORDER`
    and :data:`INPUT_ORDER`, and :class:`msq_finn.transforms.reorder_on_host.ReorderOnHost` writes
    it into the graph around the accelerator.
    """

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        """Permute space by space, from the input to the output."""
        ends: dict[str, dict[int, list[int]]] = {INPUT_ORDER: {}, OUTPUT_ORDER: {}}
        for space in channel_spaces(model):
            nodes = (*space.producers, *space.inside)
            mixed = [n for n in nodes if n.op_type.startswith(ROW_MIXED)]
            if not mixed:
                continue
            order = _order(space, mixed)
            if not np.array_equal(order, np.arange(len(order))):
                _permute(model, space, order)
                ends[INPUT_ORDER] |= dict.fromkeys(space.inputs, order.tolist())
                ends[OUTPUT_ORDER] |= dict.fromkeys(space.outputs, order.tolist())
            for node in mixed:
                op = getCustomOp(node)
                rows = op.row_schemes()
                kinds = op.lanes().row_kinds(len(rows))
                held = rows if node.op_type.startswith(RECURRENT) else [rows[r] for r in order]
                # A lane that takes more than its own scheme leaves the row what it was.
                settled = [
                    kind.scheme.name if kind.scheme.name in names else "|".join(names)
                    for kind, names in zip(kinds, held, strict=True)
                ]
                op.set_nodeattr("rowSchemes", settled)
        for key, orders in ends.items():
            model.set_metadata_prop(key, json.dumps(orders))
        return model, False


def _order(space: ChannelSpace, mixed: Sequence[Any]) -> IntArray:
    ops = [getCustomOp(node) for node in mixed]
    layers = " and ".join(node.name for node in mixed)
    rows = [op.channel_schemes() for op in ops]
    kinds = [op.channel_kinds() for op in ops]
    allowed = allowed_places(rows, kinds)
    if space.fixed_by is not None:
        if not allowed.diagonal().all():
            raise MsqError(
                f"rows would have to be reordered, which {space.fixed_by} does not "
                "allow; give the layer a single scheme",
                where=layers,
            )
        return np.arange(len(allowed))
    return placement(allowed, layers, [kind.scheme.name for kind in kinds[0]])


def allowed_places(
    rows: Sequence[Sequence[tuple[str, ...]]], kinds: Sequence[Sequence[LaneKind]]
) -> NDArray[np.bool_]:
    """Say which row may go to which position.

    Args:
        rows: per layer and row, the schemes that hold it.
        kinds: per layer and position, the lane there.

    Returns:
        matrix [position, row]; layers that share an order must all agree.

    >>> from msq_finn.lanes import get
    >>> either = ("sp2_4", "fixed_4")
    >>> allowed_places([[("sp2_4",), either]], [[get("fixed_4_dsp"), get("sp2_4_lut")]])
    array([[False,  True],
           [ True,  True]])
    """
    per_layer = [
        [[kind.takes(names) for names in layer_rows] for kind in layer_kinds]
        for layer_rows, layer_kinds in zip(rows, kinds, strict=True)
    ]
    return np.all(np.array(per_layer, dtype=bool), axis=0)


def placement(allowed: NDArray[np.bool_], layer: str, wanted: Sequence[str]) -> IntArray:
    """Choose the order of rows that moves the fewest of them.

    Args:
        allowed: matrix [position, row].
        layer: name for the error message.
        wanted: per position the scheme of the lane there, for the error message.

    Returns:
        ``order``, shape (MH,): position ``p`` of the layer is to hold old row ``order[p]``.

    Raises:
        MsqError: the numbers of rows per scheme do not match the lanes.
    """
    size = len(allowed)
    cost = np.where(allowed, 1.0 - np.eye(size), size + 1.0)
    _, order = linear_sum_assignment(cost)
    if not allowed[np.arange(size), order].all():
        raise MsqError(
            f"the rows do not fit the lanes, which take {dict(Counter(wanted))} rows; "
            "choose lanes whose number of rows per scheme matches the weights",
            where=layer,
        )
    return np.asarray(order, dtype=np.int64)


def _permute(model: ModelWrapper, space: ChannelSpace, order: IntArray) -> None:
    for node in space.producers:
        if node.op_type.startswith(RECURRENT):
            getCustomOp(node).reorder_units(model, order)
        else:
            _reorder(model, node, 1, order)
    for node in (*space.inside, *space.consumers):
        _follow(model, node, order)
    for behind in space.behind:
        _follow(model, behind.node, behind.order(order))


def _follow(model: ModelWrapper, node: Any, order: IntArray) -> None:
    """Reorder what a node that reads channels has a parameter for."""
    if node.op_type.startswith(RECURRENT):
        getCustomOp(node).reorder_inputs(model, order)
    if node.op_type.startswith(("MVAU", "Thresholding", "VVAU")):
        _reorder(model, node, 0, order)


def _reorder(model: ModelWrapper, node: Any, axis: int, order: IntArray) -> None:
    """Reorder the channels of a node's parameter along an axis.

    Behind a sliding window or a flattening, channels are innermost: the axis then holds several
    blocks of all channels, and each is reordered.
    """
    name, channels = node.input[1], len(order)
    values = model.get_initializer(name)
    if len(model.find_consumers(name)) > 1:
        raise MsqError(f"its parameter {name} is shared with another layer", where=node.name)
    if node.op_type.startswith("Thresholding"):
        _follow_note(model, node, order)
        if values.shape[0] == 1:
            return
    if values is None or values.shape[axis] % channels:
        raise MsqError(f"its {channels} channels cannot be reordered", where=node.name)
    blocks = np.arange(values.shape[axis]).reshape(-1, channels)[:, order].ravel()
    model.set_initializer(name, np.take(values, blocks, axis=axis))


def _follow_note(model: ModelWrapper, node: Any, order: IntArray) -> None:
    """Keep what is noted on thresholds true, also where one threshold serves all channels."""
    if note := quantizer_of(model, node.input[1]):
        channels = np.arange(getCustomOp(node).get_nodeattr("NumChannels"))
        blocks = channels.reshape(-1, len(order))[:, order].ravel()
        note_quantizer(model, node.input[1], note.permuted(blocks.tolist()))
