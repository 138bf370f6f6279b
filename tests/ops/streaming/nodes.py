"""One-node models of streaming ops, and two ways to run them: FINN's rtlsim, and many frames."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from onnx import TensorProto, helper
from qonnx.core.datatype import DataType
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from qonnx.custom_op.registry import getCustomOp
from qonnx.util.basic import qonnx_make_model

DOMAIN = "finn.custom_op.fpgadataflow"
PART = "xc7z020clg400-1"


def one_node(op_type, inputs, outputs, **attributes):
    """A model of one node; ``inputs`` and ``outputs`` are (shape, data type name) pairs."""
    names = [f"in{i}" for i in range(len(inputs))], [f"out{i}" for i in range(len(outputs))]
    info = helper.make_tensor_value_info
    domain = f"{DOMAIN}.rtl" if op_type.endswith("_rtl") else DOMAIN
    node = helper.make_node(
        op_type, *names, name=f"{op_type}_0", domain=domain, backend="fpgadataflow", **attributes
    )
    values = [
        [info(name, TensorProto.FLOAT, shape) for name, (shape, _) in zip(side, what, strict=True)]
        for side, what in zip(names, (inputs, outputs), strict=True)
    ]
    model = ModelWrapper(qonnx_make_model(helper.make_graph([node], "one_node", *values)))
    for name, (_, datatype) in zip(names[0] + names[1], [*inputs, *outputs], strict=True):
        model.set_tensor_datatype(name, DataType[datatype])
    return model


def op_of(model):
    return getCustomOp(model.graph.node[0])


def generated(model):
    from finn.transformation.fpgadataflow.prepare_ip import PrepareIP

    return model.transform(PrepareIP(PART, 10))


def through_finn(model, *inputs):
    """Outputs of FINN's own rtlsim of a model."""
    from finn.transformation.fpgadataflow.prepare_rtlsim import PrepareRTLSim
    from finn.transformation.fpgadataflow.set_exec_mode import SetExecMode

    model = generated(model).transform(SetExecMode("rtlsim")).transform(PrepareRTLSim())
    return executed(model, *inputs)


def executed(model, *inputs):
    """Outputs of ``execute_onnx``, in whatever mode the nodes are."""
    given = {f"in{i}": x.astype(np.float32) for i, x in enumerate(inputs)}
    results = execute_onnx(model, given)
    return [results[info.name] for info in model.graph.output]


def random_integers(rng, datatype, shape):
    """Integers of a data type, the extremes among them."""
    low, high = int(DataType[datatype].min()), int(DataType[datatype].max())
    values = rng.integers(low, high + 1, shape)
    values.flat[0], values.flat[-1] = low, high
    return values


@dataclass(frozen=True)
class Streamed:
    """Outputs [frames, *normal shape] each, and the cycle in which each output ended a frame."""

    outputs: list
    frame_ends: list

    def interval(self):
        """Cycles between the ends of the last two frames, of the slowest output."""
        return max(int(ends[-1] - ends[-2]) for ends in self.frame_ends)


def streamed(model, *inputs, stall_in=0.0, stall_out=0.0, seed=0):
    """Send frames back to back through a node's RTL; inputs are [frames, *normal shape] each."""
    return stream(generated(model), *inputs, stall_in=stall_in, stall_out=stall_out, seed=seed)


def stream(model, *inputs, stall_in=0.0, stall_out=0.0, seed=0):
    """As `streamed`, where the RTL has been generated."""
    from msq_finn.sim import axi_streams

    op, node = op_of(model), model.graph.node[0]
    frames = len(inputs[0])
    sent, counts = {}, {}
    for i, values in enumerate(inputs):
        elements = op.get_folded_input_shape(i)[-1]
        bits = op.get_input_datatype(i).bitwidth()
        sent[f"in{i}_V"] = axi_streams.pack(values.reshape(-1, elements), bits)
    for i in range(len(node.output)):
        counts[f"out{i}_V"] = frames * int(np.prod(op.get_folded_output_shape(i)[:-1]))
    result = axi_streams.simulate(
        op.get_nodeattr("gen_top_module"),
        op.get_rtl_file_list(abspath=True),
        sent,
        counts,
        stall_in=stall_in,
        stall_out=stall_out,
        seed=seed,
        max_idle_cycles=1000,
    )
    outputs, ends = [], []
    for i in range(len(node.output)):
        datatype, fold = op.get_output_datatype(i), op.get_folded_output_shape(i)
        words = result.outputs[f"out{i}_V"]
        values = axi_streams.unpack(words, datatype.bitwidth(), fold[-1], datatype.signed())
        used = datatype.bitwidth() * fold[-1] - 8 * (words.shape[1] - 1)
        assert not (words[:, -1] >> used).any(), "padding is not zero"
        outputs.append(values.reshape(frames, *op.get_normal_output_shape(i)))
        ends.append(result.output_cycles[f"out{i}_V"].reshape(frames, -1)[:, -1])
    return Streamed(outputs, ends)
