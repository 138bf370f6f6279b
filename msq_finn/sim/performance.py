"""The figures of FINN's ``step_measure_rtlsim_performance``, from a simulation."""

from __future__ import annotations

from typing import Any

import numpy as np

from msq_finn.errors import MsqError
from msq_finn.sim.axi_streams import Result


def performance(name: str, result: Result, frames: int, clk_ns: float) -> dict[str, Any]:
    """Put a run's timing into the words of ``rtlsim_performance.json``.

    Args:
        name: of the design.
        result: of a run at full speed.
        frames: how many frames went through; each gives equally many words on a stream.
        clk_ns: clock period in ns.

    Returns:
        one entry of FINN's list: ``cycles`` of the run, ``samples`` (frames), and per output
        stream ``latency_cycles`` to the end of the first frame and ``intervals``, the mean cycles
        between frames in the run's second half; ``throughput_fps`` at the first interval. A
        single frame has no interval but its latency.

    Raises:
        MsqError: the words cannot be shared out to the frames.
    """
    latencies, intervals = [], []
    for stream, cycles in result.output_cycles.items():
        if frames < 1 or len(cycles) % frames:
            raise MsqError(f"{len(cycles)} words of {stream} are not {frames} frames", where=name)
        ends = cycles.reshape(frames, -1)[:, -1]
        settled = ends[(frames - 1) // 2 :]
        latencies.append(int(ends[0]))
        intervals.append(round(float(np.diff(settled).mean())) if frames > 1 else int(ends[0]))
    return {
        "name": name,
        "cycles": result.cycles,
        "samples": frames,
        "intervals": intervals,
        "latency_cycles": latencies,
        "throughput_fps": 1e9 / clk_ns / intervals[0],
    }
