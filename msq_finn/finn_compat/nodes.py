"""Ports and sources of FINN's nodes, which its lines name and list in different ways."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from importlib import import_module as _module
from pathlib import Path
from typing import Any

import numpy as np
from qonnx.util.basic import roundup_to_integer_multiple

from msq_finn.finn_compat import is_main


def weights_port() -> str:
    """Name of the weight stream of a matrix-vector unit."""
    return "weights_V" if is_main() else "in1_V"


def stream_ports(op: Any) -> tuple[list[str], list[str]]:
    """Names of a node's streams, inputs and outputs in order; weights from its own memory are none.

    Args:
        op: a node of FINN's or ours.
    """
    names = op.get_verilog_top_module_intf_names()
    inputs, outputs = ([name for name, _ in names[side]] for side in ("s_axis", "m_axis"))
    return inputs, outputs


def rename_ports(text: str, op: Any) -> str:
    """Give a wrapper of ours, written with finn-plus's names, those of this FINN.

    Args:
        text: Verilog.
    """
    if not is_main():
        return text
    if len(op.onnx_node.output) == 1:
        text = re.sub(r"\bout0_V\b|\bout0_V(?=_T)", "out_V", text)
    if op.onnx_node.op_type.startswith(("MVAU", "VVAU")):
        text = re.sub(r"\bin1_V\b|\bin1_V(?=_T)", weights_port(), text)
    return text


def _is_ours(made: type) -> bool:
    return made.__module__.startswith("msq_finn")


def rtl_sources(op: Any) -> Sequence[Path]:
    """Files of a node's RTL, in compilation order.

    Main's nodes, and ours that are made of one, tell them to Vivado only, which is asked to add
    them one by one.

    Args:
        op: a node after code generation.
    """
    own = any("get_rtl_file_list" in vars(each) for each in type(op).__mro__ if _is_ours(each))
    if not is_main() or own:
        return [Path(file) for file in op.get_rtl_file_list(abspath=True)]
    commands = [re.match(r"add_files\b.*-norecurse (\S+)", c) for c in op.code_generation_ipi()]
    return [Path(command[1]) for command in commands if command]


def weight_stream_bits(op: Any) -> int:
    """Bits of a word of a node's weight stream, padded to bytes.

    Args:
        op: a matrix-vector or depthwise unit of FINN's or ours.
    """
    if is_main() and not _is_ours(type(op)):
        return int(op.get_weightstream_width_padded())
    return int(roundup_to_integer_multiple(op.get_instream_width(1), 8))


def prepare_rtlsim(op: Any, behav: bool) -> Any:
    """Compile a node of ours for FINN's simulation of it.

    Args:
        op: a node after code generation.
        behav: whether FIFOs are gauges.
    """
    backend = _module("finn.custom_op.fpgadataflow.rtlbackend").RTLBackend
    if not is_main():
        return backend.prepare_rtlsim(op, behav)
    sim = _module("pyverilator").PyVerilator.build(
        [str(source) for source in rtl_sources(op)],
        build_dir=_module("finn.util.basic").make_build_dir(f"rtlsim_{op.onnx_node.name}_"),
        top_module_name=op.get_verilog_top_module_name(),
    )
    op.set_nodeattr("rtlsim_so", sim.lib._name)
    return sim


def execute_rtl(op: Any, context: dict[str, Any], graph: Any, theirs: Any) -> None:
    """Simulate a node of ours.

    Args:
        op: a node whose simulation is prepared.
        context: tensors by name; the node's outputs are written.
        graph: FINN's, around the node.
        theirs: FINN's function for it; main's knows neither codes nor several streams.
    """
    if not is_main():
        theirs(op, context, graph)
        return
    node, packing = op.onnx_node, _module("finn.util.data_packing")
    utilities = _module("pyverilator.util.axi_utils")
    inputs, outputs = stream_ports(op)
    words = {
        port: packing.npy_to_rtlsim_input(
            context[node.input[i]].reshape(op.get_folded_input_shape(i)),
            op.get_input_datatype(i),
            op.get_instream_width(i),
        )
        for i, port in enumerate(inputs)
    }
    if node.op_type.startswith(("MVAU", "VVAU")) and op.get_nodeattr("mem_mode") != _EMBEDDED:
        words[weights_port()] = _weights(op, packing)
    streams = {"inputs": words, "outputs": {port: [] for port in outputs}}
    counts = {port: math.prod(op.get_folded_output_shape(i)[:-1]) for i, port in enumerate(outputs)}
    sim = op.get_rtlsim()
    utilities.reset_rtlsim(sim)
    op.set_nodeattr("cycles_rtlsim", utilities.rtlsim_multi_io(sim, streams, counts, sname=""))
    for i, port in enumerate(outputs):
        datatype, file = op.get_output_datatype(i), f"{op.get_nodeattr(_CODE)}/output.npy"
        widths = (op.get_outstream_width(i), datatype.bitwidth())
        shape = op.get_folded_output_shape(i)
        packing.rtlsim_output_to_npy(streams["outputs"][port], file, datatype, shape, *widths)
        result = np.load(file).astype(np.float32).reshape(op.get_normal_output_shape(i))
        context[node.output[i]] = result


_CODE, _EMBEDDED = "code_gen_dir_ipgen", "internal_embedded"


def _weights(op: Any, packing: Any) -> list[int]:
    """Words of the weight stream for all vectors."""
    words: list[int] = packing.npy_to_rtlsim_input(
        f"{op.get_nodeattr(_CODE)}/weights.npy", op.get_input_datatype(1), op.get_instream_width(1)
    )
    vectors = math.prod(op.get_folded_output_shape()[:-2])
    return words * vectors
