"""Refuse a folding that the hardware cannot do, before anything is generated."""

from __future__ import annotations

import math
from typing import Any

from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp
from qonnx.transformation.base import Transformation

from msq_finn.errors import MsqError
from msq_finn.lanes.constants import MAX_FOLDS
from msq_finn.lanes.divisors import check_divides, check_within
from msq_finn.transforms.pad_folds import sides_of
from msq_finn.transforms.place_rows import ROW_MIXED

#: Per op, attribute pairs (parallelism, what it must divide).
_DIVIDES = {
    "MVAU": (("SIMD", "MW"), ("PE", "MH")),
    "VVAU": (("PE", "Channels"),),
    "FMPadding": (("SIMD", "NumChannels"),),
    "ConvolutionInputGenerator": (("SIMD", "IFMChannels"),),
}


class CheckFolding(Transformation):
    """Check every node's PE and SIMD; a hand-written folding configuration may hold anything."""

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        """Change nothing.

        Raises:
            MsqError: a parallelism that does not divide, lanes that do not add up to PE, weights
                outside the accelerator, windows that come with other channels side by side than a
                depthwise layer takes, or an MVAU of FINN's that would lose results, see
                :class:`msq_finn.transforms.avoid_full_simd.AvoidFullSIMD`.
        """
        for node in model.graph.node:
            op = getCustomOp(node)
            _check_weights(op)
            _check_parallelism(model, op)
            if node.op_type == "MVAU_rtl":
                _check_queue(op)
            if node.op_type.startswith(ROW_MIXED):
                _check_constants(op)
            if node.op_type.startswith("VVAU"):
                _check_windows(model, op)
        return model, False


def _check_parallelism(model: ModelWrapper, op: Any) -> None:
    """Refuse what does not divide, but where PadFolds fills the last fold up."""
    node = op.onnx_node
    if (sides := sides_of(node)) is None:
        for attribute, whole in _DIVIDES.get(node.op_type.split("_")[0], ()):
            part, total = op.get_nodeattr(attribute), op.get_nodeattr(whole)
            check_divides(node.name, attribute, part, whole, total)
        return
    for whole, attribute in sides:
        part, total = op.get_nodeattr(attribute), op.get_nodeattr(whole)
        leaves = whole == "MH" and model.find_direct_successors(node) is None
        (check_divides if leaves else check_within)(node.name, attribute, part, whole, total)


def _check_weights(op: Any) -> None:
    mode = op.get_nodeattr("mem_mode") if "mem_mode" in op.get_nodeattr_types() else ""
    if mode.startswith("external"):
        raise MsqError(
            f"mem_mode={mode}, but weights are kept on chip; use internal_decoupled",
            field="mem_mode",
            value=mode,
            where=op.onnx_node.name,
        )


def _check_constants(op: Any) -> None:
    """Refuse more weights than lanes that hold them have room for."""
    held, words = [kind.name for kind in op.lanes().kinds if kind.constant], op.weight_words()
    if held and words > MAX_FOLDS:
        raise MsqError(
            f"lanes have {words} words of weights, but {held[0]} lanes "
            f"hold {MAX_FOLDS}; use more PE or SIMD, or other laneKinds",
            where=op.onnx_node.name,
        )


def refuse_one_column(op: Any, layer: str = "") -> None:
    """Refuse a layer of one input on FINN's unit, for which there is no smaller SIMD.

    Args:
        op: of an MVAU_rtl.
        layer: its name in the network, where that is another.

    Raises:
        MsqError: it has one input.
    """
    if op.get_nodeattr("MW") == 1:
        raise MsqError(
            "of one input, which FINN's MVAU_rtl loses while its output stalls; give the layer "
            "4-bit weights and activations of at most 8 bits, for our lanes",
            where=layer or op.onnx_node.name,
            field="MW",
            value=1,
        )


def _check_queue(op: Any) -> None:
    refuse_one_column(op)
    mw = op.get_nodeattr("MW")
    if op.get_nodeattr("SIMD") == mw:
        raise MsqError(
            f"with SIMD={mw}=MW, FINN's MVAU_rtl loses results while its output stalls; choose a "
            "smaller SIMD",
            where=op.onnx_node.name,
            field="SIMD",
            value=mw,
        )


def _check_windows(model: ModelWrapper, op: Any) -> None:
    name, pe, simd = op.onnx_node.name, op.get_nodeattr("PE"), op.get_nodeattr("SIMD")
    window = math.prod(op.get_nodeattr("Kernel"))
    check_divides(name, "SIMD", simd, "window", window)
    producer = model.find_producer(op.onnx_node.input[0])
    if producer is None or not producer.op_type.startswith("ConvolutionInputGenerator"):
        return
    # A width converter between the two would mix the channels' windows up.
    channels = getCustomOp(producer).get_nodeattr("SIMD")
    if channels != pe:
        raise MsqError(
            f"PE={pe}, but {producer.name} sends windows of SIMD={channels} channels side "
            "by side; give both the same",
            field="PE",
            value=pe,
            where=name,
        )
