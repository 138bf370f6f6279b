"""LSTM_MSQ_rtl and GRU_MSQ_rtl: recurrent layers in SystemVerilog."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from finn.custom_op.fpgadataflow.rtlbackend import RTLBackend
from finn.util.basic import get_dsp_block

import msq_finn.rtl
from msq_finn.errors import MsqError
from msq_finn.finn_compat.nodes import execute_rtl, rename_ports
from msq_finn.lanes import dsp
from msq_finn.lanes.counts import IntArray
from msq_finn.lanes.divisors import check_divides
from msq_finn.lanes.hardware import lanes_parameter, literal
from msq_finn.ops import axilite, weight_file, weight_rom
from msq_finn.ops.lanes_rtl import LanesRTL
from msq_finn.ops.recurrent import length_port
from msq_finn.ops.recurrent.gated_cells import GRU
from msq_finn.ops.recurrent.recurrent_op import GRU_MSQ, LSTM_MSQ, RecurrentMSQ
from msq_finn.ops.streaming.backend import packed
from msq_finn.rtl.literals import array, remarked

_RTL = Path(msq_finn.rtl.__file__).parent / "recurrent"


def _signed_bits(values: Sequence[int]) -> int:
    """Bits of two's complement that hold all of some numbers."""
    return max(max(-v - 1, v).bit_length() for v in values) + 1


def _table(entries: Sequence[int], low: int, index_bits: int, bits: int) -> list[int]:
    """Entries by the index as it travels, in two's complement of so many bits."""
    size, mask = 1 << index_bits, (1 << bits) - 1
    found = [0] * size
    for place, entry in enumerate(entries):
        found[(low + place) % size] = int(entry) & mask
    return found


class RecurrentRTL(LanesRTL):
    """RTL half of a recurrent layer; comes before the op among the bases.

    The layer is one module around ``recurrent_layer``, the memory of the weights inside.
    """

    def get_nodeattr_types(self) -> dict[str, Any]:
        """The op's attributes and those of an RTL op."""
        own: dict[str, Any] = super(RTLBackend, self).get_nodeattr_types()
        return own | RTLBackend.get_nodeattr_types(self)

    def execute_node(self, context: dict[str, Any], graph: Any) -> None:
        """Simulate the RTL where exec_mode says so, else compute in Python."""
        if self.get_nodeattr("exec_mode") == "rtlsim":
            # To FINN's simulation every input is a stream, and weights are none.
            node = copy.deepcopy(self.onnx_node)
            del node.input[1:]
            streams = type(self)(node)
            execute_rtl(streams, context, graph, getattr(RTLBackend, "execute_node", None))
        else:
            super(RTLBackend, self).execute_node(context, graph)

    def get_verilog_top_module_intf_names(self) -> dict[str, Any]:
        """FINN's names of the ports, with that of the length where it can be written."""
        names: dict[str, Any] = super().get_verilog_top_module_intf_names()
        if self.get_nodeattr(length_port.ATTRIBUTE):
            names["axilite"] = [axilite.PORT]
        return names

    def has_rom(self) -> bool:
        """Always: nobody writes the weights."""
        return True

    def calc_wmem(self) -> int:
        """Words of the weight memory."""
        return int(self.vector_cycles())

    def weight_bits(self) -> int:
        """Bits of a word of codes, padded to bytes."""
        return -(-self.lanes().column_bits * int(self.get_nodeattr("SIMD")) // 8) * 8

    def generate_hdl(self, model: Any, fpgapart: str, clk: float) -> None:
        """Write the wrapper and the contents of the weight memory into the node's code folder.

        Raises:
            MsqError: an attribute asks for what the module cannot do.
        """
        self._check_supported(fpgapart)
        folder = Path(self.get_nodeattr("code_gen_dir_ipgen"))
        self.set_nodeattr("gen_top_module", self.get_verilog_top_module_name())
        weights = self.weight_matrix(model.get_initializer(self.onnx_node.input[1]))
        lanes = self.lanes()
        codes = lanes.folded(lanes.encode(weights), self.get_nodeattr("SIMD"))
        words = weight_file.memory_bits(codes, lanes.code_bits)
        weight_file.write(words, "decoupled_verilog_dat", folder / "memblock.dat", code_bits=1)
        text = rename_ports(self._wrapper(weights, fpgapart), self)
        self._wrapper_path().write_text(text)
        self.set_nodeattr("ipgen_path", str(folder))
        self.set_nodeattr("ip_path", str(folder))

    def _check_supported(self, fpgapart: str) -> None:
        name = self.onnx_node.name
        for part, whole in (("SIMD", "Inputs"), ("SIMD", "States"), ("PE", "MH")):
            check_divides(name, part, self.get_nodeattr(part), whole, self.get_nodeattr(whole))
        if (sequences := self.get_nodeattr("Sequences")) < 1:
            raise MsqError(f"Sequences={sequences} must be at least 1", where=name)
        self._check_widths(fpgapart)

    def _parameters(self, weights: IntArray, fpgapart: str) -> dict[str, int | str]:
        lanes, numbers, acts = self.lanes(), self.numbers(), self.get_input_datatype()
        # The lanes leave a constant in each row's sum.
        offsets = [
            offset - factor * constant
            for offset, factor, constant in zip(
                numbers.gates.offsets,
                numbers.gates.factors,
                map(int, self.row_offsets(weights)),
                strict=True,
            )
        ]
        gates, products = numbers.gates, numbers.products
        factor_bits = max(gates.factors).bit_length()
        offset_bits = _signed_bits(offsets)
        product_factors = [p.factors[0] for p in products]
        product_offsets = [p.offsets[0] for p in products]
        is_gru = self.cell is GRU
        memory = products[0]
        level_bits = _signed_bits([gates.low, gates.high])
        cell_bits = _signed_bits([memory.low, memory.high])
        sigmoids = numbers.tables[:3]
        sigmoid_bits = max(max(max(table) for table in sigmoids).bit_length(), 1)
        tanhs = [numbers.state_table, *numbers.tables[3:]]
        tanh_bits = _signed_bits([entry for table in tanhs for entry in table])
        parameters: dict[str, int | str] = {
            "Gru": int(is_gru),
            "Steps": self.get_nodeattr("Steps"),
            "Inputs": self.get_nodeattr("Inputs"),
            "States": self.get_nodeattr("States"),
            "AllStates": self.get_nodeattr("allStates"),
            "Places": self.get_nodeattr("Sequences"),
            "Shorter": self.get_nodeattr(length_port.ATTRIBUTE),
            "PaddingFirst": self.get_nodeattr("paddingFirst"),
            "SIMD": self.get_nodeattr("SIMD"),
            "Lanes": literal(lanes_parameter(lanes)),
            "ActBits": acts.bitwidth(),
            "ActSigned": int(acts.signed()),
            "SumBits": self.sum_type().bitwidth(),
            "DspVersion": dsp.get(get_dsp_block(fpgapart)).version,
            "LevelBits": level_bits,
            "LevelLow": gates.low,
            "LevelHigh": gates.high,
            "GateFactorBits": factor_bits,
            "GateOffsetBits": offset_bits,
            "GateShift": gates.shift,
            "GateFactor": array(gates.factors, factor_bits),
            "GateOffset": array(offsets, offset_bits),
            "SigmoidBits": sigmoid_bits,
            "TanhBits": tanh_bits,
            "CellBits": cell_bits,
            "CellLow": memory.low,
            "CellHigh": memory.high,
            "OutLow": products[2].low,
            "OutHigh": products[2].high,
            "GateTables": array(
                [e for t in sigmoids for e in _table(t, gates.low, level_bits, sigmoid_bits)],
                sigmoid_bits,
            ),
            "StateTable": packed(
                _table(numbers.state_table, memory.low, cell_bits, tanh_bits), tanh_bits
            ),
            "FactorBits": max(product_factors).bit_length(),
            "OffsetBits": _signed_bits(product_offsets),
            "Shift": products[0].shift,
            "Factor": array(product_factors, max(product_factors).bit_length()),
            "Offset": array(product_offsets, _signed_bits(product_offsets)),
        }
        if not is_gru:
            cell = _table(numbers.tables[3], gates.low, level_bits, tanh_bits)
            parameters["CellTable"] = packed(cell, tanh_bits)
        return parameters

    def _wrapper(self, weights: IntArray, fpgapart: str) -> str:
        top, name = self.get_nodeattr("gen_top_module"), self.onnx_node.name
        memory = weight_rom.instance(
            self.calc_wmem(),
            self.weight_bits(),
            Path(self.get_nodeattr("code_gen_dir_ipgen")) / "memblock.dat",
            self.get_nodeattr("ram_style"),
        )
        in_bits, out_bits = self.get_instream_width(), self.get_outstream_width()
        high = [-(-bits // 8) * 8 - 1 for bits in (in_bits, out_bits)]
        padding = high[1] + 1 - out_bits
        word = f"{{{padding}'d0, out_data}}" if padding else "out_data"
        parameters = self._parameters(weights, fpgapart).items()
        steps, writeable = self.get_nodeattr("Steps"), self.get_nodeattr(length_port.ATTRIBUTE)
        busses = ":".join([*([axilite.PORT] if writeable else []), "in0_V", "out0_V"])
        length = length_port.register(name, steps) if writeable else length_port.constant(steps)
        # Verilator has no models of Xilinx primitives; tests show both forms of the lanes equal.
        text = f"""\
`ifdef VERILATOR
`define {top}_PRIMITIVES 0
`else
`define {top}_PRIMITIVES 1
`endif
// {self.cell.op} of {self.get_nodeattr("States")} units on {self.lanes().label}.
module {top} (
  (* X_INTERFACE_PARAMETER = "ASSOCIATED_BUSIF {busses}, ASSOCIATED_RESET ap_rst_n" *)
  (* X_INTERFACE_INFO = "xilinx.com:signal:clock:1.0 ap_clk CLK" *)
  input ap_clk,
  (* X_INTERFACE_PARAMETER = "POLARITY ACTIVE_LOW" *)
  input ap_rst_n,
{length_port.ports() if writeable else ""}\
  input [{high[0]}:0] in0_V_TDATA,
  input in0_V_TVALID,
  output in0_V_TREADY,
  output [{high[1]}:0] out0_V_TDATA,
  output out0_V_TVALID,
  input out0_V_TREADY
);
  wire [{self.weight_bits() - 1}:0] codes;
  wire codes_valid, codes_ready;
  wire [{out_bits - 1}:0] out_data;
  {length}
  {memory} i_memory (
    .clk_i(ap_clk), .rst_ni(ap_rst_n),
    .data_o(codes), .valid_o(codes_valid), .ready_i(codes_ready)
  );
  recurrent_layer #(
    {", ".join(f".{key}({value})" for key, value in parameters)},
    .UsePrimitives(`{top}_PRIMITIVES)
  ) i_layer (
    .clk_i(ap_clk), .rst_ni(ap_rst_n), .length_i(length),
    .in_data_i(in0_V_TDATA[{in_bits - 1}:0]), .in_valid_i(in0_V_TVALID),
    .in_ready_o(in0_V_TREADY),
    .weight_data_i(codes), .weight_valid_i(codes_valid), .weight_ready_o(codes_ready),
    .out_data_o(out_data), .out_valid_o(out0_V_TVALID), .out_ready_i(out0_V_TREADY)
  );
  assign out0_V_TDATA = {word};
endmodule
"""
        return remarked(text)

    def get_rtl_file_list(self, abspath: bool = False) -> list[str]:
        """The wrapper and the modules beneath, in compilation order."""
        own = sorted(_RTL.glob("*.sv"))
        lanes = [Path(path) for path in super().get_rtl_file_list(abspath=True)]
        wrapper, *units = lanes
        files = [*self._beside_lanes(), *units, *own, wrapper]
        return [str(f) if abspath else f.name for f in files]

    def get_verilog_paths(self) -> list[str]:
        """Folders that hold the node's sources."""
        beside = [str(path.parent) for path in self._beside_lanes()]
        return [*super().get_verilog_paths(), str(_RTL), *beside]

    def _beside_lanes(self) -> list[Path]:
        """Sources of the weight memory, and of the port where there is one."""
        port = [length_port.source()] if self.get_nodeattr(length_port.ATTRIBUTE) else []
        return [weight_rom.SOURCE, *port]

    def code_generation_ipi(self) -> list[str]:
        """The Vivado IPI commands that add the sources and the cell."""
        commands = [f"add_files -norecurse {f}" for f in self.get_rtl_file_list(abspath=True)]
        top, name = self.get_nodeattr("gen_top_module"), self.onnx_node.name
        return [*commands, f"create_bd_cell -type module -reference {top} {name}"]


class LSTM_MSQ_rtl(RecurrentRTL, LSTM_MSQ):
    """LSTM_MSQ on the ``recurrent_layer`` module."""


class GRU_MSQ_rtl(RecurrentRTL, GRU_MSQ):
    """GRU_MSQ on the ``recurrent_layer`` module."""


#: The ops, abstract and in RTL.
RECURRENT_OPS: tuple[type[RecurrentMSQ], ...] = (LSTM_MSQ, GRU_MSQ)
RECURRENT_RTL_OPS: tuple[type[RecurrentMSQ], ...] = (LSTM_MSQ_rtl, GRU_MSQ_rtl)
