"""The plan file: lanes, folding and rows of every layer, for people to read and edit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from msq_finn.build.output import write
from msq_finn.errors import MsqError
from msq_finn.plan.cost import Cost
from msq_finn.plan.network import Network
from msq_finn.rtl.embedded import MAX_FOLDS

#: Version of the format.
VERSION = 1

Count = Annotated[int, Field(ge=0)]
Positive = Annotated[int, Field(ge=1)]
Memory = Literal["distributed", "block", "embedded"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Lanes(_Strict):
    """Lanes (PE) of each kind, in the order of the hardware."""

    sp2_4_lut: Count
    fixed_4_lut: Count
    fixed_4_dsp: Count
    embedded_lut: Count = 0

    @property
    def pe(self) -> int:
        """Lanes of all kinds."""
        return self.sp2_4_lut + self.fixed_4_lut + self.fixed_4_dsp + self.embedded_lut


class Rows(_Strict):
    """Rows (output channels) of each scheme."""

    sp2_4: Count
    fixed_4: Count


class Resources(_Strict):
    """Predicted resources: LUT sites, DSP slices, block RAMs of 36 kbit."""

    lut: Annotated[float, Field(ge=0)]
    dsp: Count
    bram36: Annotated[float, Field(ge=0)]

    @classmethod
    def of(cls, cost: Cost) -> Resources:
        """Round a cost."""
        return cls(lut=float(round(cost.lut)), dsp=int(cost.dsp), bram36=float(cost.bram))


class Window(_Strict):
    """The sliding window before a layer: channels a cycle, whole windows or not, its memory."""

    simd: Positive
    parallel: bool
    memory: Literal["distributed", "block"]


class Alternative(_Strict):
    """Another folding of a layer, and what it changes."""

    simd: Positive
    lanes: Lanes
    memory: Memory
    cycles: Positive
    resources: Resources


class LayerPlan(_Strict):
    """One layer.

    Attributes:
        name: of the layer (of its node, where the plan was made from a model).
        mw: columns of the weight matrix.
        mh: rows.
        vectors: matrix-vector products a frame.
        simd: elements that a lane takes a cycle.
        lanes: of each kind; their sum is PE.
        memory: style of the weight memory; "embedded" where all lanes hold their weights.
        rows: of each scheme.
        sp2_ratio: share of SP2 rows, for training.
        window: the sliding window, where there is one.
        threshold_pe: thresholds compared a cycle, 0 where none follow.
        cycles: a frame.
        resources: with everything around the lanes.
        why: what decided.
        next_best: the closest alternatives, cheapest first.
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


class Plan(_Strict):
    """A network's plan for a board.

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

        Raises:
            MsqError: no such file, no plan, another version, or a folding hardware cannot have.
        """
        path = Path(path)
        try:
            content = yaml.safe_load(path.read_text())
        except (OSError, UnicodeDecodeError) as error:
            raise MsqError(f"{path}: cannot be read; give a plan of 'msq-finn plan'") from error
        except yaml.YAMLError as error:
            raise MsqError(f"{path}: not YAML ({_first_line(error)})") from error
        if not isinstance(content, dict):
            raise MsqError(f"{path}: not a plan; make one with 'msq-finn plan'")
        if content.get("version") != VERSION:
            raise MsqError(
                f"{path}: version: {content.get('version')!r} is not supported, only {VERSION}; "
                "make the plan again"
            )
        try:
            plan = cls.model_validate(content)
        except ValidationError as error:
            raise MsqError(f"{path}: {_where(content, error)}") from error
        for layer in plan.layers:
            check(layer, str(path))
        plan._check_names(str(path))
        return plan

    def save(self, path: Path | str) -> None:
        """Write the plan, whole or not at all."""
        write(Path(path), self.to_yaml())

    def to_yaml(self) -> str:
        """The plan as YAML."""
        return str(yaml.safe_dump(self.model_dump(), sort_keys=False, width=100))

    def check_board(self, board: str, path: str) -> None:
        """Check that the plan is for a board.

        Raises:
            MsqError: it is for another.
        """
        if board != self.board:
            raise MsqError(
                f"{path}: board: {self.board}, but the build is for {board}; "
                f"give --board {self.board}, or plan again"
            )

    def _check_names(self, path: str) -> None:
        names = list(self.names())
        for name in names:
            if names.count(name) > 1:
                raise MsqError(f"{path}: layer {name}: name: another layer has it as well")


def check(layer: LayerPlan, path: str) -> None:
    """Check that a layer's figures fit each other.

    Raises:
        MsqError: they do not; the message names layer and field.
    """

    def refuse(field: str, why: str) -> MsqError:
        return MsqError(f"{path}: layer {layer.name}: {field}: {why}")

    pe, lanes, rows = layer.lanes.pe, layer.lanes, layer.rows
    if layer.mw % layer.simd:
        raise refuse("simd", f"{layer.simd} does not divide MW = {layer.mw}")
    if pe == 0 or layer.mh % pe:
        raise refuse("lanes", f"their sum {pe} does not divide MH = {layer.mh}")
    depth = layer.mh // pe
    if rows.sp2_4 + rows.fixed_4 != layer.mh:
        raise refuse("rows", f"sum to {rows.sp2_4 + rows.fixed_4}, but MH = {layer.mh}")
    if (lanes.embedded_lut == pe) != (layer.memory == "embedded"):
        raise refuse("memory", f"{layer.memory} does not suit {lanes.embedded_lut} embedded lanes")
    if lanes.embedded_lut and (layer.mw // layer.simd) * depth > MAX_FOLDS:
        raise refuse(
            "lanes",
            f"a vector takes {layer.mw // layer.simd * depth} cycles; embedded lanes hold the "
            f"weights of {MAX_FOLDS}",
        )
    # Embedded lanes take what rows the others leave.
    least, most = (lanes.sp2_4_lut * depth, (lanes.sp2_4_lut + lanes.embedded_lut) * depth)
    if not least <= rows.sp2_4 <= most:
        raise refuse(
            "rows",
            f"{rows.sp2_4} SP2 rows do not fill {lanes.sp2_4_lut} SP2 lanes of {depth} rows each",
        )
    if abs(layer.sp2_ratio - rows.sp2_4 / layer.mh) > 1e-3:
        raise refuse("sp2_ratio", f"{layer.sp2_ratio} is not {rows.sp2_4} of {layer.mh} rows")
    if layer.threshold_pe and layer.mh % layer.threshold_pe:
        raise refuse("threshold_pe", f"{layer.threshold_pe} does not divide MH = {layer.mh}")
    fastest = layer.vectors * (layer.mw // layer.simd) * depth
    if layer.cycles < fastest:
        raise refuse("cycles", f"{layer.cycles}, but this folding takes {fastest} at least")


def fits_network(plan: Plan, network: Network, path: str) -> None:
    """Check that a plan is for a network whose layers come in the same order.

    Raises:
        MsqError: another number of layers, or a layer of another shape or other rows.
    """
    if len(plan.layers) != len(network.layers):
        raise MsqError(
            f"{path}: layers: {len(plan.layers)}, but the model has {len(network.layers)} 4-bit "
            "ones; it is for another network, plan again"
        )
    for planned, layer in zip(plan.layers, network.layers, strict=True):
        allowed, where = layer.allowed, f"{path}: layer {planned.name}"
        for name in ("mw", "mh", "vectors"):
            mine, real = getattr(planned, name), getattr(layer, name)
            if mine != real:
                raise MsqError(f"{where}: {name}: {mine}, but the model's is {real}; plan again")
        rows = planned.rows
        if planned.memory == "embedded":
            continue
        if rows.sp2_4 < allowed.only_sp2 or rows.fixed_4 < allowed.only_fixed:
            raise MsqError(
                f"{where}: rows: {rows.sp2_4} SP2 and {rows.fixed_4} fixed, but the weights need "
                f"at least {allowed.only_sp2} and {allowed.only_fixed}; train with the plan's "
                "sp2_ratio, or plan again from this model"
            )


def _first_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]


def _where(content: dict[str, Any], error: ValidationError) -> str:
    """The first thing that is wrong, with the layer's name instead of its number."""
    first = error.errors()[0]
    place = list(first["loc"])
    text = ""
    if len(place) > 1 and place[0] == "layers" and isinstance(place[1], int):
        entry = content["layers"][place[1]]
        name = entry.get("name", place[1]) if isinstance(entry, dict) else place[1]
        text, place = f"layer {name}: ", place[2:]
    return f"{text}{'.'.join(str(p) for p in place)}: {first['msg'].lower()}"
