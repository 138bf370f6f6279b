"""One SystemVerilog top for a whole dataflow graph, without Vivado's block designs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp

from msq_finn.build.end_ports import input_ports
from msq_finn.build.run_time import writes
from msq_finn.build.stitched import STREAM_CHECK, TOP, Instance, Stitched
from msq_finn.errors import MsqError
from msq_finn.finn_compat.nodes import rtl_sources, stream_ports, weight_stream_bits, weights_port
from msq_finn.lowering.rtl_nodes import refuse_hls
from msq_finn.ops import axilite, memstream, weight_rom
from msq_finn.ops.lanes_rtl import LanesRTL

_THROTTLE = Path(__file__).with_name("rate_throttle.sv")

_INPUT = re.compile(r"^\s*input\s+(?:wire\s+|logic\s+)?(?:\[[^\]]*\]\s*)?(\w+)", re.MULTILINE)

#: AXI-lite signals of what can be written at run time, but for protection, which stays 0.
_AXILITE = {name: signal for name, signal in axilite.signals().items() if not name.endswith("PROT")}


def stitch(
    model: ModelWrapper,
    folder: Path,
    frame_interval: int | None = None,
    taps: Iterable[str] = (),
    control_only: bool = False,
) -> Stitched:
    """Write ``finn_design.sv``, which wires up the nodes' generated RTL as the graph says.

    Args:
        model: a dataflow partition after code generation, RTL nodes only; every tensor has one
            producer and one consumer, as FINN's own stitching needs it.
        folder: where to write the top.
        frame_interval: if given, frames enter no faster than one in so many cycles.
        taps: inner tensors to watch: their words leave in further streams as they pass. These
            never wait, so that what reads them must always be ready.
        control_only: let every node read zeros. FINN's streams move the same whatever they carry;
            what only computes data is then left out of a simulation, which makes it many times
            faster to compile.

    Returns:
        the design; its ports are ``ap_clk``, ``ap_rst_n`` (and ``ap_clk2x`` for pumped nodes), the
        AXI streams ``in<i>_V`` and ``out<i>_V``, one ``<fifo>_maxcount`` a FIFO, one ``tap<i>_V`` a
        tensor watched, and one AXI-lite ``s_axilite_<node>`` a node that is written at run time.

    Raises:
        MsqError: a node has no RTL, or a tensor more than one consumer.
    """
    result = Stitched(folder / f"{TOP}.sv", [])
    result.ports += ["input logic ap_clk", "input logic ap_rst_n"]
    if any(_is_pumped(getCustomOp(node)) for node in model.graph.node):
        result.ports.append("input logic ap_clk2x")
    streams = _stream_names(model)
    for tensor, net in streams.items():
        if net.startswith("net"):
            _add_stream(result, net, _width(model, tensor))
    for index, info in enumerate(model.graph.input):
        _add_port(result, f"in{index}_V", _width(model, info.name), "input", "output")
    if frame_interval is not None:
        _throttle(model, streams, result, frame_interval)
    for index, tensor in enumerate(taps):
        net, port = streams[tensor], f"tap{index}_V"
        _add_port(result, port, _width(model, tensor), "output", "input")
        result.nets.append(f"assign {port}_TDATA = {net}_TDATA;")
        result.nets.append(f"assign {port}_TVALID = {net}_TVALID & {net}_TREADY;")
        result.taps[tensor] = port
    for index, info in enumerate(model.graph.output):
        _add_port(result, f"out{index}_V", _width(model, info.name), "output", "input")
    for node in model.graph.node:
        op = getCustomOp(node)
        sources = _rtl_sources(op)
        extra = {}
        if node.op_type.startswith("StreamingFIFO"):
            probe = f"{node.name}_maxcount"
            result.ports.append(f"output logic [31:0] {probe}")
            result.probes[node.name] = probe
            extra["maxcount"] = probe
        result.parts.append((node.name, op.get_nodeattr("gen_top_module"), sources))
        configuration = {}
        if writes(op):
            result.ports += [
                f"{direction} logic [{width - 1}:0] s_axilite_{node.name}_{signal}"
                for signal, (direction, width) in _AXILITE.items()
            ]
            configuration = {f"s_axilite_{s}": f"s_axilite_{node.name}_{s}" for s in _AXILITE}
            part = f"{node.name}_weights" if _has_weight_memory(op) else node.name
            result.writeable.add(part)
        if _has_weight_memory(op):
            _add_weight_memory(result, op, configuration)
            extra |= {
                f"{weights_port()}_{s}": f"{node.name}_w_{s}" for s in ("TDATA", "TVALID", "TREADY")
            }
        else:
            extra |= configuration
        inputs = _inputs(op, sources)
        pins = _pins(op, inputs, streams) | extra
        if control_only:
            pins |= {pin: "'0" for pin in inputs if pin.upper().endswith("_TDATA")}
        result.instances.append(Instance(node.name, op.get_nodeattr("gen_top_module"), pins))
    if control_only:
        result.defines["MSQ_CONTROL_ONLY"] = "1"
    result.write()
    unique = dict.fromkeys(s for _, _, sources in result.parts for s in sources)
    throttle = [_THROTTLE] if frame_interval is not None else []
    result.sources = [*_packages_first(unique), *throttle, STREAM_CHECK, result.path]
    return result


def _stream_names(model: ModelWrapper) -> dict[str, str]:
    """Tensor name -> stream name in the top: ``in0_V``, ``out0_V`` or ``net<i>``."""
    names = {info.name: f"in{i}_V" for i, info in enumerate(model.graph.input)}
    names |= {info.name: f"out{i}_V" for i, info in enumerate(model.graph.output)}
    for node in model.graph.node:
        for tensor in node.output:
            if len(model.find_consumers(tensor)) > 1:
                raise MsqError(
                    f"output {tensor} feeds several nodes; FINN streams are 1:1", where=node.name
                )
            names.setdefault(tensor, f"net{len(names)}")
    return names


def _throttle(
    model: ModelWrapper, streams: dict[str, str], result: Stitched, interval: int
) -> None:
    """Put a frame throttle behind every input stream, and let the graph read from it."""
    for index, (info, port) in enumerate(zip(model.graph.input, input_ports(model), strict=True)):
        width, net = _width(model, info.name), f"throttled{index}"
        streams[info.name] = net
        _add_stream(result, net, width)
        pins = {"clk_i": "ap_clk", "rst_ni": "ap_rst_n"}
        for side, stream in (("i", f"in{index}_V"), ("o", net)):
            pins |= {f"data_{side}": f"{stream}_TDATA", f"valid_{side}": f"{stream}_TVALID"}
        pins |= {"ready_o": f"in{index}_V_TREADY", "ready_i": f"{net}_TREADY"}
        parameters = f"#(.Width({width}), .Words({port.words}), .Interval({interval}))"
        result.instances.append(Instance(f"throttle{index}", f"rate_throttle {parameters}", pins))


def _width(model: ModelWrapper, tensor: str) -> int:
    """Width of a tensor's stream in bits, padded to bytes."""
    producer = model.find_producer(tensor)
    if producer is not None:
        op = getCustomOp(producer)
        return int(op.get_outstream_width_padded(list(producer.output).index(tensor)))
    consumer = model.find_consumers(tensor)[0]
    return int(getCustomOp(consumer).get_instream_width_padded(list(consumer.input).index(tensor)))


def _add_stream(result: Stitched, name: str, width: int) -> None:
    result.nets.append(f"logic [{width - 1}:0] {name}_TDATA; logic {name}_TVALID, {name}_TREADY;")
    result.streams[name] = width


def _add_port(result: Stitched, name: str, width: int, forward: str, backward: str) -> None:
    result.ports += [
        f"{forward} logic [{width - 1}:0] {name}_TDATA",
        f"{forward} logic {name}_TVALID",
        f"{backward} logic {name}_TREADY",
    ]
    result.streams[name] = width


def _rtl_sources(op: Any) -> list[Path]:
    node = op.onnx_node
    refuse_hls(node)
    return list(rtl_sources(op))


def _inputs(op: Any, sources: list[Path]) -> list[str]:
    """Names of the input ports of a node's top module."""
    top = op.get_nodeattr("gen_top_module")
    for source in sources:
        text = source.read_text()
        start = re.search(rf"\bmodule\s+{re.escape(top)}\b", text)
        if start:
            header = text[start.end() :].split("endmodule")[0].split(");")[0:2]
            return _INPUT.findall(");".join(header))
    raise MsqError(f"module {top} not found in its sources", where=op.onnx_node.name)


def _pins(op: Any, inputs: list[str], streams: dict[str, str]) -> dict[str, str]:
    """What a node's ports are wired to; inputs that nothing drives are held at 0."""
    node = op.onnx_node
    pins = dict.fromkeys(inputs, "'0")
    pins |= {"ap_clk": "ap_clk", "ap_rst_n": "ap_rst_n"}
    if "ap_clk2x" in pins:
        pins["ap_clk2x"] = _double_clock(op)
    for ports, tensors in zip(stream_ports(op), (node.input, node.output), strict=True):
        for index, tensor in enumerate(tensors):
            if tensor in streams:
                for signal in ("TDATA", "TVALID", "TREADY"):
                    pins[f"{ports[index]}_{signal}"] = f"{streams[tensor]}_{signal}"
    return pins


def _is_pumped(op: Any) -> bool:
    """Tell whether a node computes or reads weights at twice the clock."""
    known = op.get_nodeattr_types()
    return any(op.get_nodeattr(a) for a in ("pumpedCompute", "pumpedMemory") if a in known)


def _double_clock(op: Any) -> str:
    return "ap_clk2x" if _is_pumped(op) else "ap_clk"


def _has_weight_memory(op: Any) -> bool:
    return bool(
        op.onnx_node.op_type.startswith(("MVAU", "VVAU"))
        and op.get_nodeattr("mem_mode") == "internal_decoupled"
    )


def _memory_module(op: Any) -> str:
    return f"{op.get_nodeattr('gen_top_module')}_memstream_wrapper"


def _add_weight_memory(result: Stitched, op: Any, configuration: dict[str, str]) -> None:
    """Put the memory beside a matrix-vector unit."""
    node = op.onnx_node
    module = _memory_module(op)
    pins = {"ap_clk": "ap_clk", "ap_clk2x": _double_clock(op), "ap_rst_n": "ap_rst_n"}
    if isinstance(op, LanesRTL) and op.has_rom():
        beneath = [weight_rom.SOURCE]
    else:
        beneath = memstream.sources()
        inputs = (name for name, (side, _) in axilite.signals().items() if side == "input")
        pins |= {"s_axis_0_tvalid": "'0", "s_axis_0_tdata": "'0"}
        pins |= {f"s_axilite_{name}": "'0" for name in inputs} | configuration
    for signal in ("tdata", "tvalid", "tready"):
        pins[f"m_axis_0_{signal}"] = f"{node.name}_w_{signal.upper()}"
    _add_stream(result, f"{node.name}_w", weight_stream_bits(op))
    wrapper = Path(op.get_nodeattr("code_gen_dir_ipgen")) / f"{module}.v"
    if not wrapper.exists():  # in a line of FINN that leaves it to Vivado
        wrapper.write_text(memstream.wrapper_of(op))
    sources = [wrapper, *beneath]
    part = f"{node.name}_weights"
    result.instances.append(Instance(part, module, pins))
    result.parts.append((part, module, sources))


def _packages_first(sources: Any) -> Iterator[Path]:
    """SystemVerilog packages must be compiled before the modules that import them."""
    ordered = sorted(sources, key=lambda path: not path.stem.endswith("_pkg"))
    yield from ordered
