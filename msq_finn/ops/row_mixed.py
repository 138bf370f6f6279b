"""What MVAU_MSQ and VVAU_MSQ have in common: rows of several number systems on lanes."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar

import numpy as np
from finn.custom_op.fpgadataflow.hwcustomop import HWCustomOp
from finn.util.basic import get_dsp_block
from qonnx.core.datatype import DataType
from qonnx.util.basic import roundup_to_integer_multiple

from msq_finn.errors import MsqError
from msq_finn.lanes import DENSE, LaneCounts, Shape, dsp
from msq_finn.lanes.counts import IntArray
from msq_finn.lanes.divisors import folds
from msq_finn.lanes.kind import LaneKind


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
    * ``laneKinds`` and ``lanePE``: the lanes of each kind; ``PE`` is their sum. Empty until
      folding.
    * ``lutSites``: LUT sites of the lanes and of their weights, as the planner counts them; 0
      before rows are placed.
    * ``offsetOutput``: 1 where the lanes' constant row offsets stay in the output (and the
      thresholds behind carry the same constants), 0 where the layer gives true sums.
    """

    #: Which unit the lanes are in, of msq_finn.lanes.DENSE and DEPTHWISE.
    unit: ClassVar[str]

    def get_nodeattr_types(self) -> dict[str, Any]:
        """FINN's attributes and those of the class docstring."""
        return super().get_nodeattr_types() | {
            "rowSchemes": ("strings", False, []),
            "laneKinds": ("strings", False, []),
            "lanePE": ("ints", False, []),
            "lutSites": ("i", False, 0),
            "offsetOutput": ("i", False, 0, {0, 1}),
        }

    def row_schemes(self) -> list[tuple[str, ...]]:
        """Per row, the names of the schemes that hold it."""
        return [tuple(names.split("|")) for names in self._strings("rowSchemes")]

    def lanes(self) -> LaneCounts:
        """The layer's lanes.

        Raises:
            MsqError: the layer is not folded yet, PE is not the sum of its lanes, or the unit has
                no such lanes.
        """
        name, kinds = self.onnx_node.name, self._strings("laneKinds")
        counts = [int(n) for n in self.get_nodeattr("lanePE")]
        if len(set(kinds)) != len(counts) or len(kinds) != len(counts):
            raise MsqError(f"lane kinds {kinds} need one count each, got {counts}", where=name)
        try:
            lanes = LaneCounts(dict(zip(kinds, counts, strict=True)))
            lanes.check_unit(self.unit)
        except MsqError as error:
            raise error.within(name) from None
        if lanes.pe != self.get_nodeattr("PE"):
            raise MsqError(
                f"PE={self.get_nodeattr('PE')} but its lanes {dict(lanes)} sum to {lanes.pe}",
                field="PE",
                value=self.get_nodeattr("PE"),
                where=name,
            )
        return lanes

    def channel_schemes(self) -> list[tuple[str, ...]]:
        """Per output channel, the names of the schemes that hold what makes it."""
        return self.row_schemes()

    def channel_kinds(self) -> list[LaneKind]:
        """Per output channel, the kind of the lane that makes it."""
        return self.lanes().row_kinds(len(self.row_schemes()))

    def set_lanes(self, simd: int, lanes: LaneCounts) -> None:
        """Fold the layer.

        Args:
            simd: products a cycle.
            lanes: of each kind; their sum becomes PE.
        """
        self.set_nodeattr("SIMD", simd)
        self.set_nodeattr("PE", lanes.pe)
        self.set_nodeattr("laneKinds", list(lanes))
        self.set_nodeattr("lanePE", list(lanes.values()))

    def shape(self, fpgapart: str) -> Shape:
        """What the size of the lanes depends on.

        Args:
            fpgapart: FPGA part, for its kind of DSP slice.
        """
        acts, sums = self.get_input_datatype(0), self.get_output_datatype()
        return Shape(
            self.products(),
            self.get_nodeattr("SIMD"),
            self.weight_words(),
            acts.bitwidth(),
            acts.signed(),
            sums.bitwidth(),
            dsp.get(get_dsp_block(fpgapart)),
        )

    def lut_estimation(self, fpgapart: str = "") -> int:
        """LUT sites of the lanes and of their weights.

        Args:
            fpgapart: FPGA part; upstream FINN does not name it.
        """
        return int(self.get_nodeattr("lutSites"))

    def dsp_estimation(self, fpgapart: str) -> int:
        """DSP slices of the lanes.

        Args:
            fpgapart: FPGA part, for its kind of DSP slice.
        """
        return self.lanes().slices(self.shape(fpgapart))

    def vector_cycles(self) -> int:
        """Cycles that the lanes take for a vector, of all channels."""
        if not self.get_nodeattr("laneKinds"):  # until folding
            return self.weight_words()
        return self.weight_words() * self.lanes().planes(self.get_input_datatype(0).bitwidth())

    def weight_words(self) -> int:
        """Words of weights that a lane has, of all its rows; the last fold may be padded."""
        rows = self.get_nodeattr("MH" if self.unit == DENSE else "Channels")
        simd, pe = self.get_nodeattr("SIMD"), self.get_nodeattr("PE")
        return folds(self.products(), simd) * folds(rows, pe)

    @abstractmethod
    def products(self) -> int:
        """Products in a sum."""

    @abstractmethod
    def weight_matrix(self, weights: Any) -> IntArray:
        """Return the graph's weight tensor as a matrix of integers.

        Args:
            weights: in the shape of the graph's tensor.

        Returns:
            shape (products in a sum, rows).
        """

    def row_offsets(self, weights: Any) -> IntArray:
        """Constants the lanes leave in each row's sum; see LaneCounts.row_offsets.

        Args:
            weights: integers in the shape of the graph's weight tensor.

        Returns:
            one constant a row, shape (rows,).

        Raises:
            MsqError: as ``lanes``, or a row lies on a lane whose scheme does not hold it.
        """
        acts = self.get_input_datatype(0)
        matrix = self.weight_matrix(weights)
        return self.lanes().row_offsets(matrix, acts.bitwidth(), acts.signed())

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
        for kind in self.lanes().kinds:
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
