"""What a plan decides for a layer: lanes, folding, rows, memories."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, PlainValidator

from msq_finn.errors import MsqError
from msq_finn.lanes import LaneCounts

Count = Annotated[int, Field(ge=0, lt=2**63)]
Positive = Annotated[int, Field(ge=1, lt=2**63)]


class Strict(BaseModel):
    """Takes no keys and no types but its own."""

    model_config = ConfigDict(extra="forbid", strict=True)


def _lanes(value: Any) -> LaneCounts:
    if isinstance(value, LaneCounts):
        return value
    if not isinstance(value, dict) or not all(
        type(name) is str and type(count) is int and count < 2**63 for name, count in value.items()
    ):
        raise ValueError("give a number of lanes for every kind")
    try:
        return LaneCounts(value)
    except MsqError as error:
        raise ValueError(str(error)) from error


#: Lanes by the name of their kind.
Lanes = Annotated[LaneCounts, PlainValidator(_lanes), PlainSerializer(dict)]


class WindowPlan(Strict):
    """The sliding window before a layer.

    Attributes:
        simd: channels a cycle.
        parallel: whether it gives whole windows.
        memory: style of its buffer.
    """

    simd: Positive
    parallel: bool
    memory: Literal["distributed", "block"]


class LayerPlan(Strict):
    """One layer: what it is, and what is decided.

    Attributes:
        name: of the layer (of its node, where the plan was made from a model).
        mw: columns of the weight matrix; of a depthwise layer, elements of a window.
        mh: rows; of a depthwise layer, channels.
        vectors: matrix-vector products a frame.
        depthwise: whether every row has a window of its own.
        simd: elements that a lane takes a cycle.
        lanes: of each kind; their sum is PE.
        memory: style of the weight memory, which lanes that hold their weights do not have.
        rows: of each scheme.
        window: the sliding window, where there is one.
        pixels: neighbouring pixels of a row that go into the layer in a cycle.
        threshold_pe: channels whose sums are compared with thresholds at a time, 0 where none
            follow.
        serial_thresholds: style of the memory from which a channel's are compared one a cycle;
            "none" where a pipeline compares a channel a cycle.
    """

    name: str
    mw: Positive
    mh: Positive
    vectors: Positive
    depthwise: bool = False
    simd: Positive
    lanes: Lanes
    memory: Literal["auto", "distributed", "block"] = "auto"
    rows: dict[str, Count]
    window: WindowPlan | None = None
    pixels: Literal[1, 2, 4, 8] = 1
    threshold_pe: Count = 0
    serial_thresholds: Literal["none", "distributed", "block"] = "none"
