"""Netlists and resources of every node of a stitched design, from synthesis."""

from __future__ import annotations

from msq_finn.build.stitched import Stitched
from msq_finn.progress import Progress, silent
from msq_finn.synth.module_resources import (
    CONFIGURATION_PORTS,
    UNUSED_PORTS,
    NodeSpec,
    synthesize_nodes,
)
from msq_finn.synth.resources import Resources
from msq_finn.synth.yosys import Synthesis


def synthesize(design: Stitched, part: str, progress: Progress = silent) -> dict[str, Synthesis]:
    """Synthesise the design's modules one by one.

    A layer's weight memory is synthesised beside it, as ``<layer>_weights``. Nothing is optimised
    across modules.

    Args:
        design: stitched design.
        part: FPGA part.
        progress: told of finished modules.

    Returns:
        runs per module name.

    Raises:
        MsqError: a module does not synthesise, or Yosys does not map to the part.
        MissingToolError: no Yosys.
    """
    specs = [
        NodeSpec(
            name,
            top,
            sources,
            unused_ports=UNUSED_PORTS + (() if name in design.writeable else CONFIGURATION_PORTS),
        )
        for name, top, sources in design.parts
    ]
    return synthesize_nodes(
        specs,
        part=part,
        progress=lambda done, total: progress("Synthesis (Yosys)", done, total),
    )


def measure(design: Stitched, part: str, progress: Progress = silent) -> dict[str, Resources]:
    """Count what the design's modules take; the sum over all is what the network takes.

    Args:
        design: stitched design.
        part: FPGA part.
        progress: told of finished modules.

    Returns:
        resources per module name.

    Raises:
        MsqError: see :func:`synthesize`.
        MissingToolError: no Yosys.
    """
    runs = synthesize(design, part, progress)
    return {name: run.resources for name, run in runs.items()}
