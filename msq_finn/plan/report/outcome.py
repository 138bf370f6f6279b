"""What a plan comes to: cycles, resources, totals and reasons, beside the decisions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import yaml
from pydantic import Field

from msq_finn.errors import MsqError
from msq_finn.files import write
from msq_finn.plan.cost.cost_model import Cost
from msq_finn.plan.file.layer_plan import Count, Lanes, Positive, Strict
from msq_finn.plan.file.schema import Plan

#: Resources, as messages call them.
RESOURCE_NAMES = {
    "lut": "LUTs",
    "dsp": "DSP slices",
    "bram": "block RAMs",
    "lutram": "LUTs that can be memory",
    "ff": "flip-flops",
}


class PlannedResources(Strict):
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
    def of(cls, cost: Cost) -> PlannedResources:
        """Round a cost.

        Args:
            cost: as predicted.
        """
        lut, lutram, ff = (float(round(x)) for x in (cost.lut, cost.lutram, cost.ff))
        return cls(lut=lut, dsp=int(cost.dsp), bram36=float(cost.bram), lutram=lutram, ff=ff)


class Alternative(Strict):
    """Another folding of a layer.

    Attributes:
        simd: as in LayerPlan, like the next two.
        lanes: of each kind.
        memory: style of the weight memory, "embedded" for none.
        cycles: a frame.
        resources: of the layer.
        fps: frames per second of the network with it.
        fits: whether the network would be within the budget.
        change: resources beyond those of the layer's plan.
    """

    simd: Positive
    lanes: Lanes
    memory: str
    cycles: Positive
    resources: PlannedResources
    fps: Annotated[float, Field(gt=0)]
    fits: bool
    change: str


class LayerOutcome(Strict):
    """What the decisions for a layer come to.

    Attributes:
        name: of the layer.
        cycles: a frame.
        resources: with everything around the lanes.
        why: what decided.
        next_best: alternatives as fast that save something, then the next slower one.
    """

    name: str
    cycles: Positive
    resources: PlannedResources
    why: str
    next_best: list[Alternative] = Field(default_factory=list)


class NodeOutcome(Strict):
    """What a node comes to that is no layer of lanes.

    Attributes:
        name: FINN's, of the node.
        what: it is, for people.
        pe: elements a cycle; of a matrix-vector layer of FINN's own, lanes.
        simd: elements that such a lane takes a cycle, 1 for others.
        cycles: a frame.
        resources: with a FIFO and a width converter.
    """

    name: str
    what: str
    pe: Positive
    simd: Positive
    cycles: Positive
    resources: PlannedResources


class Totals(Strict):
    """The whole network at the plan's clock.

    Attributes:
        cycles: a frame, of the slowest node.
        fps: frames a second; what the processor takes is not in it.
        gops: operations a second, in 10^9; a product and its sum are two.
        resources: of all nodes.
        bottleneck: the slowest node's name, or layer's, with the part of it that is slow unless
            that is its lanes; of several, a node that cannot be faster.
        limited_by: the resource, or what else, that keeps it from being faster.
        bound_fps: frames a second that no plan within the budget can exceed.
    """

    cycles: Positive
    fps: Annotated[float, Field(gt=0)]
    gops: Annotated[float, Field(gt=0)]
    resources: PlannedResources
    bottleneck: str
    limited_by: str
    bound_fps: Annotated[float, Field(gt=0)]


class Outcome(Strict):
    """A plan with what it comes to.

    Attributes:
        plan: the decisions.
        totals: the whole network.
        layers: in the plan's order.
        nodes: that are no layers.
        on_host: layers that the processor computes, for people.
    """

    plan: Plan
    totals: Totals
    layers: list[LayerOutcome]
    nodes: list[NodeOutcome] = Field(default_factory=list)
    on_host: list[str] = Field(default_factory=list)

    def __getitem__(self, name: str) -> LayerOutcome:
        """What a layer comes to.

        Raises:
            MsqError: there is no such layer.
        """
        for layer in self.layers:
            if layer.name == name:
                return layer
        raise MsqError(f"the plan has no layer {name!r}")

    def save(self, path: Path) -> Path:
        """Write the plan, and beside it what it comes to.

        Returns:
            the path of the report, such as ``plan.report.yaml`` beside ``plan.yaml``.
        """
        self.plan.save(path)
        report = path.with_name(f"{path.stem}.report.yaml")
        content = self.model_dump(exclude={"plan"})
        write(report, str(yaml.safe_dump(content, sort_keys=False, width=100)))
        return report
