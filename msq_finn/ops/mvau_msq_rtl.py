"""MVAU_MSQ_rtl: the SystemVerilog implementation of MVAU_MSQ."""

from __future__ import annotations

from typing import Any

import numpy as np
from finn.custom_op.fpgadataflow.rtl.matrixvectoractivation_rtl import MVAU_rtl
from finn.util.basic import get_dsp_block

from msq_finn.errors import MsqError
from msq_finn.finn_compat.nodes import execute_rtl
from msq_finn.lanes import dsp
from msq_finn.lanes.constants import layer_tables
from msq_finn.lanes.divisors import check_divides
from msq_finn.ops.lanes_rtl import LanesRTL
from msq_finn.ops.mvau_msq import MVAU_MSQ
from msq_finn.ops.wrapper import Parameters, render


class MVAU_MSQ_rtl(MVAU_MSQ, LanesRTL, MVAU_rtl):
    """MVAU_MSQ on the ``mvau_msq`` module, its weight memory beside it."""

    def execute_node(self, context: dict[str, Any], graph: Any) -> None:
        """Simulate the RTL where exec_mode says so, else compute in Python."""
        if self.get_nodeattr("exec_mode") == "rtlsim":
            execute_rtl(self, context, graph, MVAU_rtl.execute_node)
        else:
            MVAU_MSQ.execute_node(self, context, graph)

    def adapt_for_loop_body(self, input_types: Any) -> None:
        """Refuse FINN's loop rolling: the lanes' weights cannot come from external memory.

        Raises:
            MsqError: always.
        """
        raise MsqError("MVAU_MSQ cannot be rolled into a FINN loop", where=self.onnx_node.name)

    def generate_params(self, model: Any, path: str) -> None:
        """Write the weight memory's contents; embedded weights are parameters of the wrapper."""
        if self.get_nodeattr("mem_mode") == "internal_decoupled":
            super().generate_params(model, path)

    def _check_supported(self, fpgapart: str) -> None:
        name = self.onnx_node.name
        memory = "internal_embedded" if self.lanes().is_constant else "internal_decoupled"
        if self.get_nodeattr("mem_mode") != memory:
            raise MsqError(
                f"mem_mode {self.get_nodeattr('mem_mode')!r} does not suit the lanes; use {memory}",
                field="mem_mode",
                value=self.get_nodeattr("mem_mode"),
                where=name,
            )
        for part, whole in (("SIMD", "MW"), ("PE", "MH")):
            check_divides(name, part, self.get_nodeattr(part), whole, self.get_nodeattr(whole))
        self.check_pixels()
        self._check_runtime_weights()
        known = self.get_nodeattr_types()  # not all FINNs have all of these
        for attribute in ("pumpedCompute", "mlo_max_iter", "bodies"):
            if attribute in known and self.get_nodeattr(attribute):
                raise MsqError(f"{attribute} is not supported by MVAU_MSQ", where=name)
        if "TH" in known and self.get_nodeattr("TH") != 1:
            raise MsqError("tiling (TH > 1) is not supported by MVAU_MSQ", where=name)
        self._check_widths(fpgapart)

    def _wrapper(self, model: Any, fpgapart: str) -> str:
        return render(self.get_nodeattr("gen_top_module"), self._parameters(model, fpgapart))

    def _parameters(self, model: Any, fpgapart: str) -> Parameters:
        lanes = self.lanes()
        mw, mh, simd = (self.get_nodeattr(a) for a in ("MW", "MH", "SIMD"))
        offsets = np.zeros(mh, dtype=np.int64)
        weights = model.get_initializer(self.onnx_node.input[1]).astype(np.int64)
        if not self.get_nodeattr("offsetOutput"):
            offsets = -self.row_offsets(weights)
        constants = lanes.folded(weights, simd)[lanes.constant_lanes]
        acts = self.get_input_datatype(0)

        return Parameters(
            mw=mw,
            mh=mh,
            simd=simd,
            lanes=lanes,
            tables=layer_tables(constants.reshape(len(constants), -1, simd))
            if len(constants)
            else None,
            act_bits=acts.bitwidth(),
            act_signed=acts.signed(),
            acc_bits=self.get_output_datatype().bitwidth(),
            dsp_version=dsp.get(get_dsp_block(fpgapart)).version,
            offsets=tuple(int(o) for o in offsets),
            pixels=self.get_nodeattr("pixels"),
        )
