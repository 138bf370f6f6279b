"""Resources of a dataflow design, module by module."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from msq_finn.synth.resources import Resources
from msq_finn.synth.yosys import Synthesis, run

#: Ports of FINN's modules that a design leaves alone: choice of a weight set, occupancy of FIFOs;
#: and, unless it rewrites weights or thresholds at run time, their configuration (AXI-lite).
UNUSED_PORTS = (
    "s_axis_set_*",
    "s_axis_0_t*",
    "count",
    "maxcount",
)
CONFIGURATION_PORTS = ("s_axilite_*",)


@dataclass(frozen=True)
class NodeSpec:
    """A module to measure.

    Attributes:
        name: of the node.
        top: its top module.
        sources: its files.
        include_dirs: where its headers are.
        unused_ports: patterns of ports that the design does not use.
    """

    name: str
    top: str
    sources: Sequence[Path | str]
    include_dirs: Sequence[Path | str] = ()
    unused_ports: Sequence[str] = UNUSED_PORTS + CONFIGURATION_PORTS


def synthesize_nodes(
    nodes: Sequence[NodeSpec],
    jobs: int = 2,
    progress: Callable[[int, int], None] | None = None,
    part: str = "xc7z020clg400-1",
) -> dict[str, Synthesis]:
    """Synthesise every node on its own; equal ones are synthesised once.

    Args:
        nodes: what to synthesise.
        jobs: runs at a time.
        progress: called with the nodes done and their number after each.
        part: FPGA part.

    Returns:
        runs by the node's name, in the order of ``nodes``.

    Raises:
        MsqError: a node does not synthesise; the others are not waited for.
    """
    found: dict[str, Synthesis] = {}
    with ThreadPoolExecutor(jobs) as pool:
        runs = {pool.submit(_synthesize, node, part): node.name for node in nodes}
        try:
            for done in as_completed(runs):
                found[runs[done]] = done.result()
                if progress is not None:
                    progress(len(found), len(nodes))
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
    return {node.name: found[node.name] for node in nodes}


def measure_nodes(
    nodes: Sequence[NodeSpec],
    jobs: int = 2,
    progress: Callable[[int, int], None] | None = None,
    part: str = "xc7z020clg400-1",
) -> dict[str, Resources]:
    """Count what every node takes, as :func:`synthesize_nodes` builds it.

    Args:
        nodes: what to measure.
        jobs: runs at a time.
        progress: called with the nodes done and their number after each.
        part: FPGA part.

    Returns:
        resources by the node's name, in the order of ``nodes``.

    Raises:
        MsqError: see `synthesize_nodes`.
    """
    runs = synthesize_nodes(nodes, jobs, progress, part)
    return {name: done.resources for name, done in runs.items()}


def _synthesize(node: NodeSpec, part: str) -> Synthesis:
    return run(
        node.top,
        node.sources,
        part=part,
        include_dirs=node.include_dirs,
        unused_ports=node.unused_ports,
    )
