"""Tell ties from faults where RTL and exported model differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from qonnx.core.modelwrapper import ModelWrapper

from msq_finn.build.simulate import Simulation, executable, tensors
from msq_finn.build.verdict.follow import Disagreement, Tie, follow
from msq_finn.build.verdict.observe import Observations
from msq_finn.build.verdict.reference import Reference
from msq_finn.build.verdict.taps import Seen, watch
from msq_finn.lowering import ends
from msq_finn.lowering.ends import Ends
from msq_finn.lowering.host_side import Host
from msq_finn.lowering.lower import Lowered, logged
from msq_finn.progress import Progress, silent

#: Images that are looked into at once; after a fault among them, no others are.
_AT_ONCE = 32


@dataclass(frozen=True)
class Fault:
    """An image whose tensors no rounding explains.

    Attributes:
        image: its position.
        found: the first tensor that is wrong.
    """

    image: int
    found: Disagreement


@dataclass
class Verdict:
    """What differences between RTL and exported model are.

    Attributes:
        ties: image, and value that float32 rounds the other way.
        faults: images with a difference that is none, in their order.
    """

    ties: list[tuple[int, Tie]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)


def judge(
    lowered: Lowered,
    images: Ends,
    simulation: Simulation,
    wrong: NDArray[np.bool_],
    progress: Progress = silent,
) -> Verdict:
    """Look into images whose outputs differ, tensor by tensor.

    The design is simulated again with its inner streams in view. First every tensor must be what
    the dataflow graph computes, integer for integer. Then the exported model is followed from
    quantizer to quantizer, see `msq_finn.build.verdict.follow`: what is left must be ties of its
    float32 evaluation, and all behind them must follow from the other rounding.

    Args:
        lowered: the network, its FIFOs sized.
        images: network inputs, [images, ...].
        simulation: of these images.
        wrong: images whose outputs differ, [images].
        progress: told of images.

    Returns:
        the verdict; images behind the first 32 that differ are left out once one has a fault.
    """
    verdict = Verdict()
    positions = [int(i) for i in np.flatnonzero(wrong)]
    if not positions:
        return verdict
    reference, step = Reference(lowered.source), Host(lowered.parent).output_step()
    graph = executable(lowered)
    for start in range(0, len(positions), _AT_ONCE):
        chosen = positions[start : start + _AT_ONCE]
        with logged(lowered.folder / "sim.log"):
            seen = _seen(lowered, simulation, chosen, progress)
            for number, position in enumerate(chosen):
                progress("Verdict", start + number, len(positions))
                fault = _unlike_graph(graph, simulation, position, seen, number)
                if fault is None:
                    inner = {name: values[number] for name, values in seen.tensors.items()}
                    observations = Observations(lowered.model, reference, inner)
                    given, outputs = (ends.image(v, position) for v in (images, simulation.outputs))
                    followed = follow(reference, given, observations, outputs, step)
                    verdict.ties += [(position, tie) for tie in followed.ties]
                    fault = followed.fault
                if fault is not None:
                    verdict.faults.append(Fault(position, fault))
        if verdict.faults:
            break
    progress("Verdict", len(positions), len(positions))
    return verdict


def _seen(
    lowered: Lowered, simulation: Simulation, chosen: Sequence[int], progress: Progress
) -> Seen:
    """See inside for some images; with those before them, if they are needed to see the same."""
    inputs = simulation.inputs
    seen = watch(lowered, ends.image(inputs, list(chosen)), range(len(chosen)), progress)
    if not _equal(seen.outputs, ends.image(simulation.raw, list(chosen))):
        seen = watch(lowered, ends.image(inputs, slice(chosen[-1] + 1)), chosen, progress)
    return seen


def _equal(left: Ends, right: Ends) -> bool:
    return all(map(np.array_equal, ends.each(left), ends.each(right)))


def _unlike_graph(
    graph: ModelWrapper, simulation: Simulation, position: int, seen: Seen, number: int
) -> Disagreement | None:
    """The first node whose integers are not those of the dataflow graph."""
    context = tensors(graph, ends.image(simulation.inputs, position))
    why = "the RTL does not compute what the dataflow graph does"
    last = [info.name for info in graph.graph.output]
    outputs = ends.each(ends.image(seen.outputs, number))
    observed = {name: values[number] for name, values in seen.tensors.items()}
    observed |= dict(zip(last, outputs, strict=True))
    for node in graph.graph.node:
        for tensor in node.output:
            found = observed.get(tensor)
            if found is None:
                continue
            expected = np.rint(context[tensor]).astype(np.int64).reshape(found.shape)
            if faults := int((found != expected).sum()):
                return Disagreement(node.name, expected, found, faults, why)
    why = "the same images gave other outputs in a second simulation"
    raw = ends.each(ends.image(simulation.raw, position))
    for found, expected in zip(raw, outputs, strict=True):
        if faults := int((found != expected).sum()):
            return Disagreement("the accelerator's outputs", expected, found, faults, why)
    return None
