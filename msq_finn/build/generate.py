"""From an exported QONNX model to generated RTL."""

from __future__ import annotations

from pathlib import Path

from msq_finn.lowering.lower import (
    Lowered,
    Target,
    configure,
    lowered_of,
    open_source,
    resolve,
    run_steps,
)
from msq_finn.progress import Progress, silent


def generate(
    source: Path,
    target: Target,
    folder: Path,
    progress: Progress = silent,
    stop_before: str | None = None,
) -> Lowered:
    """Run the build steps up to generated RTL.

    Args:
        source: exported QONNX model.
        target: board, clock and throughput.
        folder: for intermediate models, reports and generated RTL; must not move afterwards,
            because generated Verilog names its memory files by absolute path.
        progress: told of every step.
        stop_before: name of the first step that is not to be run.

    Returns:
        the lowered network, its FIFOs not yet sized.

    Raises:
        MsqError: bad model, unknown board, a row that no scheme holds, a node without RTL.
    """
    config = configure(source, target, folder)
    from msq_finn.build.steps import DATAFLOW_STEPS

    steps = [resolve(step) for step in DATAFLOW_STEPS]
    if stop_before is not None:
        steps = steps[: [name for name, _ in steps].index(stop_before)]
    return lowered_of(run_steps(open_source(source, folder), config, steps, progress), config)
