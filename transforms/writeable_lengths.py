"""Recurrent layers whose sequences may be shorter than their frames, at a length written later."""

from __future__ import annotations

from typing import Any

from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp
from qonnx.transformation.base import Transformation

from msq_finn.errors import MsqError
from msq_finn.ops.recurrent.length_port import ATTRIBUTE
from msq_finn.transforms.place_rows import RECURRENT


class WriteLengths(Transformation):
    """Let the processor write the length of every recurrent layer's sequences."""

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        """Set the attribute.

        Raises:
            MsqError: there is no recurrent layer.
        """
        layers = _layers(model)
        if not layers:
            raise MsqError("runtime_length: the accelerator has no recurrent layer; leave it out")
        for op in layers:
            op.set_nodeattr(ATTRIBUTE, 1)
        return model, False


class NotePadding(Transformation):
    """Note which layers whose length is written read padding before their sequence.

    Frames have it behind, and a ReverseSteps turns it round with them.
    """

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        """Set ``paddingFirst``; run it on a graph whose nodes are in order.

        Raises:
            MsqError: lengths of some layers are written and of others not, layers have frames of
                different numbers of steps, or what is padding at one place would meet what is none.
        """
        layers = _layers(model)
        if not any(op.get_nodeattr(ATTRIBUTE) for op in layers):
            return model, False
        _check_alike(layers)
        first: dict[str, bool] = {info.name: False for info in model.graph.input}
        for node in model.graph.node:
            ends = {first[name] for name in node.input if name in first}
            if len(ends) > 1:
                raise MsqError(
                    f"{ATTRIBUTE}: it joins sequences in opposite orders, of which shorter ones "
                    "have other steps side by side; put the backward one back in order first",
                    where=node.name,
                )
            if not ends:
                continue
            padding_first = ends.pop() ^ node.op_type.startswith("ReverseSteps")
            if node.op_type.startswith(RECURRENT):
                getCustomOp(node).set_nodeattr("paddingFirst", int(padding_first))
                if not getCustomOp(node).get_nodeattr("allStates"):
                    continue
            first |= dict.fromkeys(node.output, padding_first)
        for info in model.graph.output:
            if first.get(info.name):
                raise MsqError(
                    f"{ATTRIBUTE}: states leave from the last step to the first, so that those of "
                    "a shorter sequence would come behind padding; put them back in order",
                    where=model.find_producer(info.name).name,
                )
        return model, False


def _layers(model: ModelWrapper) -> list[Any]:
    return [getCustomOp(node) for node in model.graph.node if node.op_type.startswith(RECURRENT)]


def _check_alike(layers: list[Any]) -> None:
    first = layers[0]
    for op in layers[1:]:
        for attribute, what in (
            (ATTRIBUTE, "all recurrent layers have it, or none"),
            ("Steps", f"with {ATTRIBUTE}, frames of all recurrent layers have as many steps"),
        ):
            here, there = op.get_nodeattr(attribute), first.get_nodeattr(attribute)
            if here != there:
                raise MsqError(
                    f"{attribute}={here}, but {there} of {first.onnx_node.name}; {what}",
                    where=op.onnx_node.name,
                )
