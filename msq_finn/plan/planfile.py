"""The plan file: lanes, folding and rows of every layer, for people to read and edit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from msq_finn.build.output import write
from msq_finn.errors import MsqError
from msq_finn.plan.cost import Cost
from msq_finn.plan.plan_checks import check, first_fault, first_line
from msq_finn.plan.request import CLK_NS

#: Version of the format.
VERSION = 1

Count = Annotated[int, Field(ge=0, lt=2**63)]
Positive = Annotated[int, Field(ge=1, lt=2**63)]
Memory = Literal["distributed", "block", "embedded"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Lanes(_Strict):
    """Lanes (PE) of each kind, in the order of the hardware.

    Depthwise layers have DSP lanes of their own, which take integers of 5 or of 8 bits, so that all
    rows of 4-bit schemes lie on either.
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


class Rows(_Strict):
    """Rows (output channels) of each scheme."""

    sp2_4: Count
    fixed_4: Count


class Resources(_Strict):
    """Predicted resources: LUT sites (of them memory), DSP slices, block RAMs, flip-flops."""

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


class Window(_Strict):
    """The sliding window before a layer: channels a cycle, whole windows or not, its memory."""

    simd: Positive
    parallel: bool
    memory: Literal["distributed", "block"]


class Alternative(_Strict):
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


class LayerPlan(_Strict):
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


class Totals(_Strict):
    """The whole network at the plan's clock."""

    cycles: Positive
    fps: Annotated[float, Field(gt=0)]
    gops: Annotated[float, Field(gt=0)]
    resources: Resources
    bottleneck: str
    limited_by: str
    bound_fps: Annotated[float, Field(gt=0)]


class Shares(_Strict):
    """Shares of the board's resources that the plan may take."""

    lut: Annotated[float, Field(gt=0, le=1)]
    dsp: Annotated[float, Field(gt=0, le=1)]
    bram: Annotated[float, Field(gt=0, le=1)]
    lutram: Annotated[float, Field(gt=0, le=1)] = 1.0
    ff: Annotated[float, Field(gt=0, le=1)] = 1.0


class Plan(_Strict):
    """A network's plan for a board.

    Layers that stay FINN's, ``not_planned``, are in no figure.

    >>> Plan.model_fields["version"].default
    1
    """

    version: Literal[1] = 1
    network: str
    board: str
    part: str
    clk_ns: Annotated[float, Field(gt=0)]
    budget: Shares
    totals: Totals
    not_planned: list[str] = []
    layers: list[LayerPlan]

    def __getitem__(self, name: str) -> LayerPlan:
        """The plan of a layer.

        Raises:
            MsqError: there is no such layer.
        """
        for layer in self.layers:
            if layer.name == name:
                return layer
        known = ", ".join(layer.name for layer in self.layers)
        raise MsqError(f"the plan has no layer {name!r}; it has {known}")

    def names(self) -> Iterator[str]:
        """Names of the layers, in their order."""
        return (layer.name for layer in self.layers)

    @classmethod
    def load(cls, path: Path | str) -> Plan:
        """Read and check a plan.

        Args:
            path: of the file.

        Raises:
            MsqError: no such file, no plan, another version, or a folding hardware cannot have.
        """
        path = Path(path)
        if path.exists() and not path.is_file():
            raise MsqError(f"{path}: is no file; give a plan of 'msq-finn plan'")
        try:
            content = yaml.safe_load(path.read_text())
        except (OSError, UnicodeDecodeError) as error:
            raise MsqError(f"{path}: cannot be read; give a plan of 'msq-finn plan'") from error
        except yaml.YAMLError as error:
            raise MsqError(f"{path}: not YAML ({first_line(error)})") from error
        except (ValueError, RecursionError) as error:  # dates, numbers and nesting beyond reason
            raise MsqError(f"{path}: not a plan ({type(error).__name__} in its YAML)") from error
        if not isinstance(content, dict):
            raise MsqError(f"{path}: not a plan; make one with 'msq-finn plan'")
        version = content.get("version")
        if type(version) is not int or version != VERSION:
            # A list of aliases of aliases would take for ever to print.
            shown = type(version).__name__ if isinstance(version, list | dict) else repr(version)
            raise MsqError(
                f"{path}: version: {shown[:40]} is not supported, only {VERSION}; "
                "make the plan again"
            )
        try:
            plan = cls.model_validate(content)
        except ValidationError as error:
            raise MsqError(f"{path}: {first_fault(content, error)}") from error
        if not CLK_NS[0] <= plan.clk_ns <= CLK_NS[1]:
            limits = f"{CLK_NS[0]:g} to {CLK_NS[1]:g} ns"
            raise MsqError(f"{path}: clk_ns: {plan.clk_ns:g} is not within {limits}")
        for layer in plan.layers:
            check(layer, str(path))
        plan._check_names(str(path))
        plan._check_totals(str(path))
        return plan

    def save(self, path: Path | str) -> None:
        """Write the plan, whole or not at all.

        Args:
            path: of the file.
        """
        write(Path(path), self.to_yaml())

    def to_yaml(self) -> str:
        """The plan as YAML."""
        return str(yaml.safe_dump(self.model_dump(), sort_keys=False, width=100))

    def check_board(self, board: str, part: str, path: str) -> None:
        """Check that the plan is for a board.

        Args:
            board: that the build is for.
            part: the board's FPGA part.
            path: of the plan, for errors.

        Raises:
            MsqError: it is for another.
        """
        if board != self.board:
            raise MsqError(
                f"{path}: board: {self.board}, but the build is for {board}; "
                f"give --board {self.board}, or plan again"
            )
        if part != self.part:
            raise MsqError(f"{path}: part: {self.part}, but {board} has {part}; plan again")

    def _check_names(self, path: str) -> None:
        names = list(self.names())
        for name in names:
            if names.count(name) > 1:
                raise MsqError(f"{path}: layer {name}: name: another layer has it as well")

    def _check_totals(self, path: str) -> None:
        slowest = max((layer.cycles for layer in self.layers), default=0)
        if self.totals.cycles != slowest:
            raise MsqError(
                f"{path}: totals: cycles: {self.totals.cycles}, but the slowest layer takes "
                f"{slowest}; give the same"
            )
        if self.totals.bottleneck not in self.names():
            raise MsqError(f"{path}: totals: bottleneck: no layer is {self.totals.bottleneck!r}")
