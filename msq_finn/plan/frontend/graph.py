"""Networks for the planner from FINN dataflow models and exported QONNX files."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp

from msq_finn.finn_compat import ADDS
from msq_finn.lanes import kinds
from msq_finn.lanes.demand import Demand
from msq_finn.lowering.lower import Target, lower
from msq_finn.lowering.partition import layers_on_host
from msq_finn.lowering.rtl_nodes import check_rtl
from msq_finn.ops.recurrent.gated_cells import GATES
from msq_finn.plan.frontend.conv_windows import is_padding, is_type, window_of
from msq_finn.plan.frontend.network import Conv, Layer, Network, Recurrence
from msq_finn.plan.frontend.other_nodes import other_nodes
from msq_finn.plan.frontend.windows import waiting_pixels
from msq_finn.progress import Progress, silent
from msq_finn.sim.finn_env import build_dir_restored
from msq_finn.transforms.channel_spaces import channel_spaces
from msq_finn.transforms.layer_names import layer_names
from msq_finn.transforms.place_rows import RECURRENT, ROW_MIXED
from msq_finn.transforms.row_schemes import common_rows, uniform_schemes


def network_of_file(path: Path, board: str, progress: Progress = silent) -> Network:
    """Describe an exported QONNX model, lowered up to folding.

    Args:
        board: a board FINN knows.
        progress: told of every step.

    Raises:
        MsqError: the model cannot be lowered, has no 4-bit layer, or a node that has no RTL.
    """
    with tempfile.TemporaryDirectory() as folder, build_dir_restored():
        work = Path(folder)
        lowered = lower(path, Target(board), work, progress)
        check_rtl(lowered.model)
        network = network_of_model(lowered.model, path.stem)
        on_host = tuple(layers_on_host(lowered.parent))
    return replace(network, on_host=on_host)


def network_of_model(model: ModelWrapper, name: str, widest: int = 2**30) -> Network:
    """Describe our layers of a dataflow model before folding, and the other nodes.

    Layers are named after their modules, such as ``conv1``, where the model says; else as FINN's
    nodes are.

    Args:
        model: graph of hardware nodes.
        widest: bits of the weights that a lane of FINN's own units may take a cycle.

    Raises:
        MsqError: there is none, or layers whose outputs are added share no scheme.
    """
    names = layer_names(model)
    by_node = {
        node.name: replace(layer_of(model, node), name=names[node.name])
        for node in model.graph.node
        if _is_msq(node)
    }
    for index, space in enumerate(channel_spaces(model)):
        nodes = [node for node in space.producers if _is_msq(node)]
        if space.fixed_by is not None:
            for node in nodes:
                by_node[node.name] = replace(by_node[node.name], ordered=True)
        if len(nodes) > 1:
            rows = {node.name: getCustomOp(node).row_schemes() for node in nodes}
            by_node |= _added({name: by_node[name] for name in rows}, rows, f"add{index}")
    nodes = other_nodes(model, _in_layers(model), widest)
    return Network(name, tuple(by_node.values()), tuple(nodes))


def _added(
    layers: dict[str, Layer], rows: dict[str, list[tuple[str, ...]]], group: str
) -> dict[str, Layer]:
    """Layers whose outputs are added, and whose rows so have one order.

    That is no bond for a layer that one scheme holds: its rows may lie in any order.
    """
    single = {name: uniform_schemes(of_layer) for name, of_layer in rows.items()}
    made = {
        name: replace(layers[name], demand=Demand({schemes: layers[name].demand.rows}))
        for name, schemes in single.items()
        if schemes
    }
    mixed = [name for name, schemes in single.items() if not schemes]
    if len(mixed) > 1:
        joined = " and ".join(layers[name].name for name in mixed)
        alike = Demand.of(common_rows([rows[name] for name in mixed], joined))
        made |= {name: replace(layers[name], group=group, demand=alike) for name in mixed}
    return made


def _in_layers(model: ModelWrapper) -> Iterator[str]:
    """Names of the nodes that layers have around them, as :func:`layer_of` counts them."""
    for node in filter(_is_msq, model.graph.node):
        yield node.name
        if node.op_type.startswith(RECURRENT):
            continue
        window, behind = model.find_producer(node.input[0]), model.find_consumer(node.output[0])
        if is_type(window, "ConvolutionInputGenerator"):
            yield window.name
            if is_padding(padding := model.find_producer(window.input[0])):
                yield padding.name
        if not is_type(behind, "Thresholding"):
            continue
        yield behind.name
        if _addition(model, behind):
            add = model.find_consumer(behind.output[0])
            yield add.name
            around = (*map(model.find_producer, add.input), model.find_consumer(add.output[0]))
            yield from (node.name for node in around if is_type(node, "Thresholding"))


def _is_msq(node: Any) -> bool:
    return node is not None and bool(node.op_type.startswith(ROW_MIXED))


def layer_of(model: ModelWrapper, node: Any) -> Layer:
    """Describe one of our layers.

    Args:
        model: graph of hardware nodes.
    """
    if node.op_type.startswith(RECURRENT):
        return _recurrent(model, node)
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
    thresholds = getCustomOp(behind) if is_type(behind, "Thresholding") else None
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
        demand=Demand.of(rows),
        depthwise=depthwise,
        first=_is_first(model, node),
        **_addition(model, behind),
    )


def _recurrent(model: ModelWrapper, node: Any) -> Layer:
    """Describe a recurrent layer; what it quantizes is inside."""
    op = getCustomOp(node)
    acts, units = op.get_input_datatype(0), op.channel_schemes()
    return Layer(
        node.name,
        op.get_nodeattr("MW"),
        op.get_nodeattr("MH"),
        op.get_nodeattr("Steps"),
        act_bits=acts.bitwidth(),
        act_signed=acts.signed(),
        acc_bits=_acc_bits(op, model.get_initializer(node.input[1])),
        steps=0,
        demand=Demand.of([names for names in units for _ in range(GATES)]),
        recurrence=Recurrence(len(units), op.cell.cycles, bool(op.get_nodeattr("allStates"))),
        first=_is_first(model, node),
    )


def _is_first(model: ModelWrapper, node: Any) -> bool:
    return node.input[0] in {tensor.name for tensor in model.graph.input}


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
    return window_of(model, before) if is_type(before, "ConvolutionInputGenerator") else None


def _addition(model: ModelWrapper, thresholds: Any) -> dict[str, Any]:
    """The sum that a layer's thresholds lead to; of two layers that meet, it is the first's."""
    add: Any = model.find_consumer(thresholds.output[0]) if thresholds is not None else None
    if not is_type(add, ADDS):
        return {}
    first = add.input[0] == thresholds.output[0]
    other: Any = model.find_producer(add.input[1 if first else 0])
    is_layer = is_type(other, "Thresholding") and _is_msq(model.find_producer(other.input[0]))
    if is_layer and not first:
        return {}
    skips = is_type(other, "Thresholding") and not is_layer
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
        if is_type(node, "ConvolutionInputGenerator"):
            found.append(window_of(model, node))
        node = model.find_producer(node.input[0])
    return found


def _steps(node: Any) -> int:
    return int(getCustomOp(node).get_nodeattr("numSteps")) if is_type(node, "Thresholding") else 0
