"""Fold a dataflow model as a plan says."""

from __future__ import annotations

from typing import Any

from finn.transformation.fpgadataflow.set_folding import SetFolding
from finn.util.basic import get_dsp_block
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp

from msq_finn.ops.vvau_msq import DSP_KINDS, LUT_KINDS
from msq_finn.plan.extract import network_of_model
from msq_finn.plan.layer_plan import LayerPlan
from msq_finn.plan.plan_fits import fits_board, fits_network
from msq_finn.plan.planfile import Plan
from msq_finn.transforms.fold_streaming import fold_streaming
from msq_finn.transforms.place_rows import ROW_MIXED
from msq_finn.transforms.set_lanes import Folding, set_folding


def apply_plan(model: ModelWrapper, plan: Plan, path: str) -> ModelWrapper:
    """Set the folding of every node: the plan's layers as planned, others for the plan's cycles.

    Args:
        model: dataflow model at folding.
        plan: layers in the order of the model's nodes.
        path: the plan's, for errors.

    Returns:
        the model given.

    Raises:
        MsqError: the plan is for another network, for rows that the weights do not have, or has
            more lanes than the board.
    """
    network = network_of_model(model, plan.network)
    fits_network(plan, network, path)
    fits_board(plan, network, get_dsp_block(plan.part), path)
    # FINN's own limit of width is for HLS. Its second pass would relax all nodes to the slowest, a
    # layer of ours that is still folded as little as can be.
    cycles = plan.totals.cycles
    model = model.transform(SetFolding(cycles, mvau_wwidth_max=2**30, two_pass_relaxation=False))
    model = fold_streaming(model, cycles)
    nodes = [node for node in model.graph.node if node.op_type.startswith(ROW_MIXED)]
    for node, layer in zip(nodes, plan.layers, strict=True):
        _fold(model, node, layer)
    return model


def _fold(model: ModelWrapper, node: Any, layer: LayerPlan) -> None:
    op, lanes = getCustomOp(node), layer.lanes
    if layer.depthwise:
        dsp = DSP_KINDS[8 if lanes.fixed_8_dsp else 5].name
        op.set_nodeattr("SIMD", layer.simd)
        op.set_nodeattr("PE", lanes.pe)
        op.set_nodeattr("laneKinds", [*LUT_KINDS, dsp])
        op.set_nodeattr("lanePE", [lanes.sp2_4_lut, lanes.fixed_4_lut, lanes.depthwise_dsp])
    else:
        counts = (lanes.sp2_4_lut, lanes.fixed_4_lut, lanes.fixed_4_dsp, lanes.embedded_lut)
        set_folding(op, Folding(layer.simd, *counts))
    if layer.memory != "embedded":
        op.set_nodeattr("ram_style", layer.memory)
    thresholds = model.find_consumer(node.output[0])
    if layer.threshold_pe and thresholds is not None:
        getCustomOp(thresholds).set_nodeattr("PE", layer.threshold_pe)
    if layer.window is None:
        return
    generator = model.find_producer(node.input[0])
    window = getCustomOp(generator)
    window.set_nodeattr("SIMD", layer.window.simd)
    window.set_nodeattr("parallel_window", int(layer.window.parallel))
    window.set_nodeattr("ram_style", layer.window.memory)
    padding = model.find_producer(generator.input[0])
    if padding is not None and padding.op_type.startswith("FMPadding"):
        getCustomOp(padding).set_nodeattr("SIMD", layer.window.simd)
