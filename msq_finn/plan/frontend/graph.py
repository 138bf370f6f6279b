"""Networks for the planner from FINN dataflow models and exported QONNX files."""

from __future__ import annotations

import math
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp

from msq_finn.finn_compat import ADDS
from msq_finn.lanes import kinds
from msq_finn.lanes.demand import Demand
from msq_finn.lanes.matrix import dense_columns
from msq_finn.lowering.inputs import load_model
from msq_finn.lowering.lower import Target, lower
from msq_finn.plan.frontend.network import Conv, Layer, Network
from msq_finn.plan.frontend.windows import waiting_pixels
from msq_finn.progress import Progress, silent
from msq_finn.sim.finn_env import build_dir_restored
from msq_finn.transforms.channel_spaces import channel_spaces
from msq_finn.transforms.place_rows import ROW_MIXED
from msq_finn.transforms.row_schemes import common_rows

#: Nodes whose cycles may be the most, which no plan counts.
_NOT_PLANNED = ("MVAU", "VVAU", "StreamingConcat")


def network_of_file(path: Path, board: str, progress: Progress = silent) -> Network:
    """Describe an exported QONNX model, lowered up to folding.

    Layers are named after the model's own nodes, such as ``conv1``, where these are as many and of
    the same shapes; else after FINN's.

    Args:
        path: exported model.
        board: a board FINN knows.
        progress: told of every step.

    Raises:
        MsqError: the model cannot be lowered, or has no 4-bit layer.
    """
    with tempfile.TemporaryDirectory() as folder, build_dir_restored():
        work = Path(folder)
        lowered = lower(path, Target(board), work, progress)
        network = network_of_model(lowered.model, path.stem)
    names = _source_names(path, network)
    layers = (replace(a, name=n) for a, n in zip(network.layers, names, strict=True))
    return replace(network, layers=tuple(layers))


def network_of_model(model: ModelWrapper, name: str) -> Network:
    """Describe our layers of a dataflow model before folding; others are named only.

    Args:
        model: graph of hardware nodes.
        name: of the network.

    Raises:
        MsqError: there is none, or layers whose outputs are added share no scheme.
    """
    layers = [layer_of(model, node) for node in model.graph.node if _is_msq(node)]
    by_node = {layer.name: layer for layer in layers}
    for index, space in enumerate(channel_spaces(model)):
        nodes = [node for node in space.producers if _is_msq(node)]
        if space.fixed_by is not None:
            for node in nodes:
                by_node[node.name] = replace(by_node[node.name], ordered=True)
        if len(nodes) > 1:
            joined = " and ".join(node.name for node in nodes)
            held = [getCustomOp(node).row_schemes() for node in nodes]
            demand = Demand.of(common_rows(held, joined))
            for node in nodes:
                own = by_node[node.name]
                by_node[node.name] = replace(own, group=f"add{index}", demand=demand)
    kept = [n for n in model.graph.node if n.op_type.startswith(_NOT_PLANNED) and not _is_msq(n)]
    return Network(name, tuple(by_node.values()), tuple(map(_described, kept)))


def _described(node: Any) -> str:
    op = getCustomOp(node)
    if node.op_type.startswith("StreamingConcat"):
        return f"{node.name} ({'+'.join(map(str, op.get_nodeattr('ChannelsPerStream')))} channels)"
    sizes = ("MH", "MW") if node.op_type.startswith("MVAU") else ("Channels",)
    shape = "x".join(str(op.get_nodeattr(size)) for size in sizes)
    return f"{node.name} ({shape}, {op.get_nodeattr('weightDataType')})"


def _is_msq(node: Any) -> bool:
    return node is not None and bool(node.op_type.startswith(ROW_MIXED))


def layer_of(model: ModelWrapper, node: Any) -> Layer:
    """Describe one of our layers.

    Args:
        model: graph of hardware nodes.
        node: of the layer.
    """
    op = getCustomOp(node)
    depthwise = node.op_type.startswith("VVAU")
    if depthwise:
        mw, mh, vectors = op.window(), op.get_nodeattr("Channels"), op.get_nodeattr("Dim")
    else:
        mw, mh = op.get_nodeattr("MW"), op.get_nodeattr("MH")
        vectors = op.get_nodeattr("numInputVectors")
    rows = op.row_schemes()
    acts = op.get_input_datatype(0)
    behind = model.find_consumer(node.output[0])
    thresholds = getCustomOp(behind) if _is(behind, "Thresholding") else None
    pool = _pool(model, behind) if thresholds else 0
    return Layer(
        node.name,
        mw,
        mh,
        int(np.prod(vectors)),
        act_bits=acts.bitwidth(),
        act_signed=acts.signed(),
        acc_bits=_acc_bits(op, model.get_initializer(node.input[1])),
        steps=thresholds.get_nodeattr("numSteps") if thresholds else 0,
        conv=_conv(model, node),
        pool=pool,
        demand=Demand.of(rows),
        depthwise=depthwise,
        **_addition(model, behind),
    )


def _acc_bits(op: Any, weights: Any) -> int:
    """Bits of the sums, with the constants that LUT lanes leave in them."""
    acts = op.get_input_datatype(0)
    rows = op.weight_matrix(weights).T
    extremes = np.array([acts.min(), acts.max()], dtype=np.int64)
    products = rows[None] * extremes[:, None, None]
    lows, highs = products.min(0).sum(1), products.max(0).sum(1)
    luts = [k for k in kinds(op.unit) if k.engine == "lut" and not k.constant]
    for row, names in enumerate(op.row_schemes()):
        kind = next((k for k in luts if k.takes(names)), None)
        if kind is None:
            continue  # on a DSP lane, which leaves nothing in its sums
        offset = int(kind.row_offset(rows[row], acts.bitwidth(), acts.signed()))
        lows[row] += min(offset, 0)
        highs[row] += max(offset, 0)
    low, high = int(lows.min()), int(highs.max())
    return max(high.bit_length(), (-low - 1).bit_length() if low < 0 else 0) + (low < 0)


def _conv(model: ModelWrapper, node: Any) -> Conv | None:
    before = model.find_producer(node.input[0])
    return _window(model, before) if _is(before, "ConvolutionInputGenerator") else None


def _window(model: ModelWrapper, before: Any) -> Conv:
    """A window generator with the padding in front of it."""
    window = getCustomOp(before)
    height, width = window.get_nodeattr("IFMDim")
    padding = model.find_producer(before.input[0])
    pad = (0, 0)
    if _is(padding, "FMPadding"):
        top, left, bottom, right = getCustomOp(padding).get_nodeattr("Padding")
        height, width = getCustomOp(padding).get_nodeattr("ImgDim")
        # Where one side has a zero more than the other, it counts as a pixel.
        height, width = height + abs(top - bottom), width + abs(left - right)
        pad = (min(top, bottom), min(left, right))
    return Conv(
        window.get_nodeattr("IFMChannels"),
        (height, width),
        tuple(window.get_nodeattr("ConvKernelDim")),
        tuple(window.get_nodeattr("Stride")),
        pad,
    )


def _pool(model: ModelWrapper, thresholds: Any) -> int:
    window = model.find_consumer(thresholds.output[0])
    pool = model.find_consumer(window.output[0]) if _is(window, "ConvolutionInput") else None
    return max(getCustomOp(pool).get_nodeattr("KernelSize")) if _is(pool, "Pool") else 0


def _addition(model: ModelWrapper, thresholds: Any) -> dict[str, Any]:
    """The sum that a layer's thresholds lead to; of two layers that meet, it is the first's."""
    add: Any = model.find_consumer(thresholds.output[0]) if thresholds is not None else None
    if not _is(add, ADDS):
        return {}
    first = add.input[0] == thresholds.output[0]
    other: Any = model.find_producer(add.input[1 if first else 0])
    is_layer = _is(other, "Thresholding") and _is_msq(model.find_producer(other.input[0]))
    if is_layer and not first:
        return {}
    skips = _is(other, "Thresholding") and not is_layer
    size = int(np.prod(model.get_tensor_shape(add.output[0])[:-1]))
    waits = [waiting_pixels(_branch(model, tensor), size) for tensor in add.input]
    return {
        "adds": True,
        "skip_pixels": abs(waits[0] - waits[1]),
        "sum_steps": _steps(model.find_consumer(add.output[0])),
        "skip_steps": _steps(other) if skips else 0,
    }


def _branch(model: ModelWrapper, tensor: str) -> list[Conv]:
    """Windows that a stream has gone through since it was forked."""
    found, node = [], model.find_producer(tensor)
    while node is not None and not node.op_type.startswith(("DuplicateStreams", *ADDS)):
        if _is(node, "ConvolutionInputGenerator"):
            found.append(_window(model, node))
        node = model.find_producer(node.input[0])
    return found


def _steps(node: Any) -> int:
    return int(getCustomOp(node).get_nodeattr("numSteps")) if _is(node, "Thresholding") else 0


def _is(node: Any, kind: str | tuple[str, ...]) -> bool:
    return node is not None and node.op_type.startswith(kind)


def _source_names(path: Path, network: Network) -> list[str]:
    """Names of the model's own layers; FINN's where they cannot be told.

    FINN orders the branches of a residual block in its own way, and leaves layers to the host: of
    the model's layers each gets the first of its shape that is left.
    """
    graph = load_model(path).graph
    shapes = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    makers = {node.output[0]: node for node in graph.node if node.output}
    left = [
        (_scope(node.name), _matrix(node, shapes, makers))
        for node in graph.node
        if node.op_type in ("Conv", "ConvTranspose", "MatMul", "Gemm")
    ]
    names = []
    for layer in network.layers:
        same = [entry for entry in left if entry[1] == (layer.mh, layer.mw)]
        if same:
            names.append(same[0][0])
            left.remove(same[0])
    given = [layer.name for layer in network.layers]
    return names if len(set(names)) == len(given) and all(names) else given


def _scope(name: str) -> str:
    """The module that a node was exported from, such as ``conv1`` of ``/conv1/Conv``."""
    return "/".join(part for part in name.split("/")[:-1] if part)


def _matrix(
    node: Any, shapes: dict[str, tuple[int, ...]], makers: dict[str, Any]
) -> tuple[int, int] | None:
    """Rows and columns of a node's weights, which may come through nodes of one data input."""
    name = node.input[1]
    transposed = node.op_type == "MatMul"
    while name in makers:
        transposed ^= makers[name].op_type == "Transpose"
        name = makers[name].input[0]
    shape = shapes.get(name, ())
    if len(shape) < 2:
        return None
    size = math.prod(shape)
    if node.op_type == "Gemm":
        transposed ^= not any(a.name == "transB" and a.i for a in node.attribute)
    if node.op_type.startswith("Conv"):
        # A transposed convolution has its rows second; groups become one matrix.
        groups = next((a.i for a in node.attribute if a.name == "group"), 1)
        rows = shape[1] * groups if node.op_type == "ConvTranspose" else shape[0]
        return rows, dense_columns(rows, size // rows, groups, math.prod(shape[2:]))
    rows = shape[-1] if transposed else shape[0]
    return rows, size // rows
