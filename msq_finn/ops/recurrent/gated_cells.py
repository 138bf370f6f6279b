"""What a step of a recurrent layer computes behind its sums, in integers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from msq_finn.ops.recurrent.scaling import ScaleRound

IntArray = NDArray[np.int64]

#: A unit's rows: one behind the other.
GATES = 4

#: DSP slices of the units that leave the lanes at a time, each: factors of rows and of products.
UNIT_DSPS = GATES + 3


@dataclass(frozen=True)
class CellNumbers:
    """The constants of a cell.

    Attributes:
        gates: sums of rows to levels of their quantizers, row after row, a unit's together.
        tables: of levels, from the gates' least one on; see the cells for their order.
        state_table: what is shown of the cell's state, from its least level on; of a GRU, the
            candidate of its sum.
        products: of the three products, see the cells.
    """

    gates: ScaleRound
    tables: tuple[tuple[int, ...], ...]
    state_table: tuple[int, ...]
    products: tuple[ScaleRound, ScaleRound, ScaleRound]

    def looked_up(self, table: int, levels: IntArray) -> IntArray:
        """Functions of a gate's levels.

        Args:
            table: number of the table.
            levels: any shape.
        """
        return np.array(self.tables[table])[levels - self.gates.low]


@dataclass(frozen=True)
class GatedCell:
    """A kind of recurrent layer.

    Attributes:
        op: name of the hardware op, without what it is made in.
        quantizers: names of all that a step quantizes, in order.
        tables: how many tables gates have.
        step: computes a step, from the cell's constants, the levels of the gates (units, 4), the
            state before (units) and what else there was of it (units), to all that is quantized by
            name and to what else there is of the state now.
    """

    op: str
    quantizers: tuple[str, ...]
    tables: int
    step: Callable[
        [CellNumbers, IntArray, IntArray, IntArray], tuple[dict[str, IntArray], IntArray]
    ]


def _times(product: ScaleRound, left: IntArray, right: IntArray) -> IntArray:
    return product.levels((left * right)[..., None])[..., 0]


def _sum(product: ScaleRound, left: IntArray, right: IntArray) -> IntArray:
    """On the scale of the products."""
    return np.asarray(np.clip(left + right, product.low, product.high))


def _lstm(
    numbers: CellNumbers, levels: IntArray, state: IntArray, memory: IntArray
) -> tuple[dict[str, IntArray], IntArray]:
    keep, take, show = numbers.products
    found = dict(zip(("input_acc", "forget_acc", "cell_acc", "output_acc"), levels.T, strict=True))
    for table, gate in enumerate(("input", "forget", "output")):
        found[gate] = numbers.looked_up(table, found[f"{gate}_acc"])
    found["cell"] = numbers.looked_up(3, found["cell_acc"])
    found["kept"] = _times(keep, found["forget"], memory)
    found["taken"] = _times(take, found["input"], found["cell"])
    found["memory"] = _sum(keep, found["kept"], found["taken"])
    found["shown"] = np.array(numbers.state_table)[found["memory"] - keep.low]
    found["state"] = _times(show, found["output"], found["shown"])
    return found, found["memory"]


def _gru(
    numbers: CellNumbers, levels: IntArray, state: IntArray, memory: IntArray
) -> tuple[dict[str, IntArray], IntArray]:
    scale, keep, take = numbers.products
    names = ("reset_acc", "update_acc", "inputs", "states")
    found = dict(zip(names, levels.T, strict=True))
    found["reset"] = numbers.looked_up(0, found["reset_acc"])
    found["keep"] = numbers.looked_up(1, found["update_acc"])
    found["take"] = numbers.looked_up(2, found["update_acc"])
    found["scaled"] = _times(scale, found["reset"], found["states"])
    found["candidate_acc"] = _sum(scale, found["inputs"], found["scaled"])
    found["candidate"] = np.array(numbers.state_table)[found["candidate_acc"] - scale.low]
    found["kept"] = _times(keep, found["keep"], state)
    found["taken"] = _times(take, found["take"], found["candidate"])
    found["state"] = _sum(keep, found["kept"], found["taken"])
    return found, memory


#: Tables are of the input, forget and output gate, and of the cell gate; rows are those of the
#: input, forget, cell and output gate. Products: what is kept of the memory, what is taken of the
#: cell gate, and what is shown of the memory.
LSTM = GatedCell(
    "LSTM_MSQ",
    (
        *("input_acc", "input", "forget_acc", "forget", "cell_acc", "cell", "output_acc", "output"),
        *("kept", "taken", "memory", "shown", "state"),
    ),
    4,
    _lstm,
)

#: Tables are of the reset and update gate, and of the update gate's complement; rows are those of
#: both gates and of the candidate's inputs and states. Products: the candidate's states by the
#: reset gate, what is kept of the state, and what is taken of the candidate.
GRU = GatedCell(
    "GRU_MSQ",
    (
        *("reset_acc", "reset", "update_acc", "keep", "take", "inputs", "states", "scaled"),
        *("candidate_acc", "candidate", "kept", "taken", "state"),
    ),
    3,
    _gru,
)


def run(
    cell: GatedCell, numbers: CellNumbers, weights: IntArray, inputs: IntArray
) -> Mapping[str, IntArray]:
    """Compute all steps of a sequence.

    Args:
        cell: kind of layer.
        numbers: its constants.
        weights: shape (inputs + states, rows).
        inputs: shape (steps, inputs).

    Returns:
        by the quantizers' names, integers (steps, units).
    """
    units = weights.shape[1] // GATES
    state = memory = np.zeros(units, dtype=np.int64)
    found: dict[str, list[IntArray]] = {name: [] for name in cell.quantizers}
    for step in inputs:
        levels = numbers.gates.levels(np.concatenate([step, state]) @ weights)
        made, memory = cell.step(numbers, levels.reshape(units, GATES), state, memory)
        state = made["state"]
        for name, values in found.items():
            values.append(made[name])
    return {name: np.stack(values) for name, values in found.items()}


def attributes(numbers: CellNumbers) -> dict[str, int | list[int]]:
    """A cell's constants as attributes of its node, see `msq_finn.ops.recurrent.recurrent_op`.

    Args:
        numbers: the constants.
    """
    shift = max(product.shift for product in numbers.products)
    products = [product.shifted(shift) for product in numbers.products]
    return {
        "levelLow": numbers.gates.low,
        "levelHigh": numbers.gates.high,
        "gateFactors": list(numbers.gates.factors),
        "gateOffsets": list(numbers.gates.offsets),
        "gateShift": numbers.gates.shift,
        "gateTables": [entry for table in numbers.tables for entry in table],
        "stateTable": list(numbers.state_table),
        "productFactors": [product.factors[0] for product in products],
        "productOffsets": [product.offsets[0] for product in products],
        "productShift": shift,
        "productLow": [product.low for product in products],
        "productHigh": [product.high for product in products],
    }
