"""The RTL's values of a network's quantizers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from msq_finn.build.reopen import check_simulated, reopen
from msq_finn.build.simulate import accelerator_inputs
from msq_finn.build.verdict.observe import Observations
from msq_finn.build.verdict.reference import Reference
from msq_finn.build.verdict.taps import watch
from msq_finn.errors import MsqError
from msq_finn.lowering.ends import Ends, frames
from msq_finn.lowering.lower import logged
from msq_finn.progress import Progress, silent

IntArray = NDArray[np.int64]


class Levels(NamedTuple):
    """A quantizer in the RTL beside the exported model.

    Attributes:
        values: how many were seen.
        differ: how many of them differ.
    """

    values: int
    differ: int


def seen_in_rtl(
    out: Path,
    source: Path,
    images: Ends,
    levels: Mapping[str, IntArray],
    progress: Progress = silent,
) -> dict[str, Levels]:
    """Simulate a build's design with its inner streams in view.

    Args:
        out: the build's output folder.
        source: the exported model.
        images: network inputs, [images, ...] each.
        levels: per quantizer's output the exported model's integers, [images, ...].
        progress: told of simulated words.

    Returns:
        per quantizer's output what was seen; those that FINN merged into others are left out.

    Raises:
        MsqError: no simulated build of this model is there.
        MissingToolError: no Verilator, or no C++ compiler.
    """
    check_simulated(out)
    if (out / "model.onnx").read_bytes() != source.read_bytes():
        raise MsqError(f"the build is of another model than {source}", where=str(out))
    lowered = reopen(out, "trace")
    reference = Reference(source)
    with logged(lowered.folder / "sim.log"):
        inputs = accelerator_inputs(lowered, images)
        seen = watch(lowered, inputs, range(frames(images)), progress)
    found: dict[str, Levels] = {}
    for number in range(frames(images)):
        inner = {name: values[number] for name, values in seen.tensors.items()}
        observations = Observations(lowered.model, reference, inner)
        for output, expected in levels.items():
            for _, hardware in observations.of(output, expected[number][None]):
                values, differ = found.get(output, Levels(0, 0))
                wrong = int((hardware != expected[number][None]).sum())
                found[output] = Levels(values + hardware.size, differ + wrong)
    return found
