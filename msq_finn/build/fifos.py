"""FIFO depths from simulation, in place of FINN's Vivado-only sizing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from qonnx.custom_op.registry import getCustomOp

from msq_finn.build.lower import Lowered, logged
from msq_finn.build.progress import Progress, silent
from msq_finn.build.simulate import IntArray, run_accelerator
from msq_finn.build.stitch import stitch

#: Up to this depth a FIFO is one shift-register LUT a bit, so smaller ones save nothing.
_FREE_DEPTH = 2
_DEEP = 4096


def size_fifos(
    lowered: Lowered, frames: IntArray, folder: Path, progress: Progress = silent
) -> dict[str, int]:
    """Give every FIFO the depth that a run at full rate needs, and regenerate its RTL.

    The network runs once with FIFOs that never fill, its input held to the rate of the slowest
    layer; a FIFO's depth is the most words it held. FIFOs that never held more than two words go.

    Args:
        lowered: network with a FIFO on every stream; its model is changed in place.
        frames: accelerator inputs to size with, [frames, ...].
        folder: for the deep design.
        progress: told of simulated words.

    Returns:
        depth per remaining FIFO.
    """
    model = lowered.model
    fifos = [n for n in model.graph.node if n.op_type.startswith("StreamingFIFO")]
    with logged(lowered.folder / "sim.log"):
        for node in fifos:
            op = getCustomOp(node)
            words = int(np.prod(op.get_folded_output_shape()[:-1]))
            _set_depth(lowered, op, min(_DEEP, max(32, words * len(frames))))
        folder.mkdir(parents=True, exist_ok=True)
        deep = stitch(model, folder, frame_interval=predicted_interval(model))
        _, result = run_accelerator(model, deep, frames, progress=progress)
        depths = {node.name: int(result.probes[deep.probes[node.name]]) for node in fifos}
        for node in fifos:
            if depths[node.name] <= _FREE_DEPTH:
                _remove(model, node)
                del depths[node.name]
            else:
                _set_depth(lowered, getCustomOp(node), depths[node.name])
    return depths


def predicted_interval(model: Any) -> int:
    """Cycles per frame of the slowest layer, from its folding."""
    return max(int(getCustomOp(node).get_exp_cycles()) for node in model.graph.node)


def _set_depth(lowered: Lowered, op: Any, depth: int) -> None:
    op.set_nodeattr("depth", depth)
    op.generate_hdl(
        lowered.model, lowered.config._resolve_fpga_part(), lowered.config.synth_clk_period_ns
    )


def _remove(model: Any, node: Any) -> None:
    """Take a FIFO out of its stream."""
    source, sink = node.input[0], node.output[0]
    consumer = model.find_consumer(sink)
    if consumer is not None:
        for index, tensor in enumerate(consumer.input):
            if tensor == sink:
                consumer.input[index] = source
    else:
        producer = model.find_producer(source)
        producer.output[list(producer.output).index(source)] = sink
    model.graph.node.remove(node)
