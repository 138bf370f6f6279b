"""Labels of the greatest sums, where float32 may order sums in another way than integers do."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from onnx import helper

from msq_finn.build.verdict.bounded import Bounded
from msq_finn.build.verdict.exact import Exact
from msq_finn.build.verdict.reference import IntArray, Reference

#: Operations that choose labels, and the axis that they choose along by default.
_SELECTIONS = {"TopK": -1, "ArgMax": 0}


def selection(reference: Reference, output: str) -> Any:
    """The node that chooses an output of the network among labels, None where no node does.

    Args:
        reference: the exported model.
        output: one of the network's, by its name in the cleaned graph.
    """
    node = reference.model.find_producer(output)
    chooses = node.op_type in _SELECTIONS and node.output[-1] == output
    return node if chooses else None


def may_choose(
    exact: Exact, node: Any, place: tuple[int, ...], found: IntArray, expected: IntArray
) -> tuple[float, bool]:
    """Whether a label may stand where it does.

    It must not be behind another of the greatest sums, but for what float32 may have lost, and of
    equal sums the lower label comes first.

    Args:
        exact: of an execution.
        node: of `selection`.
        place: of a label that differs from the exported model's.
        found: the hardware's labels, of the node's shape.
        expected: the exported model's, of the same shape.

    Returns:
        by how much the label's sum is above that of the exported model's label, and whether that
        and all that stand behind it allow it.
    """
    given = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    shape = np.shape(exact.context[node.input[0]])
    axis = given.get("axis", _SELECTIONS[node.op_type]) % len(shape)
    sign = 1 if given.get("largest", 1) else -1
    kept = found.ndim == len(shape)

    def at(label: int) -> Bounded:
        rest = [*place[:axis], *place[axis + kept :]]
        value = exact.value(node.input[0], (*rest[:axis], label, *rest[axis:]))
        return value if sign > 0 else -value

    row = found[tuple(slice(None) if kept and i == axis else p for i, p in enumerate(place))]
    chosen = [int(label) for label in np.atleast_1d(row)]
    label, other = int(found[place]), int(expected[place])
    if len(set(chosen)) < len(chosen) or not all(0 <= c < shape[axis] for c in chosen):
        return float("nan"), False
    left = [n for n in range(shape[axis]) if n not in chosen]
    pairs = [*itertools.pairwise(chosen), *((chosen[-1], n) for n in left)]
    allowed = all(_before(at(a), a, at(b), b) for a, b in pairs)
    return float(at(label).value - at(other).value), allowed


def _before(left: Bounded, a: int, right: Bounded, b: int) -> bool:
    lead = left.value - right.value
    return a < b if lead == 0 else lead >= -(left.error + right.error)
