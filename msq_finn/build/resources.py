"""Resources of every node of a stitched design, from synthesis."""

from __future__ import annotations

from msq_finn.build.progress import Progress, silent
from msq_finn.build.stitch import Stitched
from msq_finn.synth.network import NodeSpec, measure_nodes
from msq_finn.synth.resources import Resources


def measure(design: Stitched, part: str, progress: Progress = silent) -> dict[str, Resources]:
    """Synthesise the design's modules one by one.

    A layer's weight memory is synthesised beside it and booked as ``<layer>_weights``. The sum over
    all is what the network takes; nothing is optimised across modules.

    Args:
        design: stitched design.
        part: FPGA part.
        progress: told of finished modules.

    Returns:
        resources per module name.

    Raises:
        MsqError: a module does not synthesise, or Yosys does not map to the part.
        MissingToolError: no Yosys.
    """
    specs = [NodeSpec(name, top, sources) for name, top, sources in design.parts]
    return measure_nodes(
        specs,
        part=part,
        progress=lambda done, total: progress("Synthesis (Yosys)", done, total),
    )
