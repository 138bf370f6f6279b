"""VVAU_MSQ_rtl: the SystemVerilog implementation of VVAU_MSQ."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from finn.custom_op.fpgadataflow.rtl.vectorvectoractivation_rtl import VVAU_rtl
from finn.util.basic import get_dsp_block

from msq_finn.errors import MsqError
from msq_finn.finn_compat.nodes import execute_rtl, rename_ports
from msq_finn.lanes import dsp
from msq_finn.lanes.divisors import check_divides
from msq_finn.lanes.hardware import lanes_parameter, literal
from msq_finn.ops.lanes_rtl import LanesRTL
from msq_finn.ops.streaming.stream_wrapper import InputStream, render
from msq_finn.ops.vvau_msq import VVAU_MSQ
from msq_finn.rtl.literals import remarked


class VVAU_MSQ_rtl(VVAU_MSQ, LanesRTL, VVAU_rtl):
    """VVAU_MSQ on the ``vvau_msq`` module, its weight memory beside it."""

    def get_nodeattr_types(self) -> dict[str, Any]:
        """VVAU_MSQ's and VVAU_rtl's attributes."""
        return VVAU_rtl.get_nodeattr_types(self) | VVAU_MSQ.get_nodeattr_types(self)

    def execute_node(self, context: dict[str, Any], graph: Any) -> None:
        """Simulate the RTL where exec_mode says so, else compute in Python."""
        if self.get_nodeattr("exec_mode") == "rtlsim":
            execute_rtl(self, context, graph, VVAU_rtl.execute_node)
        else:
            VVAU_MSQ.execute_node(self, context, graph)

    def lut_estimation(self, fpgapart: str = "") -> int:
        """See VVAU_MSQ; FINN's RTL estimate is 0."""
        return VVAU_MSQ.lut_estimation(self, fpgapart)

    def dsp_estimation(self, fpgapart: str) -> int:
        """See VVAU_MSQ."""
        return VVAU_MSQ.dsp_estimation(self, fpgapart)

    def generate_hdl(self, model: Any, fpgapart: str, clk: float) -> None:
        """Write the wrapper, the weight memory and its contents into the node's code folder.

        Raises:
            MsqError: an attribute asks for what the module cannot do.
        """
        self._check_supported(fpgapart)
        folder = Path(self.get_nodeattr("code_gen_dir_ipgen"))
        self.generate_params(model, str(folder))
        self.set_nodeattr("gen_top_module", self.get_verilog_top_module_name())
        self._wrapper_path().write_text(rename_ports(self._wrapper(model, fpgapart), self))
        self.generate_hdl_memstream(fpgapart)
        self.set_nodeattr("ipgen_path", str(folder))
        self.set_nodeattr("ip_path", str(folder))

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
        packed = sum((int(o) % (1 << bits)) << (c * bits) for c, o in enumerate(offsets))
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
            "Offset": f"{channels * bits}'h{packed:x}",
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

    def instantiate_ip(self, cmd: list[str]) -> None:
        """Append the Vivado IPI commands that add the sources and the compute core."""
        node, top = self.onnx_node.name, self.get_nodeattr("gen_top_module")
        cmd += self._added_files()
        cmd.append(f"create_bd_cell -type hier -reference {top} /{node}/{node}")
