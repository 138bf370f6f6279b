"""Every inner tensor of the hardware, as its words pass from node to node."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from qonnx.core.modelwrapper import ModelWrapper

from msq_finn.build.end_ports import output_port
from msq_finn.build.simulate import run_accelerator
from msq_finn.build.stitch import stitch
from msq_finn.lowering.ends import Ends, frames, image
from msq_finn.lowering.lower import Lowered
from msq_finn.progress import Progress

IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Seen:
    """What was seen of some images.

    Attributes:
        outputs: of the accelerator, [images, ...].
        tensors: per inner tensor its integers, [images, ...].
    """

    outputs: Ends
    tensors: dict[str, IntArray]


def watch(lowered: Lowered, inputs: Ends, keep: Sequence[int], progress: Progress) -> Seen:
    """Simulate images with all inner streams in view.

    Args:
        lowered: the network, its FIFOs sized.
        inputs: accelerator inputs, [images, ...].
        keep: positions of the images to report on.
        progress: told of simulated words.

    Raises:
        MsqError: the design starves, stops itself or does not compile.
        MissingToolError: no Verilator, or no C++ compiler.
    """
    model, folder = lowered.model, lowered.folder / "tapped"
    folder.mkdir(exist_ok=True)
    design = stitch(model, folder, taps=inner_tensors(model))
    raw, result = run_accelerator(model, design, inputs, progress=progress)
    kept = list(keep)
    return Seen(
        outputs=image(raw, kept),
        tensors={
            tensor: output_port(model, tensor).integers(result.outputs[port], frames(inputs))[kept]
            for tensor, port in design.taps.items()
        },
    )


def inner_tensors(model: ModelWrapper) -> list[str]:
    """Streams of integers between two nodes, in the order of the graph.

    Args:
        model: a dataflow partition.
    """
    ends = {info.name for info in model.graph.output}
    return [
        tensor
        for node in model.graph.node
        for tensor in node.output
        if tensor not in ends and model.get_tensor_datatype(tensor).is_integer()
    ]
