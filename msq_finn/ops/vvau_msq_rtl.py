"""VVAU_MSQ_rtl: the SystemVerilog implementation of VVAU_MSQ."""

from __future__ import annotations

from typing import Any

import numpy as np
from finn.custom_op.fpgadataflow.rtl.vectorvectoractivation_rtl import VVAU_rtl
from finn.util.basic import get_dsp_block

from msq_finn.errors import MsqError
from msq_finn.finn_compat.nodes import execute_rtl
from msq_finn.lanes import dsp
from msq_finn.lanes.divisors import check_divides
from msq_finn.lanes.hardware import lanes_parameter, literal
from msq_finn.ops.lanes_rtl import LanesRTL
from msq_finn.ops.streaming.stream_wrapper import InputStream, render
from msq_finn.ops.vvau_msq import VVAU_MSQ
from msq_finn.rtl.literals import array, remarked


class VVAU_MSQ_rtl(VVAU_MSQ, LanesRTL, VVAU_rtl):
    """VVAU_MSQ on the ``vvau_msq`` module, its weight memory beside it."""

    def execute_node(self, context: dict[str, Any], graph: Any) -> None:
        """Simulate the RTL where exec_mode says so, else compute in Python."""
        if self.get_nodeattr("exec_mode") == "rtlsim":
            execute_rtl(self, context, graph, VVAU_rtl.execute_node)
        else:
            VVAU_MSQ.execute_node(self, context, graph)

    def _check_supported(self, fpgapart: str) -> None:
        name, simd, pe = self.onnx_node.name, self.get_nodeattr("SIMD"), self.get_nodeattr("PE")
        if self.get_nodeattr("mem_mode") != "internal_decoupled":
            raise MsqError(
                f"mem_mode {self.get_nodeattr('mem_mode')!r} is not supported; "
                "use internal_decoupled",
                field="mem_mode",
                value=self.get_nodeattr("mem_mode"),
                where=name,
            )
        check_divides(name, "SIMD", simd, "window", self.window())
        check_divides(name, "PE", pe, "Channels", self.get_nodeattr("Channels"))
        self._check_runtime_weights()
        self._check_widths(fpgapart)
        if simd > 1 and self.lanes().of_engine("dsp"):
            raise MsqError("DSP lanes take one element a cycle; use SIMD=1", where=name)

    def _wrapper(self, model: Any, fpgapart: str) -> str:
        lanes, acts = self.lanes(), self.get_input_datatype(0)
        bits, channels = self.get_output_datatype().bitwidth(), self.get_nodeattr("Channels")
        offsets = np.zeros(channels, dtype=np.int64)
        if not self.get_nodeattr("offsetOutput"):
            offsets = -self.row_offsets(model.get_initializer(self.onnx_node.input[1]))
        top = self.get_nodeattr("gen_top_module")
        parameters = {
            "Window": self.window(),
            "Channels": channels,
            "SIMD": self.get_nodeattr("SIMD"),
            "Lanes": literal(lanes_parameter(lanes)),
            "WeightBits": self.code_bits(),
            "ActBits": acts.bitwidth(),
            "ActSigned": int(acts.signed()),
            "AccBits": bits,
            "DspVersion": dsp.get(get_dsp_block(fpgapart)).version,
            "UsePrimitives": f"`{top}_PRIMITIVES",
            "AddOffset": int(any(offsets)),
            "Offset": array(offsets, bits),
        }
        streams = [
            InputStream("act", self.get_instream_width(0)),
            InputStream("weight", self.get_instream_width(1)),
        ]
        # Verilator has no models of Xilinx primitives; tests/rtl shows both forms equal.
        text = f"""\
`ifdef VERILATOR
`define {top}_PRIMITIVES 0
`else
`define {top}_PRIMITIVES 1
`endif
{render(top, "vvau_msq", parameters, streams, self.get_outstream_width(), 1)}"""
        return remarked(text)
