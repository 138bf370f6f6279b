"""What of an accelerator the processor writes at run time, over AXI-lite."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp

from msq_finn.build.board.kernel_words import STALE_WORDS
from msq_finn.ops.recurrent.length_port import ATTRIBUTE

#: Attributes of nodes by what is written: weights or thresholds, and lengths of sequences.
WEIGHTS, LENGTHS = "runtime_writeable_weights", ATTRIBUTE


def writes(op: Any, *attributes: str) -> bool:
    """Tell whether the processor writes something of a node.

    Args:
        attributes: what, `WEIGHTS` or `LENGTHS`; either where none is given.
    """
    known = op.get_nodeattr_types()
    asked = attributes or (WEIGHTS, LENGTHS)
    return any(name in known and bool(op.get_nodeattr(name)) for name in asked)


def longest_sequence(model: ModelWrapper) -> int | None:
    """Steps of a sequence, where the processor can write fewer; None where it cannot.

    Args:
        model: the dataflow partition; all its layers have as many, see `NotePadding`.
    """
    ops = (getCustomOp(node) for node in model.graph.node)
    return next((int(op.get_nodeattr("Steps")) for op in ops if writes(op, LENGTHS)), None)


def contents(model: ModelWrapper) -> dict[str, NDArray[np.uint32]]:
    """What the processor writes into memories of weights and thresholds.

    Args:
        model: the dataflow partition.

    Returns:
        by name of the node, the words of 32 bits from address 0 on; of weights, each row is in its
        lane's code.
    """
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for node in _written(model):
            file = Path(folder) / "words.dat"
            weights = model.get_initializer(node.input[1])
            getCustomOp(node).make_weight_file(weights, "decoupled_runtime", str(file))
            found[node.name] = np.array([int(word, 16) for word in file.read_text().split()], "u4")
    return found


def stale_images(model: ModelWrapper) -> int:
    """Images that may still be computed with what memories held before they were written.

    Args:
        model: the dataflow partition.
    """
    reads = [int(getCustomOp(node).get_exp_cycles()) for node in _written(model)]
    return max((math.ceil(STALE_WORDS / cycles) for cycles in reads), default=0)


def _written(model: ModelWrapper) -> Iterator[Any]:
    return (node for node in model.graph.node if writes(getCustomOp(node), WEIGHTS))
