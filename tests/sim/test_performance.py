import numpy as np
import pytest

from msq_finn.errors import MsqError
from msq_finn.sim.axi_streams import Result
from msq_finn.sim.performance import performance


def run(*last_words):
    """A run of frames of two words, the second at the given cycles."""
    cycles = np.array([[cycle - 1, cycle] for cycle in last_words]).ravel()
    return Result({}, int(cycles[-1]) + 1, {"out0_V": cycles}, {}, {})


def test_figures_of_a_pipeline_that_settles():
    # Frames 0 to 4; the first interval is shorter, while FIFOs fill.
    assert performance("net", run(100, 130, 180, 230, 280), 5, 10.0) == {
        "name": "net",
        "cycles": 281,
        "samples": 5,
        "intervals": [50],
        "latency_cycles": [100],
        "throughput_fps": 2e6,
    }


def test_a_single_frame_counts_its_latency():
    assert performance("net", run(100), 1, 10.0)["intervals"] == [100]


def test_words_must_make_whole_frames():
    with pytest.raises(MsqError, match="net: 4 words of out0_V are not 3 frames"):
        performance("net", run(100, 130), 3, 10.0)
