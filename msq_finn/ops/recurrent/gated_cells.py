"""What a step of a recurrent layer computes behind its sums, in integers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

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
        tables: of levels, from the gates' least one on; in the cell's order.
        state_table: what is shown of the cell's state, from its least level on; of a GRU, the
            candidate of its sum.
        products: of the three products, in the cell's order.
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


#: What a step quantizes, by the cell's names.
Quantized = dict[str, IntArray]


@dataclass(frozen=True)
class GatedCell:
    """A kind of recurrent layer.

    Attributes:
        op: name of the hardware op, without what it is made in.
        quantizers: names of all that a step quantizes, in order.
        rows: of these, a unit's rows, in the order in which they lie.
        tables: functions of rows, each as its name and that of what it is of.
        shown: the function of the cell's state, likewise.
        products: as the names of both factors and of what is made of them.
        alike: pairs that are added, or are one another, as integers.
        unit_cycles: of the module that computes the units.
        step: computes what comes behind rows and tables, from the cell's constants, these, the
            state before (units) and what else there was of it (units); gives that, and what else
            there is of the state now.
    """

    op: str
    quantizers: tuple[str, ...]
    rows: tuple[str, ...]
    tables: tuple[tuple[str, str], ...]
    shown: tuple[str, str]
    products: tuple[tuple[str, str, str], ...]
    alike: tuple[tuple[str, str], ...]
    unit_cycles: int
    step: Callable[[CellNumbers, Quantized, IntArray, IntArray], tuple[Quantized, IntArray]]

    @property
    def cycles(self) -> int:
        """Of the register before the lanes, of gate_levels.sv and of the units."""
        return 1 + 4 + self.unit_cycles


def _times(product: ScaleRound, left: IntArray, right: IntArray) -> IntArray:
    return product.levels((left * right)[..., None])[..., 0]


def _sum(product: ScaleRound, left: IntArray, right: IntArray) -> IntArray:
    """On the scale of the products."""
    return np.asarray(np.clip(left + right, product.low, product.high))


def _lstm(
    numbers: CellNumbers, gates: Quantized, state: IntArray, memory: IntArray
) -> tuple[Quantized, IntArray]:
    keep, take, show = numbers.products
    kept, taken = _times(keep, gates["forget"], memory), _times(take, gates["input"], gates["cell"])
    memory = _sum(keep, kept, taken)
    shown = np.array(numbers.state_table)[memory - keep.low]
    after = _times(show, gates["output"], shown)
    found = {"kept": kept, "taken": taken, "memory": memory, "shown": shown, "state": after}
    return found, memory


def _gru(
    numbers: CellNumbers, gates: Quantized, state: IntArray, memory: IntArray
) -> tuple[Quantized, IntArray]:
    scale, keep, take = numbers.products
    found = {"scaled": _times(scale, gates["reset"], gates["states"])}
    found["candidate_acc"] = _sum(scale, gates["inputs"], found["scaled"])
    found["candidate"] = np.array(numbers.state_table)[found["candidate_acc"] - scale.low]
    found["kept"] = _times(keep, gates["keep"], state)
    found["taken"] = _times(take, gates["take"], found["candidate"])
    found["state"] = _sum(keep, found["kept"], found["taken"])
    return found, memory


#: Products: what is kept of the memory, what is taken of the cell gate, and what is shown of the
#: memory.
LSTM = GatedCell(
    op="LSTM_MSQ",
    quantizers=(
        *("input_acc", "input", "forget_acc", "forget", "cell_acc", "cell", "output_acc", "output"),
        *("kept", "taken", "memory", "shown", "state"),
    ),
    rows=("input_acc", "forget_acc", "cell_acc", "output_acc"),
    tables=tuple((gate, f"{gate}_acc") for gate in ("input", "forget", "output", "cell")),
    shown=("shown", "memory"),
    products=(
        *(("forget", "memory", "kept"), ("input", "cell", "taken")),
        ("output", "shown", "state"),
    ),
    alike=(("kept", "memory"), ("taken", "memory")),
    unit_cycles=11,
    step=_lstm,
)

#: Products: the candidate's states by the reset gate, what is kept of the state, and what is taken
#: of the candidate.
GRU = GatedCell(
    op="GRU_MSQ",
    quantizers=(
        *("reset_acc", "reset", "update_acc", "keep", "take", "inputs", "states", "scaled"),
        *("candidate_acc", "candidate", "kept", "taken", "state"),
    ),
    rows=("reset_acc", "update_acc", "inputs", "states"),
    tables=(("reset", "reset_acc"), ("keep", "update_acc"), ("take", "update_acc")),
    shown=("candidate", "candidate_acc"),
    products=(
        *(("reset", "states", "scaled"), ("keep", "state", "kept")),
        ("take", "candidate", "taken"),
    ),
    alike=(
        *(("kept", "state"), ("taken", "state"), ("scaled", "candidate_acc")),
        *(("inputs", "candidate_acc"), ("states", "candidate_acc")),
    ),
    unit_cycles=12,
    step=_gru,
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
        made = dict(zip(cell.rows, levels.reshape(units, GATES).T, strict=True))
        for table, (name, of) in enumerate(cell.tables):
            made[name] = numbers.looked_up(table, made[of])
        behind, memory = cell.step(numbers, made, state, memory)
        made |= behind
        state = made["state"]
        for name, values in found.items():
            values.append(made[name])
    return {name: np.stack(values) for name, values in found.items()}


def attributes(numbers: CellNumbers) -> dict[str, int | list[int]]:
    """A cell's constants as attributes of its node, see `msq_finn.ops.recurrent.recurrent_op`."""
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


def numbers_of(cell: GatedCell, attribute: Callable[[str], Any]) -> CellNumbers:
    """The reverse of `attributes`.

    Args:
        cell: kind of layer.
        attribute: gives an attribute of its node by name.
    """
    low, high = attribute("levelLow"), attribute("levelHigh")
    factors, offsets = (tuple(attribute(f"gate{what}")) for what in ("Factors", "Offsets"))
    gates = ScaleRound(factors, offsets, attribute("gateShift"), low, high)
    entries, size = list(attribute("gateTables")), high - low + 1
    tables = [tuple(entries[i * size : (i + 1) * size]) for i in range(len(cell.tables))]
    shift = attribute("productShift")
    columns = (attribute(f"product{what}") for what in ("Factors", "Offsets", "Low", "High"))
    one, two, three = (
        ScaleRound((factor,), (offset,), shift, least, most)
        for factor, offset, least, most in zip(*columns, strict=True)
    )
    return CellNumbers(gates, tuple(tables), tuple(attribute("stateTable")), (one, two, three))
