"""Which unit of a recurrent layer lies where."""

from __future__ import annotations

from typing import Any

import numpy as np

from msq_finn.errors import MsqError
from msq_finn.lanes.counts import IntArray
from msq_finn.lanes.kind import LaneKind
from msq_finn.ops.recurrent.gated_cells import GATES
from msq_finn.ops.row_mixed import RowMixed


class UnitOrder(RowMixed):
    """A layer whose channels are units of neighbouring rows, which move together.

    Of its attributes, ``unitOrder`` says which unit of the exported model lies at a position;
    empty where they are in order.
    """

    def channel_schemes(self) -> list[tuple[str, ...]]:
        """Per unit, the schemes that hold all its rows.

        Raises:
            MsqError: a unit has rows of which no scheme holds all.
        """
        rows = self.row_schemes()
        found = []
        for unit in range(len(rows) // GATES):
            held = rows[unit * GATES : (unit + 1) * GATES]
            common = tuple(name for name in held[0] if all(name in row for row in held))
            if not common:
                named = ", ".join(sorted({"|".join(row) for row in held}))
                raise MsqError(
                    f"unit {unit} has rows of {named}, and the rows of a unit's gates lie side "
                    "by side; assign them alike: "
                    "assign_rows(model, ..., coupled=coupled_layers(model))",
                    where=self.onnx_node.name,
                )
            found.append(common)
        return found

    def channel_kinds(self) -> list[LaneKind]:
        """Per unit, the kind of its lanes."""
        return self.lanes().row_kinds(self.get_nodeattr("MH"))[::GATES]

    def reorder_units(self, model: Any, order: IntArray) -> None:
        """Put other units in the places of units, with all that belongs to them.

        Args:
            model: with the weights, changed in place.
            order: position ``p`` gets what was unit ``order[p]``.
        """
        rows = (order[:, None] * GATES + np.arange(GATES)).ravel()
        inputs = self.get_nodeattr("Inputs")
        name = self.onnx_node.input[1]
        columns = np.concatenate([np.arange(inputs), inputs + order])
        model.set_initializer(name, model.get_initializer(name)[columns][:, rows])
        for attribute in ("gateFactors", "gateOffsets"):
            values = self.get_nodeattr(attribute)
            self.set_nodeattr(attribute, [int(values[row]) for row in rows])
        schemes = self._strings("rowSchemes")
        self.set_nodeattr("rowSchemes", [schemes[row] for row in rows])
        before = list(self.get_nodeattr("unitOrder")) or list(range(len(order)))
        self.set_nodeattr("unitOrder", [int(before[unit]) for unit in order])

    def reorder_inputs(self, model: Any, order: IntArray) -> None:
        """Follow channels that come in another order.

        Args:
            model: with the weights, changed in place.
            order: position ``p`` of a step gets what was channel ``order[p]``.
        """
        name, inputs = self.onnx_node.input[1], self.get_nodeattr("Inputs")
        blocks = np.arange(inputs).reshape(-1, len(order))[:, order].ravel()
        columns = np.concatenate([blocks, np.arange(inputs, self.products())])
        model.set_initializer(name, model.get_initializer(name)[columns])

    def exported_units(self, values: IntArray) -> IntArray:
        """Values of units as the exported model has them, of the same shape.

        Args:
            values: in the hardware's order; shape (..., units).
        """
        order = list(self.get_nodeattr("unitOrder"))
        return values[..., np.argsort(order)] if order else values
