"""What a plan says of a layer: lanes, folding, rows, resources."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from msq_finn.plan.cost import Cost

Count = Annotated[int, Field(ge=0, lt=2**63)]
Positive = Annotated[int, Field(ge=1, lt=2**63)]
Memory = Literal["distributed", "block", "embedded"]


class Strict(BaseModel):
    """Takes no keys and no types but its own."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Lanes(Strict):
    """Lanes (PE) of each kind, in the order of the hardware.

    Depthwise layers have DSP lanes of their own, which take integers of 5 or of 8 bits, so that all
    rows of 4-bit schemes lie on either.

    Attributes:
        sp2_4_lut: shift and add in LUTs, for SP2(4).
        fixed_4_lut: multiply in LUTs, for Fixed(4).
        fixed_4_dsp: multiply in DSP slices, for Fixed(4).
        embedded_lut: hold their weights as constants, for any scheme.
        fixed_5_dsp: of depthwise layers.
        fixed_8_dsp: of depthwise layers.
    """

    sp2_4_lut: Count
    fixed_4_lut: Count
    fixed_4_dsp: Count
    embedded_lut: Count = 0
    fixed_5_dsp: Count = 0
    fixed_8_dsp: Count = 0

    @property
    def pe(self) -> int:
        """Lanes of all kinds."""
        dense = self.sp2_4_lut + self.fixed_4_lut + self.fixed_4_dsp + self.embedded_lut
        return dense + self.depthwise_dsp

    @property
    def depthwise_dsp(self) -> int:
        """DSP lanes that only depthwise layers have."""
        return self.fixed_5_dsp + self.fixed_8_dsp


class Rows(Strict):
    """Rows (output channels) of each scheme.

    Attributes:
        sp2_4: rows of SP2(4).
        fixed_4: rows of Fixed(4).
    """

    sp2_4: Count
    fixed_4: Count


class Resources(Strict):
    """Predicted resources.

    Attributes:
        lut: LUT sites.
        dsp: DSP slices.
        bram36: block RAMs of 36 kbit.
        lutram: the LUT sites among ``lut`` that are memory or shift registers.
        ff: flip-flops.
    """

    lut: Annotated[float, Field(ge=0)]
    dsp: Count
    bram36: Annotated[float, Field(ge=0)]
    lutram: Annotated[float, Field(ge=0)] = 0.0
    ff: Annotated[float, Field(ge=0)] = 0.0

    @classmethod
    def of(cls, cost: Cost) -> Resources:
        """Round a cost.

        Args:
            cost: as predicted.
        """
        lut, lutram, ff = (float(round(x)) for x in (cost.lut, cost.lutram, cost.ff))
        return cls(lut=lut, dsp=int(cost.dsp), bram36=float(cost.bram), lutram=lutram, ff=ff)


class Window(Strict):
    """The sliding window before a layer.

    Attributes:
        simd: channels a cycle.
        parallel: whether it gives whole windows.
        memory: style of its buffer.
    """

    simd: Positive
    parallel: bool
    memory: Literal["distributed", "block"]


class Alternative(Strict):
    """Another folding of a layer.

    Attributes:
        simd: as in LayerPlan, like the next four.
        lanes: of each kind.
        memory: style of the weight memory.
        cycles: a frame.
        resources: of the layer.
        fps: frames per second of the network with it.
        fits: whether the network would be within the budget.
        change: resources beyond those of the layer's plan.
    """

    simd: Positive
    lanes: Lanes
    memory: Memory
    cycles: Positive
    resources: Resources
    fps: Annotated[float, Field(gt=0)]
    fits: bool
    change: str


class LayerPlan(Strict):
    """One layer.

    Attributes:
        name: of the layer (of its node, where the plan was made from a model).
        mw: columns of the weight matrix; of a depthwise layer, elements of a window.
        mh: rows; of a depthwise layer, channels.
        vectors: matrix-vector products a frame.
        simd: elements that a lane takes a cycle.
        lanes: of each kind; their sum is PE.
        memory: style of the weight memory; "embedded" where all lanes hold their weights.
        rows: of each scheme.
        sp2_ratio: share of SP2 rows, for training.
        window: the sliding window, where there is one.
        threshold_pe: thresholds compared a cycle, 0 where none follow.
        depthwise: whether every row has a window of its own.
        cycles: a frame.
        resources: with everything around the lanes.
        why: what decided.
        next_best: alternatives as fast whose resources are nearest, then the next slower one.
    """

    name: str
    mw: Positive
    mh: Positive
    vectors: Positive
    simd: Positive
    lanes: Lanes
    memory: Memory
    rows: Rows
    sp2_ratio: Annotated[float, Field(ge=0, le=1)]
    window: Window | None = None
    threshold_pe: Count = 0
    depthwise: bool = False
    cycles: Positive
    resources: Resources
    why: str = ""
    next_best: list[Alternative] = []
