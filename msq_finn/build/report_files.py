"""What builder steps leave for each other, and what is read from it."""

from __future__ import annotations

import json
from itertools import count, takewhile
from pathlib import Path
from typing import Any

import numpy as np

from msq_finn.build.output import DIFFERENCE
from msq_finn.errors import MsqError
from msq_finn.lowering.ends import Ends, each, together
from msq_finn.synth.resources import Resources

#: Files of the report folder.
SIMULATION, RESOURCES, PERFORMANCE = (
    "msq_simulation.json",
    "msq_resources.json",
    "rtlsim_performance.json",
)

#: Images, what the accelerator read and gave for them, and the network's outputs.
REFERENCE = "msq_reference.npz"

#: Every signal of the simulated images, where they are asked for.
WAVEFORM = "msq_simulation.vcd"


def refuse_faults(report: Path) -> None:
    """Let nothing be made of hardware that computes something else than the exported model.

    Args:
        report: the build's report folder; without a simulation in it nothing is refused.

    Raises:
        MsqError: the simulation found faults.
    """
    file = report / SIMULATION
    faults = json.loads(file.read_text())["faults"] if file.exists() else []
    if faults:
        raise MsqError(
            f"the RTL is not the exported model: image {faults[0]['image']} differs at "
            f"{faults[0]['node']}, see {report / DIFFERENCE}; do not use this design, and please "
            "report it"
        )


def read_resources(report: Path) -> dict[str, Resources]:
    """Read what :func:`msq_finn.build.hardware_steps.step_msq_synthesize` found, per module.

    Args:
        report: the build's report folder.

    Raises:
        OSError: that step has not run.
    """
    found = json.loads((report / RESOURCES).read_text())
    return {name: Resources(**value) for name, value in found.items()}


def save_ends(path: Path, **values: Ends) -> None:
    """Write values of a network's inputs and outputs.

    Args:
        path: of the ``.npz``.
        values: by what they are called; of several inputs or outputs the name gets the number
            behind it, as in ``outputs1``.
    """
    arrays: dict[str, Any] = {
        name if len(each(ends)) == 1 else f"{name}{number}": array
        for name, ends in values.items()
        for number, array in enumerate(each(ends))
    }
    np.savez_compressed(path, **arrays)


def load_ends(path: Path, name: str) -> Ends:
    """Read values of a network's inputs or outputs.

    Args:
        path: of the ``.npz``.
        name: as given to `save_ends`.
    """
    with np.load(path) as file:
        if name in file:
            return file[name]
        numbered = takewhile(file.__contains__, (f"{name}{number}" for number in count()))
        return together([file[key] for key in numbered])
