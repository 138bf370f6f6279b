"""The plan file: the decisions for every layer, for people to read and edit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import Field, ValidationError

from msq_finn.errors import MsqError
from msq_finn.files import write
from msq_finn.plan.file.checks import check, first_fault
from msq_finn.plan.file.layer_plan import LayerPlan, Strict
from msq_finn.plan.file.strict_yaml import read_yaml
from msq_finn.plan.frontend.request import CLK_NS

#: Version of the format.
VERSION = 2


class Shares(Strict):
    """Shares of the board's resources that the plan may take.

    Attributes:
        lut: of LUT sites.
        dsp: of DSP slices.
        bram: of block RAMs.
        lutram: of the LUT sites that can be memory.
        ff: of flip-flops.
    """

    lut: Annotated[float, Field(gt=0, le=1)]
    dsp: Annotated[float, Field(gt=0, le=1)]
    bram: Annotated[float, Field(gt=0, le=1)]
    lutram: Annotated[float, Field(gt=0, le=1)] = 1.0
    ff: Annotated[float, Field(gt=0, le=1)] = 1.0


class Plan(Strict):
    """A network's plan for a board.

    Attributes:
        version: of the format.
        network: the model's file name, or the function's name.
        board: as asked for.
        part: its device.
        clk_ns: clock period in ns.
        budget: shares that were allowed.
        not_planned: layers that stay FINN's, and concatenations; they are in no figure.
        layers: in the network's order.

    >>> Plan.model_fields["version"].default
    2
    """

    version: Literal[2] = 2
    network: str
    board: str
    part: str
    clk_ns: Annotated[float, Field(gt=0)]
    budget: Shares
    not_planned: list[str] = Field(default_factory=list)
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
        content = read_yaml(path)
        if not isinstance(content, dict):
            raise MsqError("not a plan; make one with 'msq-finn plan'", where=path)
        version = content.get("version")
        if type(version) is not int or version != VERSION:
            # A list of aliases of aliases would take for ever to print.
            shown = type(version).__name__ if isinstance(version, list | dict) else repr(version)
            raise MsqError(
                f"version: {shown[:40]} is not supported, only {VERSION}; make the plan again",
                field="version",
                value=version,
                where=path,
            )
        try:
            plan = cls.model_validate(content)
        except ValidationError as error:
            raise first_fault(path, content, error) from error
        if not CLK_NS[0] <= plan.clk_ns <= CLK_NS[1]:
            limits = f"{CLK_NS[0]:g} to {CLK_NS[1]:g} ns"
            raise MsqError(
                f"clk_ns: {plan.clk_ns:g} is not within {limits}",
                field="clk_ns",
                value=plan.clk_ns,
                where=path,
            )
        for layer in plan.layers:
            check(layer, str(path))
        plan._check_names(str(path))
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
                f"board: {self.board}, but the build is for {board}; "
                f"give --board {self.board}, or plan again",
                field="board",
                value=self.board,
                where=path,
            )
        if part != self.part:
            raise MsqError(
                f"part: {self.part}, but {board} has {part}; plan again",
                field="part",
                value=self.part,
                where=path,
            )

    def _check_names(self, path: str) -> None:
        names = list(self.names())
        for name in names:
            if names.count(name) > 1:
                raise MsqError(
                    "name: another layer has it as well",
                    field="name",
                    where=f"{path}: layer {name}",
                )
