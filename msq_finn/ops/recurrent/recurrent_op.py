"""LSTM_MSQ and GRU_MSQ: whole layers of recurrent networks, their rows on row-mixed lanes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from finn.util.basic import get_dsp_block
from qonnx.core.datatype import DataType

from msq_finn.errors import MsqError
from msq_finn.lanes import DENSE, LaneCounts, Shape, dsp
from msq_finn.lanes.counts import IntArray
from msq_finn.lanes.latency import sum_latency
from msq_finn.ops.recurrent.gated_cells import (
    GATES,
    GRU,
    LSTM,
    UNIT_DSPS,
    CellNumbers,
    GatedCell,
    numbers_of,
    run,
)
from msq_finn.ops.recurrent.length_port import ATTRIBUTE
from msq_finn.ops.recurrent.turns import Turns
from msq_finn.ops.recurrent.unit_order import UnitOrder
from msq_finn.ops.row_mixed import smallest_integer_type


class RecurrentMSQ(UnitOrder):
    """A layer that reads a sequence and gives its states, of all steps or of the last.

    Its weights (``MW`` = ``Inputs`` + ``States`` columns, ``MH`` = 4 ``States`` rows) multiply a
    step's inputs and the state before in one; a unit's four rows lie one behind the other, so that
    they are on neighbouring lanes. Beside RowMixed's attributes:

    * ``Inputs``, ``States``, ``Steps``, ``allStates``: sizes, and what leaves.
    * ``inShape``, ``outShape``: of the tensors.
    * ``inputDataType``: of inputs and states; ``accDataType``: of sums; ``weightDataType``.
    * ``Sequences``: how many are under way at a time; see `msq_finn.ops.recurrent.turns`.
    * ``runtime_writeable_length``: whether sequences may be shorter than ``Steps``, by as much as
      the processor writes; ``paddingFirst``: whether the steps that are none of the sequence come
      before it then, as in a sequence that is read from its end.
    * ``levelLow``, ``levelHigh``, ``gateFactors``, ``gateOffsets``, ``gateShift``: from true sums
      to levels; factors and offsets of every row.
    * ``gateTables`` (one behind the other) and ``stateTable``: see
      `msq_finn.ops.recurrent.gated_cells`.
    * ``productFactors``, ``productOffsets``, ``productShift``, and by product ``productLow`` and
      ``productHigh``.
    * ``quantizers``: of every step in turn, the exported model's names of the tensors that the
      cell's quantizers give; ``unitOrder``: position ``p`` is the exported model's unit
      ``unitOrder[p]``; empty where in order.
    """

    unit = DENSE
    #: What kind of layer it is.
    cell: ClassVar[GatedCell]

    def get_nodeattr_types(self) -> dict[str, Any]:
        """FINN's and RowMixed's attributes, and those of the class docstring."""
        sizes = dict.fromkeys(("MW", "MH", "Inputs", "States", "Steps"), ("i", True, 0))
        numbers = dict.fromkeys(("levelLow", "levelHigh"), ("i", True, 0))
        shifts = dict.fromkeys(("gateShift", "productShift"), ("i", True, 1))
        lists: dict[str, Any] = dict.fromkeys(
            (
                *("inShape", "outShape", "gateFactors", "gateOffsets", "gateTables", "stateTable"),
                *("productFactors", "productOffsets", "productLow", "productHigh"),
            ),
            ("ints", True, []),
        )
        types = dict.fromkeys(("inputDataType", "accDataType", "weightDataType"), ("s", True, ""))
        own: dict[str, Any] = {
            "PE": ("i", False, GATES),
            "SIMD": ("i", False, 1),
            "allStates": ("i", True, 1, {0, 1}),
            "Sequences": ("i", False, 1),
            ATTRIBUTE: ("i", False, 0, {0, 1}),
            "paddingFirst": ("i", False, 0, {0, 1}),
            "unitOrder": ("ints", False, []),
            "quantizers": ("strings", False, []),
            "ram_style": ("s", False, "auto", {"auto", "block", "distributed"}),
        }
        return super().get_nodeattr_types() | sizes | numbers | shifts | lists | types | own

    def numbers(self) -> CellNumbers:
        """The constants behind the sums."""
        return numbers_of(self.cell, self.get_nodeattr)

    def products(self) -> int:
        """Products in a sum: columns of the weight matrix."""
        return int(self.get_nodeattr("MW"))

    def weight_matrix(self, weights: Any) -> IntArray:
        """The weights as integers, shape (MW, MH)."""
        return np.asarray(weights).astype(np.int64)

    def units(self) -> int:
        """Units that leave the lanes at a time."""
        return int(self.get_nodeattr("PE")) // GATES

    def lanes(self) -> LaneCounts:
        """The layer's lanes, in groups of four.

        Raises:
            MsqError: as RowMixed's, or a unit's rows lie on lanes of two kinds, or weights are
                constants of the lanes.
        """
        lanes = super().lanes()
        for name, count in lanes.items():
            if count % GATES:
                raise MsqError(
                    f"{count} lanes of kind {name}: a unit's {GATES} rows lie side by side, so "
                    f"give a multiple of {GATES}",
                    where=self.onnx_node.name,
                )
        if any(kind.constant for kind in lanes.kinds):
            raise MsqError(
                "recurrent layers have no lanes that hold their weights", where=self.onnx_node.name
            )
        return lanes

    def shape(self, fpgapart: str) -> Shape:
        """What the size of the lanes depends on; sums stay inside."""
        acts = self.get_input_datatype(0)
        return Shape(
            self.products(),
            self.get_nodeattr("SIMD"),
            self.vector_cycles(),
            acts.bitwidth(),
            acts.signed(),
            self.sum_type().bitwidth(),
            dsp.get(get_dsp_block(fpgapart)),
        )

    def dsp_estimation(self, fpgapart: str) -> int:
        """DSP slices of the lanes and of the factors behind them."""
        return super().dsp_estimation(fpgapart) + UNIT_DSPS * self.units()

    def sum_type(self) -> Any:
        """Type of the sums."""
        return DataType[self.get_nodeattr("accDataType")]

    def minimize_accumulator_width(self, model: Any, datatype_only: bool = False) -> Any:
        """Set the narrowest type that holds every sum with its row's constant.

        Args:
            model: the graph around the node.
            datatype_only: makes no difference: weights are not written at run time.
        """
        weights = model.get_initializer(self.onnx_node.input[1])
        products = self.weight_matrix(weights)[None] * self._extremes()[:, None, None]
        lows, highs = products.min(0).sum(0), products.max(0).sum(0)
        if self.get_nodeattr("laneKinds"):
            offsets = self.row_offsets(weights)
            lows, highs = lows + offsets, highs + offsets
        # As signed, which is what scales are multiplied with.
        found = smallest_integer_type(min(-1, int(lows.min())), int(highs.max()))
        self.set_nodeattr("accDataType", found.name)
        return found

    def get_normal_input_shape(self, ind: int = 0) -> tuple[int, ...]:
        """Shape of the sequence, or of the weights."""
        if ind == 1:
            return self.get_nodeattr("MW"), self.get_nodeattr("MH")
        return tuple(self.get_nodeattr("inShape"))

    def get_normal_output_shape(self, ind: int = 0) -> tuple[int, ...]:
        """Shape of the states."""
        return tuple(self.get_nodeattr("outShape"))

    def get_folded_input_shape(self, ind: int = 0) -> tuple[int, ...]:
        """Words of a sequence."""
        simd, steps = self.get_nodeattr("SIMD"), self.get_nodeattr("Steps")
        return 1, steps, self.get_nodeattr("Inputs") // simd, simd

    def get_folded_output_shape(self, ind: int = 0) -> tuple[int, ...]:
        """Words of states."""
        steps = self.get_nodeattr("Steps") if self.get_nodeattr("allStates") else 1
        return 1, steps, self.get_nodeattr("States") // self.units(), self.units()

    def get_input_datatype(self, ind: int = 0) -> Any:
        """Type of inputs and states, or of weights."""
        return DataType[self.get_nodeattr("weightDataType" if ind == 1 else "inputDataType")]

    def get_output_datatype(self, ind: int = 0) -> Any:
        """Type of states."""
        return self.get_input_datatype()

    def get_instream_width(self, ind: int = 0) -> int:
        """Bits of a word that goes in; weights do not."""
        if ind == 1:
            return 0
        return int(self.get_input_datatype().bitwidth() * self.get_nodeattr("SIMD"))

    def get_outstream_width(self, ind: int = 0) -> int:
        """Bits of a word that comes out."""
        return int(self.get_output_datatype().bitwidth() * self.units())

    def get_number_output_values(self) -> int:
        """Words of a frame."""
        return int(np.prod(self.get_folded_output_shape()[:-1]))

    def step_latency(self, block: dsp.DspBlock) -> int:
        """Cycles from a step's last products until its state can be read.

        Args:
            block: the device's kind of DSP slice.
        """
        acts = self.get_input_datatype()
        sums = sum_latency(
            self.lanes(),
            self.get_nodeattr("SIMD"),
            acts.bitwidth(),
            acts.signed(),
            self.sum_type().bitwidth(),
            block,
        )
        return sums + self.cell.cycles

    def take_turns(self, cycles: int) -> None:
        """Have as many sequences under way as the lanes need, if one alone takes too long.

        Args:
            cycles: that a frame may take.
        """
        turns = self._turns()
        self.set_nodeattr("Sequences", 1 if turns.alone <= cycles else turns.places)

    def _turns(self) -> Turns:
        """The steps on the lanes, whose DSP lanes are taken to be those of a DSP48E1.

        These are no faster than others.
        """
        return Turns(
            self.get_nodeattr("Steps"),
            int(self.vector_cycles()),
            self.step_latency(dsp.get("DSP48E1")),
            self.get_nodeattr("Inputs") // self.get_nodeattr("SIMD"),
            self.get_nodeattr("allStates") * self.get_nodeattr("States") // self.units(),
        )

    def get_exp_cycles(self) -> int:
        """Cycles a frame: the steps' products, and what the lanes wait for states."""
        if not self.get_nodeattr("laneKinds"):
            return int(self.get_nodeattr("Steps") * self.vector_cycles())
        return self._turns().cycles(self.get_nodeattr("Sequences"))

    def make_shape_compatible_op(self, model: Any) -> Any:
        """An op that gives the states' shape."""
        return super().make_const_shape_op(self.get_normal_output_shape())

    def infer_node_datatype(self, model: Any) -> None:
        """Say what comes out.

        Raises:
            MsqError: what goes in does not fit its type.
        """
        source, own = model.get_tensor_datatype(self.onnx_node.input[0]), self.get_input_datatype()
        if source.is_integer() and not (own.allowed(source.min()) and own.allowed(source.max())):
            raise MsqError(f"inputs are {source.name}, not {own.name}", where=self.onnx_node.name)
        model.set_tensor_datatype(self.onnx_node.output[0], self.get_output_datatype())

    def trace(self, model: Any, inputs: Any) -> Mapping[str, IntArray]:
        """All that the layer quantizes in a sequence.

        Args:
            model: with the weights.
            inputs: integers of a sequence.

        Returns:
            by the names of the cell's quantizers, integers (steps, units) in the order of the
            hardware.
        """
        weights = self.weight_matrix(model.get_initializer(self.onnx_node.input[1]))
        steps = np.asarray(inputs).reshape(self.get_nodeattr("Steps"), self.get_nodeattr("Inputs"))
        return run(self.cell, self.numbers(), weights, np.rint(steps).astype(np.int64))

    def exported_quantizers(self) -> list[str]:
        """Of every step in turn, the exported model's names of what the cell's quantizers give."""
        return self._strings("quantizers")

    def execute_node(self, context: dict[str, Any], graph: Any) -> None:
        """Compute the states in Python."""
        node = self.onnx_node
        weights = self.weight_matrix(context[node.input[1]])
        steps = np.rint(context[node.input[0]]).astype(np.int64)
        steps = steps.reshape(self.get_nodeattr("Steps"), self.get_nodeattr("Inputs"))
        states = run(self.cell, self.numbers(), weights, steps)["state"]
        if not self.get_nodeattr("allStates"):
            states = states[-1]
        context[node.output[0]] = states.reshape(self.get_normal_output_shape()).astype(np.float32)

    def verify_node(self) -> list[str]:
        """Nothing beyond what FINN checks itself."""
        return []


class LSTM_MSQ(RecurrentMSQ):
    """A layer of an LSTM; attributes as in RecurrentMSQ."""

    cell = LSTM


class GRU_MSQ(RecurrentMSQ):
    """A layer of a GRU; attributes as in RecurrentMSQ."""

    cell = GRU
