"""Resources of a dataflow design, module by module."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from msq_finn.synth.resources import Resources
from msq_finn.synth.yosys import synthesize

#: Ports of FINN's modules that a design leaves alone unless it rewrites weights or thresholds at
#: run time: configuration (AXI-lite), choice of a weight set, occupancy of FIFOs.
UNUSED_PORTS = (
    "s_axilite_*",
    "s_axis_set_*",
    "s_axis_0_t*",
    "count",
    "maxcount",
)


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
    unused_ports: Sequence[str] = UNUSED_PORTS


def measure_nodes(
    nodes: Sequence[NodeSpec],
    jobs: int = 2,
    progress: Callable[[int, int], None] | None = None,
    part: str = "xc7z020clg400-1",
) -> dict[str, Resources]:
    """Synthesise every node on its own; equal ones are synthesised once.

    Args:
        nodes: what to measure.
        jobs: runs at a time.
        progress: called with the nodes done and their number after each.
        part: FPGA part.

    Returns:
        resources by the node's name, in the order of ``nodes``.

    Raises:
        MsqError: a node does not synthesise; the others are not waited for.
    """
    found: dict[str, Resources] = {}
    with ThreadPoolExecutor(jobs) as pool:
        runs = {pool.submit(_measure, node, part): node.name for node in nodes}
        try:
            for run in as_completed(runs):
                found[runs[run]] = run.result()
                if progress is not None:
                    progress(len(found), len(nodes))
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
    return {node.name: found[node.name] for node in nodes}


def _measure(node: NodeSpec, part: str) -> Resources:
    return synthesize(
        node.top,
        node.sources,
        part=part,
        include_dirs=node.include_dirs,
        unused_ports=node.unused_ports,
    )
