"""Run images through the stitched RTL and compare with the exported model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from qonnx.custom_op.registry import getCustomOp
from qonnx.util.cleanup import cleanup_model

from msq_finn.build.end_ports import input_ports, output_port, output_ports
from msq_finn.build.run_time import contents, stale_images
from msq_finn.build.stitched import TOP, Stitched
from msq_finn.lowering.ends import Ends, each, frames, image, mapped, stacked, together
from msq_finn.lowering.host_side import Host
from msq_finn.lowering.lower import Lowered, logged
from msq_finn.lowering.model_checks import data_inputs
from msq_finn.progress import Progress, silent
from msq_finn.sim import axi_streams

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Simulation:
    """Result of a simulation; a tuple of arrays where there are several inputs or outputs.

    Attributes:
        outputs: what the network gives after the host's last operations, [images, ...].
        cycles_per_image: steady-state interval between finished images, in clock cycles.
        latency: cycles from the first input word to the first finished image.
        inputs: what the accelerator read, [images, ...].
        raw: what it gave, [images, ...].
        result: words and cycles of the run.
    """

    outputs: Ends
    cycles_per_image: float
    latency: int
    inputs: Ends
    raw: Ends
    result: axi_streams.Result


def reference_outputs(source: Path, images: Ends, progress: Progress = silent) -> Ends:
    """Run the exported QONNX model in qonnx, one image at a time.

    Args:
        images: network inputs without the batch axis, [images, ...].
        progress: told of finished images.

    Returns:
        network outputs, [images, ...].
    """
    model = cleanup_model(ModelWrapper(str(source)))
    names = [info.name for info in data_inputs(model.graph)]
    outputs = [info.name for info in model.graph.output]
    results, count = [], frames(images)
    for index in range(count):
        progress("QONNX reference", index, count)
        given = (array[None] for array in each(image(images, index)))
        found = execute_onnx(model, dict(zip(names, given, strict=True)))
        results.append(together(found[output][0] for output in outputs))
    progress("QONNX reference", count, count)
    return stacked(results, np.stack)


def accelerator_inputs(lowered: Lowered, images: Ends) -> Ends:
    """What the host sends into the accelerator, [images, ...] integers.

    Args:
        images: network inputs, [images, ...].
    """
    host = Host(lowered.parent)
    sent = (host.before(image(images, slice(i, i + 1))) for i in range(frames(images)))
    return stacked(
        (mapped(lambda array: np.rint(array[0]).astype(np.int64), given) for given in sent),
        np.stack,
    )


def run_accelerator(
    model: ModelWrapper,
    design: Stitched,
    inputs: Ends,
    *,
    stall_in: float = 0.0,
    stall_out: float = 0.0,
    seed: int = 0,
    waveform: Path | None = None,
    progress: Progress = silent,
    stage: str = "RTL simulation",
) -> tuple[Ends, axi_streams.Result]:
    """Stream integers through the stitched design.

    Args:
        model: the dataflow partition.
        design: its stitched RTL.
        inputs: accelerator inputs, [images, ...].
        stall_in: probability that the source pauses in a cycle.
        stall_out: probability that the sink pauses in a cycle.
        seed: of the pauses.
        waveform: VCD file to write, with every signal of the design.
        progress: told of finished words.
        stage: what the run is called there.

    Returns:
        integer outputs [images, ...], and the simulator's own result, with the words of the
        design's taps.

    Raises:
        MsqError: the design starves, stops itself or does not compile.
        MissingToolError: no Verilator, or no C++ compiler.
    """
    sinks, count = output_ports(model), frames(inputs)
    given = packed(model, inputs)
    per_image = {f"out{index}_V": port.words for index, port in enumerate(sinks)}
    wanted = {name: words * count for name, words in per_image.items()}
    taps = {port: output_port(model, tensor).words for tensor, port in design.taps.items()}
    progress(f"{stage}: compiling", 0, sum(wanted.values()))
    expected = sum(int(getCustomOp(node).get_exp_cycles()) for node in model.graph.node)
    result = axi_streams.simulate(
        TOP,
        design.sources,
        given,
        {**wanted, **{port: words * count for port, words in taps.items()}},
        before=_preparation(model, image(inputs, slice(1)), per_image | taps),
        stall_in=stall_in,
        stall_out=stall_out,
        seed=seed,
        probes=tuple(design.probes.values()),
        defines=design.defines,
        waveform=waveform,
        max_idle_cycles=1_000_000 + 4 * expected,
        progress=lambda done, total: progress(stage, done, total),
    )
    return together(
        port.integers(result.outputs[f"out{index}_V"], count) for index, port in enumerate(sinks)
    ), result


def packed(model: ModelWrapper, inputs: Ends) -> dict[str, axi_streams.Words]:
    """Integers as the words of the accelerator's input streams, by name.

    Args:
        model: the dataflow partition.
        inputs: accelerator inputs, [images, ...].
    """
    return {
        f"in{index}_V": axi_streams.pack(array.reshape(-1, port.elements), port.kind.bitwidth())
        for index, (array, port) in enumerate(zip(each(inputs), input_ports(model), strict=True))
    }


def _preparation(
    model: ModelWrapper, first: Ends, words: Mapping[str, int]
) -> axi_streams.Preparation:
    """What a board's driver does with a network whose memories the processor writes.

    It writes them, and runs images that use up what the memories have sent before.

    Args:
        first: an image to run.
        words: of an image, by output stream.
    """
    written = contents(model)
    if not written:
        return axi_streams.Preparation()
    stale = stale_images(model)
    images = {name: np.tile(sent, (stale, 1)) for name, sent in packed(model, first).items()}
    return axi_streams.Preparation(
        {f"s_axilite_{name}": values for name, values in written.items()},
        images,
        {name: count * stale for name, count in words.items()},
    )


def simulate(
    lowered: Lowered,
    design: Stitched,
    images: Ends,
    progress: Progress = silent,
    waveform: Path | None = None,
) -> Simulation:
    """Run images through host operations and RTL at full speed.

    Args:
        images: network inputs without the batch axis, [images, ...], two or more.
        progress: told of simulated words.
        waveform: VCD file to write.

    Raises:
        MsqError: the design starves, stops itself or does not compile.
        MissingToolError: no Verilator, or no C++ compiler.
    """
    with logged(lowered.folder / "sim.log"):
        inputs = accelerator_inputs(lowered, images)
        raw, result = run_accelerator(
            lowered.model, design, inputs, waveform=waveform, progress=progress
        )
        outputs = finished_by_host(lowered, raw)
    finished = finish_times(result, frames(images))
    began = min(cycles[0] for cycles in result.input_cycles.values())
    return Simulation(
        outputs=outputs,
        cycles_per_image=steady_interval(finished),
        latency=int(finished[0] - began),
        inputs=inputs,
        raw=raw,
        result=result,
    )


def finished_by_host(lowered: Lowered, raw: Ends) -> Ends:
    """What the host's last operations make of the accelerator's outputs, [images, ...].

    Args:
        lowered: the network.
        raw: the accelerator's outputs, [images, ...].
    """
    host = Host(lowered.parent)
    outputs = (host.after(host.shaped(image(raw, i))) for i in range(frames(raw)))
    return stacked((image(output, 0) for output in outputs), np.stack)


def finish_times(result: axi_streams.Result, images: int) -> IntArray:
    """Cycle in which each image's last output word left, [images].

    Args:
        result: of a simulation.
        images: how many it was of.
    """
    ends = [
        cycles.reshape(images, -1)[:, -1]
        for stream, cycles in result.output_cycles.items()
        if stream.startswith("out")
    ]
    return np.max(ends, axis=0)


def steady_interval(finished: Sequence[int] | IntArray) -> float:
    """Mean interval between the images of the second half, when every FIFO has filled.

    Args:
        finished: cycles in which images were done, [images], two or more, ascending.

    >>> steady_interval([100, 130, 180, 230, 280])
    50.0
    >>> steady_interval([100, 130])
    30.0
    """
    settled = np.asarray(finished)[min(len(finished) // 2, len(finished) - 2) :]
    return float(settled[-1] - settled[0]) / max(1, len(settled) - 1)


def executed(lowered: Lowered, inputs: Ends) -> Ends:
    """What the dataflow graph computes when FINN executes it node by node, without RTL.

    Args:
        inputs: accelerator inputs, [images, ...].

    Returns:
        integer outputs, [images, ...].
    """
    model = executable(lowered)
    sinks = [info.name for info in model.graph.output]
    contexts = (tensors(model, image(inputs, i)) for i in range(frames(inputs)))
    found = [together(context[sink][0] for sink in sinks) for context in contexts]
    return mapped(lambda array: array.astype(np.int64), stacked(found, np.stack))


def executable(lowered: Lowered) -> ModelWrapper:
    """A copy of the dataflow graph that FINN executes node by node, without RTL."""
    from finn.transformation.fpgadataflow.set_exec_mode import SetExecMode

    return lowered.model.transform(SetExecMode("cppsim"), make_deepcopy=True)


def tensors(model: ModelWrapper, inputs: Ends) -> dict[str, FloatArray]:
    """All tensors of a dataflow graph's execution, by name.

    Args:
        model: of `executable`.
        inputs: of the accelerator for an image, of its shape behind the batch axis.
    """
    given = {
        info.name: array.reshape(model.get_tensor_shape(info.name)).astype(np.float32)
        for info, array in zip(model.graph.input, each(inputs), strict=True)
    }
    context: dict[str, FloatArray] = execute_onnx(model, given, return_full_exec_context=True)
    return context
