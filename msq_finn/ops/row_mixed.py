"""What MVAU_MSQ and VVAU_MSQ have in common: rows of several number systems on lanes."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np
from finn.custom_op.fpgadataflow.hwcustomop import HWCustomOp
from qonnx.core.datatype import DataType
from qonnx.util.basic import roundup_to_integer_multiple

from msq_finn.errors import MsqError
from msq_finn.ops.layout import IntArray, LaneLayout


def smallest_integer_type(low: int, high: int) -> Any:
    """Return the narrowest QONNX integer type that holds a range.

    Args:
        low: least value.
        high: largest value, not below ``low``.

    >>> smallest_integer_type(0, 15).name, smallest_integer_type(-9, 3).name
    ('UINT4', 'INT5')
    """
    if low >= 0:
        return DataType[f"UINT{max(1, int(high).bit_length())}"]
    return DataType[f"INT{max((-int(low) - 1).bit_length(), int(high).bit_length()) + 1}"]


class RowMixed(HWCustomOp):
    """A layer whose rows mix number systems and engines; comes before FINN's op among the bases.

    Beside FINN's attributes:

    * ``rowSchemes``: per row of the weight matrix (MH of them) the schemes that hold it, joined by
      ``|`` (``"sp2_4"``, ``"fixed_4"`` or ``"sp2_4|fixed_4"``).
    * ``laneKinds`` and ``lanePE``: the lane groups in hardware order; ``PE`` is their sum. Empty
      until folding.
    * ``offsetOutput``: 1 where the lanes' constant row offsets stay in the output (and the
      thresholds behind carry the same constants), 0 where the layer gives true sums.
    """

    def get_nodeattr_types(self) -> dict[str, Any]:
        """FINN's attributes and those of the class docstring."""
        return super().get_nodeattr_types() | {
            "rowSchemes": ("strings", False, []),
            "laneKinds": ("strings", False, []),
            "lanePE": ("ints", False, []),
            "offsetOutput": ("i", False, 0, {0, 1}),
        }

    def row_schemes(self) -> list[tuple[str, ...]]:
        """Per row, the names of the schemes that hold it."""
        return [tuple(names.split("|")) for names in self._strings("rowSchemes")]

    def layout(self) -> LaneLayout:
        """The layer's lanes.

        Raises:
            MsqError: the layer is not folded yet, PE is not the sum of its lanes, or these are not
                in the hardware's order.
        """
        names, counts = self._strings("laneKinds"), [int(n) for n in self.get_nodeattr("lanePE")]
        try:
            layout = self._lanes(names, counts)
        except MsqError as error:
            raise MsqError(f"{self.onnx_node.name}: {error}") from None
        if layout.pe != self.get_nodeattr("PE"):
            raise MsqError(
                f"{self.onnx_node.name}: PE={self.get_nodeattr('PE')} but its lanes "
                f"{dict(zip(names, counts, strict=True))} sum to {layout.pe}"
            )
        return layout

    @abstractmethod
    def _lanes(self, names: list[str], counts: list[int]) -> LaneLayout:
        """The lanes of these kinds and counts; MsqError where the hardware has none such."""

    @abstractmethod
    def weight_matrix(self, weights: Any) -> IntArray:
        """Return the graph's weight tensor as a matrix of integers.

        Args:
            weights: in the shape of the graph's tensor.

        Returns:
            shape (products in a sum, rows).
        """

    def row_offsets(self, weights: Any) -> IntArray:
        """Constants the lanes leave in each row's sum; see LaneLayout.row_offsets.

        Args:
            weights: integers in the shape of the graph's weight tensor.

        Returns:
            one constant a row, shape (rows,).

        Raises:
            MsqError: as ``layout``, or a row lies on a lane whose scheme does not hold it.
        """
        acts = self.get_input_datatype(0)
        matrix = self.weight_matrix(weights)
        return self.layout().row_offsets(matrix, acts.bitwidth(), acts.signed())

    def minimize_accumulator_width(self, model: Any, datatype_only: bool = False) -> Any:
        """Set the narrowest accumulator (= output) type that holds every sum of every row.

        The bound is per row: FINN's own (matrixvectoractivation.py) is over the whole matrix and
        knows no row offsets.

        Args:
            model: the graph around the node.
            datatype_only: bound the sums of any weights that the lanes take, as where these are
                writeable at run time.

        Returns:
            the QONNX type, of whole bytes where the node's output leaves the accelerator.

        Raises:
            MsqError: as ``row_offsets``, where offsets stay in the output.
        """
        weights = model.get_initializer(self.onnx_node.input[1])
        if datatype_only or self.get_nodeattr("runtime_writeable_weights"):
            low, high = self._bounds_of_any_weights(len(self.weight_matrix(weights)))
        else:
            low, high = self._bounds(weights)
        accumulator = smallest_integer_type(low, high)
        if model.find_direct_successors(self.onnx_node) is None:
            # What leaves the accelerator is a whole number of bytes.
            bits = roundup_to_integer_multiple(accumulator.bitwidth(), 8)
            accumulator = DataType[f"{'INT' if accumulator.signed() else 'UINT'}{bits}"]
        self.set_nodeattr("accDataType", accumulator.name)
        self.set_nodeattr("outputDataType", accumulator.name)
        return accumulator

    def _bounds(self, weights: Any) -> tuple[int, int]:
        """Least and largest sum of the rows that there are."""
        products = self.weight_matrix(weights)[None] * self._extremes()[:, None, None]
        lows, highs = products.min(0).sum(0), products.max(0).sum(0)
        if self.get_nodeattr("offsetOutput"):
            offsets = self.row_offsets(weights)
            lows, highs = lows + offsets, highs + offsets
        return int(lows.min()), int(highs.max())

    def _bounds_of_any_weights(self, products: int) -> tuple[int, int]:
        """Least and largest sum of a row that the lanes could be given."""
        acts = self.get_input_datatype(0)
        low = high = 0
        for kind in set(self.layout().lanes):
            grid = kind.scheme.grid()
            terms = grid[:, None] * self._extremes()
            if self.get_nodeattr("offsetOutput"):
                codes = kind.scheme.encode(grid)
                terms = terms + kind.code_offset(codes, acts.bitwidth(), acts.signed())[:, None]
            low, high = min(low, int(terms.min())), max(high, int(terms.max()))
        return low * products, high * products

    def _extremes(self) -> IntArray:
        acts = self.get_input_datatype(0)
        return np.array([acts.min(), acts.max()], dtype=np.int64)

    def _strings(self, attribute: str) -> list[str]:
        values = self.get_nodeattr(attribute)
        return [v.decode() if isinstance(v, bytes) else v for v in values]
