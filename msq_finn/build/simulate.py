"""Run images through the stitched RTL and compare with the exported model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from qonnx.custom_op.registry import getCustomOp
from qonnx.util.cleanup import cleanup_model

from msq_finn.build.stitched import TOP, Stitched
from msq_finn.errors import MsqError
from msq_finn.lowering.host_side import Host
from msq_finn.lowering.lower import Lowered, logged
from msq_finn.progress import Progress, silent
from msq_finn.sim import axi_streams

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Simulation:
    """Result of a simulation.

    Attributes:
        outputs: what the network gives after the host's last operations, [images, ...].
        cycles_per_image: steady-state interval between finished images, in clock cycles.
        latency: cycles from the first input word to the first finished image.
        inputs: what the accelerator read, [images, ...].
        raw: what it gave, [images, ...].
        result: words and cycles of the run.
    """

    outputs: FloatArray
    cycles_per_image: float
    latency: int
    inputs: IntArray
    raw: IntArray
    result: axi_streams.Result


def reference_outputs(source: Path, images: FloatArray, progress: Progress = silent) -> FloatArray:
    """Run the exported QONNX model in qonnx, one image at a time.

    Args:
        source: exported model.
        images: network inputs without the batch axis, [images, ...].
        progress: told of finished images.

    Returns:
        network outputs, [images, ...].
    """
    model = cleanup_model(ModelWrapper(str(source)))
    name, output = model.graph.input[0].name, model.graph.output[0].name
    results = []
    for index, image in enumerate(images):
        progress("QONNX reference", index, len(images))
        results.append(execute_onnx(model, {name: image[None]})[output][0])
    progress("QONNX reference", len(images), len(images))
    return np.stack(results)


def accelerator_inputs(lowered: Lowered, images: FloatArray) -> IntArray:
    """What the host sends into the accelerator, [images, ...] integers.

    Args:
        images: network inputs, [images, ...].
    """
    host = Host(lowered.parent)
    return np.stack([np.rint(host.before(image[None])[0]).astype(np.int64) for image in images])


def run_accelerator(
    model: ModelWrapper,
    design: Stitched,
    inputs: IntArray,
    *,
    stall_in: float = 0.0,
    stall_out: float = 0.0,
    seed: int = 0,
    waveform: Path | None = None,
    progress: Progress = silent,
    stage: str = "RTL simulation",
) -> tuple[IntArray, axi_streams.Result]:
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
    nodes = model.graph.node
    first = getCustomOp(model.find_consumer(model.graph.input[0].name))
    last = getCustomOp(model.find_producer(model.graph.output[0].name))
    in_type, out_type = first.get_input_datatype(0), last.get_output_datatype(0)
    in_elements = first.get_folded_input_shape()[-1]
    out_fold = last.get_folded_output_shape()
    out_words = int(np.prod(out_fold[:-1])) * len(inputs)
    taps = {port: words_per_image(model, tensor) for tensor, port in design.taps.items()}
    progress(f"{stage}: compiling", 0, out_words)
    result = axi_streams.simulate(
        TOP,
        design.sources,
        {"in0_V": axi_streams.pack(inputs.reshape(-1, in_elements), in_type.bitwidth())},
        {"out0_V": out_words, **{port: n * len(inputs) for port, n in taps.items()}},
        stall_in=stall_in,
        stall_out=stall_out,
        seed=seed,
        probes=tuple(design.probes.values()),
        defines=design.defines,
        waveform=waveform,
        max_idle_cycles=1_000_000 + 4 * sum(int(getCustomOp(n).get_exp_cycles()) for n in nodes),
        progress=lambda done, total: progress(stage, done, total),
    )
    words = axi_streams.unpack(
        result.outputs["out0_V"], out_type.bitwidth(), out_fold[-1], out_type.signed()
    )
    return words.reshape(len(inputs), *last.get_normal_output_shape()[1:]), result


def words_per_image(model: ModelWrapper, tensor: str) -> int:
    """How many words a tensor's stream has.

    Args:
        model: a dataflow partition.
        tensor: of it, with a producer.
    """
    producer = model.find_producer(tensor)
    folded = getCustomOp(producer).get_folded_output_shape(list(producer.output).index(tensor))
    return int(np.prod(folded[:-1]))


def simulate(
    lowered: Lowered,
    design: Stitched,
    images: FloatArray,
    progress: Progress = silent,
    waveform: Path | None = None,
) -> Simulation:
    """Run images through host operations and RTL at full speed.

    Args:
        design: its stitched RTL.
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
    finished = finish_times(result, len(images))
    return Simulation(
        outputs=outputs,
        cycles_per_image=steady_interval(finished),
        latency=int(finished[0] - result.input_cycles["in0_V"][0]),
        inputs=inputs,
        raw=raw,
        result=result,
    )


def finished_by_host(lowered: Lowered, raw: IntArray) -> FloatArray:
    """What the host's last operations make of the accelerator's outputs, [images, ...].

    Args:
        lowered: the network.
        raw: the accelerator's outputs, [images, ...].
    """
    host = Host(lowered.parent)
    shape = lowered.parent.get_tensor_shape(host.accelerator_output)
    return np.stack([host.after(r.reshape(shape).astype(np.float32))[0] for r in raw])


def finish_times(result: axi_streams.Result, images: int) -> IntArray:
    """Cycle in which each image's last output word left, [images].

    Args:
        result: of a simulation.
        images: how many it was of.
    """
    return result.output_cycles["out0_V"].reshape(images, -1)[:, -1]


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


def executed(lowered: Lowered, inputs: IntArray) -> IntArray:
    """What the dataflow graph computes when FINN executes it node by node, without RTL.

    Args:
        inputs: accelerator inputs, [images, ...].

    Returns:
        integer outputs, [images, ...].
    """
    model = executable(lowered)
    sink = model.graph.output[0].name
    return np.stack([tensors(model, image)[sink][0] for image in inputs]).astype(np.int64)


def executable(lowered: Lowered) -> ModelWrapper:
    """A copy of the dataflow graph that FINN executes node by node, without RTL."""
    from finn.transformation.fpgadataflow.set_exec_mode import SetExecMode

    return lowered.model.transform(SetExecMode("cppsim"), make_deepcopy=True)


def tensors(model: ModelWrapper, image: IntArray) -> dict[str, FloatArray]:
    """All tensors of a dataflow graph's execution, by name.

    Args:
        model: of `executable`.
        image: accelerator input, of its shape behind the batch axis.
    """
    source = model.graph.input[0].name
    given = image.reshape(model.get_tensor_shape(source)).astype(np.float32)
    context: dict[str, FloatArray] = execute_onnx(
        model, {source: given}, return_full_exec_context=True
    )
    return context


def differ(
    outputs: FloatArray | IntArray, reference: FloatArray | IntArray, step: FloatArray | float
) -> NDArray[np.bool_]:
    """Images for which the two disagree in any output, [images].

    The accelerator's outputs are integers times ``step``. Different integers are a step or more
    apart, equal ones only as far as the host's and the reference's rounding.

    Args:
        outputs: what the accelerator and the host made of the images, [images, ...].
        reference: what they should be, [images, ...].
        step: what an integer is worth in the outputs: a scalar, or one per output of an image.

    Raises:
        MsqError: the shapes differ.

    >>> differ(np.array([[0.5, 1.0]] * 2), np.array([[0.5000001, 1.0], [0.5, 1.5]]), 0.5).tolist()
    [False, True]
    """
    if outputs.shape != reference.shape:
        raise MsqError(
            f"outputs of shape {outputs.shape[1:]}, where the exported model has "
            f"{reference.shape[1:]}"
        )
    apart = np.abs(np.asarray(outputs, dtype=np.float64) - reference)
    wrong: NDArray[np.bool_] = np.any((apart >= step / 2).reshape(len(outputs), -1), axis=1)
    return wrong


def mismatches(outputs: FloatArray, reference: FloatArray, step: FloatArray | float) -> int:
    """Count the images for which the two disagree in any output.

    Args:
        outputs: [images, ...], as of `differ`.
        reference: [images, ...], likewise.
        step: a scalar or of shape (channels,), likewise.

    >>> mismatches(np.array([[0.5, 1.0]]), np.array([[0.5, 1.5]]), 0.5)
    1
    """
    return int(differ(outputs, reference, step).sum())
