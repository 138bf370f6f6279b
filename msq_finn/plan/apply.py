"""Fold a dataflow model as a plan says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from finn.transformation.fpgadataflow.set_folding import SetFolding
from finn.util.basic import get_dsp_block
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp

from msq_finn.devices import DEVICES, device_of_part
from msq_finn.errors import MsqError
from msq_finn.finn_compat import ADDS
from msq_finn.ops.recurrent.length_port import ATTRIBUTE
from msq_finn.plan.cost.cost_model import add, default_model
from msq_finn.plan.cost.lane_costs import EMBEDDED, LENGTH, LaneCosts
from msq_finn.plan.file.layer_plan import LayerPlan
from msq_finn.plan.file.schema import Plan
from msq_finn.plan.fits import fits_board, fits_network, frame_cycles
from msq_finn.plan.frontend.conv_windows import is_padding, is_type
from msq_finn.plan.frontend.graph import layer_of, network_of_model
from msq_finn.plan.frontend.network import Network
from msq_finn.plan.frontend.other_nodes import set_fold
from msq_finn.plan.frontend.pixels import windows_at
from msq_finn.plan.making import layer_plan
from msq_finn.plan.search.budget import Budget
from msq_finn.plan.search.design import PLANNED, Design
from msq_finn.plan.search.optimize import Solution, maximize, meet
from msq_finn.transforms.fold_streaming import fold_streaming
from msq_finn.transforms.pixel_marks import mark_pixels
from msq_finn.transforms.place_rows import RECURRENT, ROW_MIXED
from msq_finn.transforms.serial_thresholds import mark_serial, mark_thresholds

_NO_DSPS = ("lut", "bram", "lutram", "ff")

#: LUTs and memory beyond any board's, where a build is to be folded for more than its board holds.
_WIDE = 1000.0


def apply_plan(model: ModelWrapper, plan: Plan, path: str) -> ModelWrapper:
    """Set the folding of every node: the plan's layers as planned, others for its cycles.

    Args:
        model: dataflow model at folding.
        plan: of the model's network.
        path: the plan's, for errors.

    Returns:
        the model given.

    Raises:
        MsqError: the plan is for another network, for rows that the weights do not have, or has
            more lanes than the board.
    """
    network = network_of_model(model, plan.network)
    layers = fits_network(plan, network, path)
    fits_board(plan, network, get_dsp_block(plan.part), path)
    return _folded(model, network, layers, plan.cycles)


def fold_for(
    model: ModelWrapper,
    cycles: int,
    part: str,
    widest: int = 2**30,
    design: Design = PLANNED,
) -> ModelWrapper:
    """Set the folding of every node: the planner's cheapest that meets a target, else its fastest.

    Args:
        model: dataflow model at folding.
        cycles: a frame, that no node may take more of.
        part: FPGA part.
        widest: bits of a word of weights that FINN's own layers may have.
        design: kinds of lanes to use.

    Returns:
        the model given.

    Raises:
        MsqError: no lanes take a layer's rows.
    """
    if not any(node.op_type.startswith(ROW_MIXED) for node in model.graph.node):
        return _unplanned(model, cycles, widest, design.searches)
    network = network_of_model(model, "model", widest)
    options = _cheapest(network, cycles, part, design).options
    layers = [layer_plan(*each) for each in zip(network.layers, options, strict=True)]
    return _folded(model, network, layers, cycles, widest, design.searches)


def _cheapest(network: Network, cycles: int, part: str, design: Design) -> Solution:
    costs = default_model(get_dsp_block(part))
    try:
        budget = Budget.of(device_of_part(part), lut=1, bram=1)
    except MsqError:  # of a part that is not in our table, as much as of the largest
        budget = Budget.of(max(DEVICES.values(), key=lambda device: device.lut), lut=1, bram=1)
    wide = replace(budget, **{name: _WIDE * getattr(budget, name) for name in _NO_DSPS})
    for limits in (budget, wide):
        if (found := meet(network, cycles, limits, costs, design)) is not None:
            return found
    if (fastest := maximize(network, wide, costs, design)) is None:
        raise MsqError(
            f"no lanes take the rows of {network.name} with the {budget.dsp:.0f} DSP slices of "
            f"{part}; give layers numbers of rows per scheme that fill whole lanes"
        )
    return fastest


def note_costs(model: ModelWrapper, part: str) -> ModelWrapper:
    """Note on every layer of ours what its lanes and weights take, for FINN's estimates.

    Args:
        model: folded dataflow model.
        part: FPGA part.

    Returns:
        the model given.
    """
    costs = default_model(get_dsp_block(part))
    for node in model.graph.node:
        if node.op_type.startswith(ROW_MIXED):
            op, own = getCustomOp(node), LaneCosts(costs, layer_of(model, node))
            simd, lanes, style = op.get_nodeattr("SIMD"), op.lanes(), op.get_nodeattr("ram_style")
            if lanes.is_constant or style not in ("distributed", "block"):
                style = EMBEDDED if lanes.is_constant else "block"
            memory = own.memory(simd, lanes, style, written=not op.has_rom())
            cost = add((own.compute(simd, lanes), memory))
            if node.op_type.startswith(RECURRENT) and op.get_nodeattr(ATTRIBUTE):
                cost = add((cost, LENGTH))
            op.set_nodeattr("lutSites", round(cost.lut))
    return model


def _folded(
    model: ModelWrapper,
    network: Network,
    layers: Sequence[LayerPlan],
    cycles: int = 0,
    widest: int = 2**30,
    searches: bool = True,
) -> ModelWrapper:
    each = zip(layers, network.layers, strict=True)
    slowest = max(frame_cycles(planned, layer) for planned, layer in each)
    target = max(cycles, slowest)
    model = _unplanned(model, target, widest, searches)
    by_name = {node.name: node for node in model.graph.node}
    for other in network.nodes:
        set_fold(model, by_name[other.name], other.fold(target))
    nodes = [node for node in model.graph.node if node.op_type.startswith(ROW_MIXED)]
    for node, planned, layer in zip(nodes, layers, network.layers, strict=True):
        _fold(model, node, planned, windows_at(layer, planned.pixels) or 1)
        if node.op_type.startswith(RECURRENT):
            getCustomOp(node).take_turns(target)
    return model


def _unplanned(model: ModelWrapper, cycles: int, widest: int, searches: bool) -> ModelWrapper:
    """Fold what is FINN's.

    Its second pass would relax all nodes to the slowest, a layer of ours that is still folded as
    little as can be.
    """
    folding = SetFolding(cycles, mvau_wwidth_max=widest, two_pass_relaxation=False)
    model = fold_streaming(model.transform(folding), cycles)
    return mark_thresholds(model, cycles) if searches else model


def _behind(model: ModelWrapper, node: Any) -> Iterator[Any]:
    """A layer's thresholds, and the sum that they lead to with the thresholds around that."""
    thresholds = model.find_consumer(node.output[0])
    if not is_type(thresholds, "Thresholding"):
        return
    yield thresholds
    add = model.find_consumer(thresholds.output[0])
    if is_type(add, ADDS):
        yield add
        for found in (*map(model.find_producer, add.input), model.find_consumer(add.output[0])):
            is_layers = found and is_type(model.find_producer(found.input[0]), ROW_MIXED)
            if is_type(found, "Thresholding") and not is_layers:
                yield found


def _fold(model: ModelWrapper, node: Any, layer: LayerPlan, windows: int) -> None:
    """Set the folding of one of our layers.

    Args:
        model: whose layer it is.
        windows: of a word of pixels.
    """
    op = getCustomOp(node)
    op.set_lanes(layer.simd, layer.lanes)
    if not layer.lanes.is_constant:
        op.set_nodeattr("ram_style", layer.memory)
    thresholds = model.find_consumer(node.output[0])
    if layer.threshold_pe and thresholds is not None:
        getCustomOp(thresholds).set_nodeattr("PE", layer.threshold_pe)
        mark_serial(thresholds, layer.serial_thresholds)
    for behind in (node, *_behind(model, node)):
        mark_pixels(behind, windows)
    if layer.window is None:
        return
    generator = model.find_producer(node.input[0])
    window = getCustomOp(generator)
    window.set_nodeattr("SIMD", layer.window.simd)
    window.set_nodeattr("parallel_window", int(layer.window.parallel))
    window.set_nodeattr("ram_style", layer.window.memory)
    mark_pixels(generator, layer.pixels)
    padding = model.find_producer(generator.input[0])
    if is_padding(padding):
        getCustomOp(padding).set_nodeattr("SIMD", layer.window.simd)
