"""The stages of a build, and the builder steps that each runs."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from msq_finn.errors import MissingToolError, MsqError

#: In order; each needs those before it, but for `GATE`, which only runs where it is the last.
STAGES = ("estimate", "hardware", "simulate", "synth", "gate", "bitfile", "deploy")

#: Simulation of the netlist: it shows something, and makes nothing that later stages need.
GATE = "gate"

#: What FINN takes for Vivado's version in the name of its folder (finn/xsi).
_VERSION = re.compile(r"\b20\d{2}\.[12]\b")

#: What separates words in Tcl and in a shell, of characters that other stages take.
_SEPARATORS = re.compile(r"[\s\[\]{}();&|<>'*?#]")


def has_vivado() -> bool:
    """Whether FINN finds Vivado."""
    return bool(os.environ.get("XILINX_VIVADO"))


def check_vivado(until: str) -> None:
    """Refuse a stage that this Vivado, or the lack of one, does not let run.

    Where Vivado is set FINN reads the version from its folder's name.

    Args:
        until: last stage to run, one of `STAGES`.

    Raises:
        MissingToolError: ``XILINX_VIVADO`` is not set, and a bitfile is asked for.
        MsqError: it is set to something else than a Vivado.
    """
    if not has_vivado():
        if until != "bitfile":
            return
        raise MissingToolError(
            "a bitfile needs Vivado, but XILINX_VIVADO is not set; source Vivado's settings64.sh, "
            "or build --until synth, or --until deploy for a package that lacks the bitfile"
        )
    folder = Path(os.environ["XILINX_VIVADO"])
    if not _VERSION.search(str(folder)) or not folder.is_dir():
        raise MsqError(
            f"XILINX_VIVADO={folder} is no folder of a Vivado, such as /opt/Xilinx/Vivado/2024.2; "
            "source Vivado's settings64.sh, or unset XILINX_VIVADO to build without Vivado"
        )


def check_folder(until: str, folder: Path) -> None:
    """Refuse a folder whose name FINN's scripts for Vivado would take for several words.

    Args:
        until: last stage to run, one of `STAGES`.
        folder: the build's.

    Raises:
        MsqError: it is such a folder, and Vivado is to run.
    """
    name = str(folder.resolve())
    if "step_msq_bitfile" in stage_steps(until) and _SEPARATORS.search(name):
        raise MsqError(
            "FINN's scripts for Vivado take no spaces, brackets or semicolons in a path; "
            "choose another --out",
            where=name,
        )


def stages_before(stage: str, until: str) -> tuple[str, ...]:
    """Stages that run before one, in a build.

    Args:
        stage: one of `STAGES`.
        until: the build's last stage.

    >>> stages_before("bitfile", "deploy")
    ('estimate', 'hardware', 'simulate', 'synth')
    """
    earlier = STAGES[: STAGES.index(stage)]
    return tuple(name for name in earlier if name != GATE or until == GATE)


def stage_steps(until: str) -> dict[str, Any]:
    """Steps up to the end of a stage: name to function, or to FINN's name.

    Without Vivado the stage ``deploy`` does without a bitfile.

    Args:
        until: one of `STAGES`.
    """
    return steps_of((*stages_before(until, until), until))


def steps_of(stages: Iterable[str]) -> dict[str, Any]:
    """Steps of some stages, as of :func:`stage_steps`.

    Args:
        stages: of `STAGES`, in order.
    """
    from msq_finn.build import gate
    from msq_finn.build import hardware_steps as hardware
    from msq_finn.build.steps import DATAFLOW_STEPS

    named = {step if isinstance(step, str) else step.__name__: step for step in DATAFLOW_STEPS}
    position = list(named).index("step_generate_estimate_reports") + 1
    names = list(named)
    by_stage: dict[str, list[Any]] = {
        "estimate": [named[name] for name in names[:position]],
        "hardware": [*(named[name] for name in names[position:]), hardware.step_msq_stitch],
        "simulate": [hardware.step_msq_size_fifos, hardware.step_msq_simulate],
        "synth": [hardware.step_msq_synthesize],
        GATE: [gate.step_msq_gate],
        "bitfile": [hardware.step_msq_bitfile] if has_vivado() else [],
        "deploy": [hardware.step_msq_deploy],
    }
    steps = [step for stage in stages for step in by_stage[stage]]
    return {step if isinstance(step, str) else step.__name__: step for step in steps}
