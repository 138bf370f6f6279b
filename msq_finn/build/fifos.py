"""FIFO depths from simulation, in place of FINN's Vivado-only sizing."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from qonnx.custom_op.registry import getCustomOp

from msq_finn.build.end_ports import input_ports
from msq_finn.build.simulate import finish_times, run_accelerator, steady_interval
from msq_finn.build.stitch import stitch
from msq_finn.build.stitched import Stitched
from msq_finn.lowering.cycles import node_cycles, predicted_interval
from msq_finn.lowering.ends import together
from msq_finn.lowering.lower import Lowered, logged
from msq_finn.ops.streaming.backend import StreamingRTL
from msq_finn.plan.frontend.windows import WINDOW_WORDS, words_before_lanes
from msq_finn.progress import Progress, silent
from msq_finn.transforms.insert_converters import CONVERTER

#: Depth of FIFOs that are to show what they need, if a few frames have as many words; the most that
#: FINN's have. What waits for a branch that goes down several scales and up again is most of a map.
_DEEP = 32768

#: Attempts: how many frames to size with, up to which depth a FIFO is left out, and the most words
#: behind windows. A FIFO that never held two words mostly only delayed one; one that did must stay,
#: RTL nodes have none of their own.
_ATTEMPTS = ((8, 1, WINDOW_WORDS), (8, 1, _DEEP), (32, 0, _DEEP))

#: Beginnings of the types of window generators, and of what may be between them and lanes.
_WINDOWS, _PASSING = "ConvolutionInputGenerator", ("StreamingFIFO", "StreamingDataWidth")

#: The smallest FIFO that FINN's fifo.sv builds.
_LEAST_DEPTH = 2

#: Slower than predicted by more than this, a layer has a FIFO too shallow or a wrong prediction.
_TOLERANCE = 1.02


def size_fifos(lowered: Lowered, folder: Path, progress: Progress = silent) -> dict[str, int]:
    """Give every FIFO the depth that a run at full rate needs, and regenerate its RTL.

    FINN's own (transformation/fpgadataflow/set_fifo_depths.py) does so with Vivado's simulator.
    What a stream carries does not change when it moves: the runs are of control alone.

    The network runs with FIFOs that never fill, its input held to the rate of the slowest layer; a
    FIFO's depth is the most words it held. FIFOs that never held two words go, but for those that
    let lanes go on (`_lets_go_on`), and those behind windows are kept shallow. A run with the
    depths found shows whether they are enough; if they are not, windows may wait too, and then more
    frames are looked at.

    Args:
        lowered: network with a FIFO on every stream; its model is changed in place.
        folder: for the designs that are run.
        progress: told of simulated words.

    Returns:
        depth in words per remaining FIFO.

    Raises:
        MsqError: the design starves or does not compile.
        MissingToolError: no Verilator, or no C++ compiler.
    """
    folder.mkdir(parents=True, exist_ok=True)
    interval = float(predicted_interval(lowered.model))
    with_all_fifos = lowered.model.model.SerializeToString()
    limits = (_most_words(lowered.model, fifo, WINDOW_WORDS) for fifo in _fifos(lowered))
    shallow = any(limit < _DEEP for limit in limits)
    attempts = _ATTEMPTS if shallow else _ATTEMPTS[1:]
    with logged(lowered.folder / "sim.log"):
        for count, needless, windows in attempts:
            lowered.model.model.ParseFromString(with_all_fifos)
            reached, held = _most_held(lowered, folder, interval, count, windows, progress)
            if reached > _TOLERANCE * interval:
                if windows < _DEEP:
                    continue
                # Some node is slower than it says: hold the input to what can be reached.
                interval = reached
                _, held = _most_held(lowered, folder, interval, count, windows, progress)
            depths = _apply(lowered, held, needless, interval)
            sized = stitch(lowered.model, folder, control_only=True)
            if _run(lowered, sized, count, progress)[0] <= _TOLERANCE * interval:
                break
    return depths


def _fifos(lowered: Lowered) -> list[Any]:
    return [n for n in lowered.model.graph.node if n.op_type.startswith("StreamingFIFO")]


def _behind(model: Any, node: Any) -> tuple[Any, list[Any]]:
    """The node that a node reads from, or None, and FIFOs and converters on the way."""
    passed, before = [], model.find_producer(node.input[0])
    while before is not None and before.op_type.startswith(_PASSING):
        passed.append(before)
        before = model.find_producer(before.input[0])
    return before, passed


def _most_words(model: Any, fifo: Any, windows: int) -> int:
    """Words that a FIFO may have: windows, or parts of them, may as well wait as pixels.

    Args:
        model: with every FIFO.
        fifo: one of them.
        windows: that may wait behind a generator of FINN's; all where as many as there are.
    """
    node, passed = _behind(model, fifo)
    slowest = max((node_cycles(getCustomOp(each)) for each in passed), default=0)
    if windows >= _DEEP or node is None or not node.op_type.startswith(_WINDOWS):
        return _DEEP
    op = getCustomOp(node)
    if isinstance(op, StreamingRTL):
        # Counted in windows: the vectors of converters are shorter.
        vectors, shape = math.prod(op.windows().out), getCustomOp(fifo).get_folded_output_shape()
        words, cycles = math.prod(shape[:-1]) // vectors, max(slowest, node_cycles(op)) / vectors
        return words_before_lanes(words, cycles)
    reads_on = op.get_nodeattr("parallel_window") or max(op.get_nodeattr("Stride")) == 1
    return windows if reads_on else _DEEP


def _most_held(
    lowered: Lowered,
    folder: Path,
    interval: float,
    frames: int,
    windows: int,
    progress: Progress,
) -> tuple[float, dict[str, int]]:
    """Run with deep FIFOs: the steady interval, and the most words that each FIFO held."""
    for node in _fifos(lowered):
        op = getCustomOp(node)
        words = int(np.prod(op.get_folded_output_shape()[:-1]))
        most = _most_words(lowered.model, node, windows)
        _set_depth(lowered, op, min(most, max(32, 4 * words)))
    deep = stitch(lowered.model, folder, frame_interval=math.ceil(interval), control_only=True)
    return _run(lowered, deep, frames, progress)


def _run(
    lowered: Lowered, design: Stitched, frames: int, progress: Progress
) -> tuple[float, dict[str, int]]:
    """Simulate: the steady interval, and the most words that each FIFO held."""
    ports = input_ports(lowered.model)
    inputs = together(np.zeros((frames, *port.shape), np.int64) for port in ports)
    _, result = run_accelerator(
        lowered.model, design, inputs, progress=progress, stage="FIFO sizing"
    )
    held = {fifo: int(result.probes[port]) for fifo, port in design.probes.items()}
    return steady_interval(finish_times(result, frames)), held


def _waits_in_ring(model: Any, fifo: Any) -> bool:
    """Whether what a FIFO holds may wait in our window generator, and a converter has a word."""
    source, sink = model.find_producer(fifo.input[0]), model.find_consumer(fifo.output[0])
    return (
        source is not None
        and source.op_type.startswith("ConvolutionInputGeneratorPadded")
        and sink is not None
        and sink.op_type == CONVERTER
    )


def _lets_go_on(model: Any, fifo: Any, interval: float) -> bool:
    """Whether a node is fast enough only as its words need not wait for a search of thresholds.

    A search has its word to the end; lanes stand still as long as theirs is not taken. Windows with
    a stride come in bursts, for which there is less time than a frame takes.

    Args:
        model: with every FIFO.
        fifo: one of them.
        interval: cycles that there are for a frame.
    """
    source, sink = model.find_producer(fifo.input[0]), model.find_consumer(fifo.output[0])
    if source is None or sink is None or sink.op_type != "ThresholdingSerial_rtl":
        return False
    words = math.prod(getCustomOp(fifo).get_folded_output_shape()[:-1])
    waiting = node_cycles(getCustomOp(sink)) - words
    before, _ = _behind(model, source)
    bursts = (
        before is not None
        and before.op_type.startswith(_WINDOWS)
        and max(getCustomOp(before).get_nodeattr("Stride")) > 1
    )
    cycles = node_cycles(getCustomOp(source)) + waiting
    return waiting > 0 and (bursts or cycles > _TOLERANCE * interval)


def _apply(
    lowered: Lowered, held: dict[str, int], needless: int, interval: float
) -> dict[str, int]:
    depths = {name: max(n, _LEAST_DEPTH) for name, n in held.items() if n > needless}
    for node in _fifos(lowered):
        if _waits_in_ring(lowered.model, node):
            depths.pop(node.name, None)
        elif _lets_go_on(lowered.model, node, interval):
            depths.setdefault(node.name, _LEAST_DEPTH)
    for node in _fifos(lowered):
        if node.name in depths:
            _set_depth(lowered, getCustomOp(node), depths[node.name])
        else:
            _remove(lowered.model, node)
    return depths


def _set_depth(lowered: Lowered, op: Any, depth: int) -> None:
    op.set_nodeattr("depth", depth)
    config = lowered.config
    op.generate_hdl(lowered.model, config._resolve_fpga_part(), config.synth_clk_period_ns)


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
