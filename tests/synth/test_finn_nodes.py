"""FINN's generated RTL goes through synthesis."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("finn")

from onnx import TensorProto, helper
from qonnx.core.datatype import DataType
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.util.basic import qonnx_make_model

from msq_finn.synth.module_resources import NodeSpec, measure_nodes

pytestmark = pytest.mark.usefixtures("finn")

PART = "xc7z020clg400-1"


def _model(op: str, name: str, shape, weights=None, dtype="UINT4", out="UINT4", **attributes):
    inputs = ["in"] + (["w"] if weights is not None else [])
    node = helper.make_node(
        op,
        inputs,
        ["out"],
        domain="finn.custom_op.fpgadataflow.rtl",
        backend="fpgadataflow",
        name=name,
        **attributes,
    )
    ends = [
        helper.make_tensor_value_info(tensor, TensorProto.FLOAT, dims)
        for tensor, dims in zip(("in", "out"), shape, strict=True)
    ]
    model = ModelWrapper(qonnx_make_model(helper.make_graph([node], "g", ends[:1], ends[1:])))
    model.set_tensor_datatype("in", DataType[dtype])
    model.set_tensor_datatype("out", DataType[out])
    if weights is not None:
        model.set_initializer("w", weights[0].astype(np.float32))
        model.set_tensor_datatype("w", DataType[weights[1]])
    return model


def _generate(model: ModelWrapper):
    from finn.transformation.fpgadataflow.prepare_ip import PrepareIP
    from finn.util.basic import getHWCustomOp

    return getHWCustomOp(model.transform(PrepareIP(PART, 10.0)).graph.node[0])


def _spec(model: ModelWrapper) -> NodeSpec:
    op = _generate(model)
    sources = op.get_rtl_file_list(abspath=True)
    return NodeSpec(op.onnx_node.name, op.get_nodeattr("gen_top_module"), sources)


def _thresholding(name: str, **attributes) -> NodeSpec:
    rng = np.random.default_rng(3)
    thresholds = np.sort(rng.integers(-999, 999, (32, 15)), axis=1)
    return _spec(
        _model(
            "Thresholding_rtl",
            name,
            [(1, 4, 4, 32)] * 2,
            (thresholds, "INT12"),
            dtype="INT12",
            NumChannels=32,
            PE=2,
            numSteps=15,
            inputDataType="INT12",
            weightDataType="INT12",
            outputDataType="UINT4",
            numInputVectors=[1, 4, 4],
            **attributes,
        )
    )


def _mvau(ram_style: str) -> list[NodeSpec]:
    from finn.util.settings import get_settings

    weights = np.random.default_rng(4).integers(-7, 8, (32, 16))
    op = _generate(
        _model(
            "MVAU_rtl",
            f"mvau_{ram_style}",
            [(1, 32), (1, 16)],
            (weights, "INT4"),
            out="INT14",
            MW=32,
            MH=16,
            SIMD=8,
            PE=4,
            inputDataType="UINT4",
            weightDataType="INT4",
            outputDataType="INT14",
            accDataType="INT14",
            noActivation=1,
            numInputVectors=[1],
            mem_mode="internal_decoupled",
            ram_style=ram_style,
            resType="dsp",
        )
    )
    name, top = op.onnx_node.name, op.get_nodeattr("gen_top_module")
    library = Path(get_settings().finn_rtllib)
    memory = f"{top}_memstream_wrapper"
    memory_sources = [
        library / "axi/hdl/axilite.sv",
        library / "memstream/hdl/memstream.sv",
        library / "memstream/hdl/memstream_axi.sv",
        Path(op.get_nodeattr("code_gen_dir_ipgen")) / f"{memory}.v",
    ]
    return [
        NodeSpec(name, top, op.get_rtl_file_list(abspath=True)),
        NodeSpec(f"{name}_weights", memory, memory_sources),
    ]


def test_nodes_of_a_convolutional_network():
    fifo = {"folded_shape": [1, 16, 4], "normal_shape": [1, 16, 4], "dataType": "UINT4"}
    nodes = [
        _thresholding("thresholds"),
        _thresholding("thresholds_bram", depth_trigger_bram=64),
        *_mvau("block"),
        *_mvau("distributed"),
        _spec(
            _model(
                "FMPadding_rtl",
                "padding",
                [(1, 8, 8, 4), (1, 10, 10, 4)],
                ImgDim=[8, 8],
                Padding=[1, 1, 1, 1],
                NumChannels=4,
                SIMD=2,
                inputDataType="UINT4",
                numInputVectors=1,
            )
        ),
        _spec(
            _model(
                "ConvolutionInputGenerator_rtl",
                "sliding_window",
                [(1, 8, 8, 4), (1, 6, 6, 36)],
                ConvKernelDim=[3, 3],
                IFMChannels=4,
                IFMDim=[8, 8],
                OFMDim=[6, 6],
                SIMD=4,
                Stride=[1, 1],
                Dilation=[1, 1],
                inputDataType="UINT4",
                outputDataType="UINT4",
                ram_style="distributed",
            )
        ),
        _spec(
            _model(
                "StreamingDataWidthConverter_rtl",
                "converter",
                [(1, 4, 48)] * 2,
                inShape=[1, 4, 48],
                outShape=[1, 4, 48],
                inWidth=16,
                outWidth=64,
                dataType="UINT4",
            )
        ),
        _spec(_model("StreamingFIFO_rtl", "fifo_srl", [(1, 16, 4)] * 2, depth=32, **fifo)),
        _spec(
            _model(
                "StreamingFIFO_rtl",
                "fifo_bram",
                [(1, 16, 4)] * 2,
                depth=1024,
                ram_style="block",
                **fifo,
            )
        ),
    ]
    found = measure_nodes(nodes, part=PART)

    assert found["thresholds"].bram36 == 0 < found["thresholds"].lut_sites
    # Two stages of either lane, of 16 folds x 4 and x 8 thresholds, are deep enough.
    assert found["thresholds_bram"].bram36 == 2.0
    # Four 4-bit lanes share a DSP48E1: one for each of the SIMD inputs.
    assert found["mvau_block"].dsp == found["mvau_distributed"].dsp == 8
    assert found["mvau_block"] == found["mvau_distributed"]
    # 16 words of 128 bits: two RAMB36 of 72 bits, or LUT RAM, 4 sites for 8 bits.
    assert found["mvau_block_weights"].bram36 == 2.0
    assert found["mvau_distributed_weights"].bram36 == 0
    extra = found["mvau_distributed_weights"].lut_memory - found["mvau_block_weights"].lut_memory
    assert extra == 64
    # A row of the window's input buffer is LUT RAM.
    assert found["sliding_window"].lut_memory > 0
    assert found["padding"].lut_memory == found["padding"].bram36 == 0
    # A word of the wide stream is registered.
    assert found["converter"].ff >= 64
    # 31 words of 16 bits lie in shift registers, the last word in flip-flops.
    assert found["fifo_srl"].lut_memory == 16
    assert 16 <= found["fifo_srl"].ff < 40
    assert found["fifo_bram"].bram36 == 0.5
