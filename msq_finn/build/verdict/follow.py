"""Run the exported model along the hardware's own roundings, as far as float32 allows them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from msq_finn.build.verdict.bounded import Bounded, may_round_to
from msq_finn.build.verdict.exact import Exact
from msq_finn.build.verdict.labels import may_choose, selection
from msq_finn.build.verdict.moves import UnknownOpError
from msq_finn.build.verdict.observe import Observations
from msq_finn.build.verdict.reference import FloatArray, IntArray, Quantizer, Reference
from msq_finn.lowering.ends import Ends, each

#: Values of one tensor that are evaluated exactly; where more differ, no few ties explain it.
MOST_EXACT = 256


@dataclass(frozen=True)
class Tie:
    """A value that the exported model's float32 rounds one way and the hardware the other.

    Attributes:
        node: quantizer, or the selection of labels, in the exported model.
        index: of the value in its tensor, batch axis first.
        value: exact, in the quantizer's steps; of a label, its lead over the other.
        rtl: the hardware's level, or label.
        reference: the exported model's.
    """

    node: str
    index: tuple[int, ...]
    value: float
    rtl: int
    reference: int


@dataclass(frozen=True)
class Disagreement:
    """A tensor of the hardware that no rounding explains.

    Attributes:
        node: where it is made: in the hardware, or a quantizer of the exported model.
        expected: what it should be, of any shape.
        found: what it is, of the same shape.
        faults: how many values are wrong.
        why: what makes it a fault, as text.
    """

    node: str
    expected: IntArray | FloatArray
    found: IntArray | FloatArray
    faults: int
    why: str


@dataclass
class Followed:
    """Where following an image led.

    Attributes:
        ties: in the order of the graph.
        fault: the first tensor that cannot be followed, None if all could.
    """

    ties: list[Tie] = field(default_factory=list)
    fault: Disagreement | None = None


def follow(
    reference: Reference,
    image: Ends,
    observations: Observations,
    outputs: Ends,
    step: Ends | float,
) -> Followed:
    """Execute the exported model, with the hardware's rounding wherever that is a tie.

    At every quantizer seen in hardware the levels must be the same but for values that lie within
    float32's error of a rounding boundary, and were rounded the other way. These are taken over, so
    that everything behind is compared with what follows from them, bit for bit.

    Args:
        image: network input, of its shape behind the batch axis.
        observations: what the hardware's quantizers gave.
        outputs: the network's, from the hardware, of their shape behind the batch axis.
        step: what an integer is worth in the outputs, one a tensor or broadcast, as of `differ`.
    """
    result = Followed()
    context, position = reference.started(image), 0
    nodes = list(reference.model.graph.node)
    exact = Exact(reference.model, context)
    for output, quantizer in reference.quantizers.items():
        end = nodes.index(quantizer.node)
        context |= reference.run(context, position, end)
        position = end + 1
        levels = quantizer.levels(context)
        taken = levels
        for number, (hardware, found) in enumerate(observations.of(output, levels)):
            # A second thresholding of one quantizer has no choice left.
            places = np.argwhere(taken != found)
            explained = _explained(exact, quantizer, levels, found) if not number else _Explained()
            result.ties += explained.ties
            if len(places) > len(explained.ties):
                faults = len(places) - len(explained.ties)
                node = f"{hardware} ({quantizer.name})"
                why = explained.why or "it has two copies of this quantizer, which differ"
                result.fault = Disagreement(node, taken, found, faults, why)
                return result
            taken = found
        if taken is not levels:
            name, values = quantizer.node.output[0], quantizer.values(taken, context)
            context[name] = np.where(levels == taken, context[name], values)
    if position < len(nodes):
        context |= reference.run(context, position, len(nodes) - 1)
    ends = each(outputs)
    steps = step if isinstance(step, tuple) else (step,) * len(ends)
    for number, (found, worth) in enumerate(zip(ends, steps, strict=True)):
        _compare_output(reference, exact, number, found, worth, result)
    return result


def _compare_output(
    reference: Reference,
    exact: Exact,
    number: int,
    outputs: FloatArray | IntArray,
    step: FloatArray | float,
    result: Followed,
) -> None:
    output = reference.outputs[number]
    expected = exact.context[output][0]
    node = selection(reference, output)
    wrong = np.argwhere(np.abs(outputs.astype(np.float64) - expected) >= np.asarray(step) / 2)
    ties: list[Tie] = []
    why = "they do not follow from the tensors before them"
    if node is not None:
        found, labels = (np.asarray(a[None], dtype=np.int64) for a in (outputs, expected))
        for place in ((0, *map(int, p)) for p in wrong):
            try:
                lead, allowed = may_choose(exact, node, place, found, labels)
            except UnknownOpError as error:
                why = str(error)
                break
            if not allowed:
                break
            last = reference.last[number]
            ties.append(Tie(last, place, lead, int(found[place]), int(labels[place])))
    result.ties += ties
    if len(wrong) > len(ties) and result.fault is None:
        faults = len(wrong) - len(ties)
        where = "the network's outputs"
        if len(reference.outputs) > 1:
            where = f"the network's output {number}"
        result.fault = Disagreement(where, expected, outputs, faults, why)


@dataclass
class _Explained:
    """Ties among values that differ, and why the first that is none is none."""

    ties: list[Tie] = field(default_factory=list)
    why: str = ""


def _explained(exact: Exact, quantizer: Quantizer, levels: IntArray, found: IntArray) -> _Explained:
    result = _Explained()
    places = [tuple(int(i) for i in place) for place in np.argwhere(levels != found)]
    if len(places) > MOST_EXACT:
        result.why = f"{len(places)} values differ"
    for place in places[:MOST_EXACT]:
        try:
            value = exact.steps(quantizer.node, place)
        except UnknownOpError as error:
            result.why = str(error)
            break
        level = int(found[place])
        if may_round_to(value, level, quantizer.low, quantizer.high):
            steps = float(value.value)
            result.ties.append(Tie(quantizer.name, place, steps, level, int(levels[place])))
        elif not result.why:
            result.why = f"{_shown(value)} steps at {list(place)} do not round to {level}"
    return result


def _shown(value: Bounded) -> str:
    error = f" +- {float(value.error):.1g}" if value.error else ""
    return f"{float(value.value):.9g}{error}"
