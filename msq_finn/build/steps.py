"""FINN builder steps, for ``DataflowBuildConfig.steps`` or ``inject_steps_after``.

Every step has FINN's signature ``(model, cfg) -> model``. :data:`DATAFLOW_STEPS` is FINN's default
flow up to generated hardware with ours in place; the steps named by strings are FINN's own.
"""

from __future__ import annotations

import json
from typing import Any

from finn.transformation.fpgadataflow.insert_dwc import InsertDWC
from finn.transformation.fpgadataflow.insert_fifo import InsertFIFO
from finn.transformation.fpgadataflow.prepare_ip import PrepareIP
from finn.transformation.fpgadataflow.replace_verilog_relpaths import ReplaceVerilogRelPaths
from finn.transformation.fpgadataflow.specialize_layers import SpecializeLayers
from finn.transformation.streamline.reorder import MoveMulPastDWConv
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.general import GiveReadableTensorNames, GiveUniqueNodeNames
from qonnx.transformation.infer_datatypes import InferDataTypes
from qonnx.transformation.infer_shapes import InferShapes

from msq_finn.build import workers
from msq_finn.build.checkpoints import keep_source, parent_path, save
from msq_finn.build.refuse import check_config
from msq_finn.build.times import ours
from msq_finn.finn_compat.frontend import before_conversion, before_first_step, before_streamline
from msq_finn.finn_compat.steps import CONVERT_TO_HW, MINIMIZE_INITIAL
from msq_finn.finn_compat.streamline import ApplyConfig
from msq_finn.finn_compat.width_converters import behind_width_converters
from msq_finn.plan.planfile import Plan
from msq_finn.transforms.avoid_full_simd import AvoidFullSIMD
from msq_finn.transforms.check_folding import CheckFolding
from msq_finn.transforms.clip_thresholds import ClipUnsignedThresholds
from msq_finn.transforms.fold_row_offsets import FoldRowOffsets
from msq_finn.transforms.host_ops import ReturnFloatOpsToHost
from msq_finn.transforms.infer_mvau_msq import InferMVAUMSQ
from msq_finn.transforms.infer_vvau_msq import InferVVAUMSQ
from msq_finn.transforms.insert_split_fifos import InsertSplitFIFOs
from msq_finn.transforms.keep_weights_narrow import KeepWeightsNarrow
from msq_finn.transforms.make_weights_negatable import MakeWeightsNegatable
from msq_finn.transforms.mark_channels_last import MarkChannelsLast
from msq_finn.transforms.place_pads import PlacePads
from msq_finn.transforms.place_rows import INPUT_ORDER, OUTPUT_ORDER, PlaceRows
from msq_finn.transforms.plain_convolutions import PlainConvolutions
from msq_finn.transforms.quantizer_notes import NoteQuantizers, NoteThresholds
from msq_finn.transforms.recognise_global_pools import RecogniseGlobalPools
from msq_finn.transforms.refuse_unequal_scales import RefuseUnequalScales
from msq_finn.transforms.refuse_unsupported import RefuseUnsupported
from msq_finn.transforms.reorder_on_host import ReorderOnHost
from msq_finn.transforms.round_ties_to_even import RoundTiesToEven
from msq_finn.transforms.round_truncations import RoundTruncations
from msq_finn.transforms.signals_to_images import SignalsToImages
from msq_finn.transforms.size_bias_scales import SizeBiasScales
from msq_finn.transforms.specialize_integer_add import SpecializeIntegerAdd
from msq_finn.transforms.streamline_global_pool import StreamlineGlobalPool
from msq_finn.transforms.streamline_joins import StreamlineJoins
from msq_finn.transforms.streamline_maps import StreamlineMaps


def step_msq_bias_scales(model: ModelWrapper, cfg: Any) -> ModelWrapper:
    """Prepare what FINN's first step takes away or cannot take (before all others).

    Quantizers are noted by name, and the scales of biases get a shape that the step can take.

    Args:
        model: exported QONNX graph.
        cfg: FINN's ``DataflowBuildConfig``.
    """
    keep_source(model, cfg)
    return ours(
        model, cfg, NoteQuantizers(), RoundTruncations(), SizeBiasScales(), *before_first_step()
    )


def step_msq_round_ties(model: ModelWrapper, cfg: Any) -> ModelWrapper:
    """Round halves to even, as QONNX does (after FINN's tidy_up).

    Args:
        model: graph with FINN's thresholds in the place of quantizers.
        cfg: FINN's ``DataflowBuildConfig``.
    """
    return ours(model, cfg, NoteThresholds(), RoundTiesToEven())


def step_msq_signals(model: ModelWrapper, cfg: Any) -> ModelWrapper:
    """Give 1-D convolutions a second dimension, and pools their form (after FINN's tidy_up).

    Args:
        model: tidied graph in FINN's dialect.
        cfg: FINN's ``DataflowBuildConfig``.

    Raises:
        MsqError: a network on signals has an op without a known 2-D form.
    """
    layers = (RecogniseGlobalPools(), PlacePads(), PlainConvolutions())
    return ours(model, cfg, *layers, SignalsToImages())


def step_msq_channel_scales(model: ModelWrapper, cfg: Any) -> ModelWrapper:
    """Prepare scales of channels for FINN's streamline (before it).

    They pass depthwise convolutions, which have quantizers with a scale per channel before them in
    Brevitas's MobileNet (FINN's own flow for that network does the same,
    ``step_mobilenet_streamline``), belong to the last axis behind linear layers, and their signs
    may go into any weights.

    Args:
        model: tidied graph in FINN's dialect.
        cfg: FINN's ``DataflowBuildConfig``.
    """
    workers.prepare()
    prepared = (*before_streamline(), MoveMulPastDWConv(), MarkChannelsLast())
    return ours(model, cfg, *prepared, MakeWeightsNegatable())


def step_msq_streamline(model: ModelWrapper, cfg: Any) -> ModelWrapper:
    """Finish streamlining of joins, pads, upsampling and global pooling (after FINN's streamline).

    Args:
        model: streamlined graph.
        cfg: FINN's ``DataflowBuildConfig``.

    Raises:
        MsqError: branches of unequal scales meet.
    """
    workers.prepare()
    layers = (StreamlineJoins(), StreamlineMaps(), StreamlineGlobalPool())
    return ours(model, cfg, *layers, RefuseUnequalScales(), *before_conversion())


def step_msq_infer(model: ModelWrapper, cfg: Any) -> ModelWrapper:
    """Turn layers whose rows have lanes into row-mixed ones; floats stay on the host.

    Follows FINN's ``step_convert_to_hw``.

    Args:
        model: graph of FINN's hardware layers.
        cfg: FINN's ``DataflowBuildConfig``.

    Raises:
        MsqError: the configuration or a layer is one that the build cannot take.
    """
    check_config(cfg)
    workers.prepare()
    if (choices := cfg.specialize_layers_config_file) is not None:
        # FINN reads it when it specialises layers, which is too late for adds.
        model = ours(model, cfg, GiveUniqueNodeNames(), ApplyConfig(choices))
    return ours(
        model,
        cfg,
        ReturnFloatOpsToHost(),
        RefuseUnsupported(),
        ClipUnsignedThresholds(),
        InferMVAUMSQ(),
        InferVVAUMSQ(),
        SpecializeIntegerAdd(),
        GiveUniqueNodeNames(),
    )


def step_msq_narrow_weights(model: ModelWrapper, cfg: Any) -> ModelWrapper:
    """Keep FINN's own layers in RTL where a DSP48E1 asks for narrow weights (before specialising).

    Args:
        model: graph of hardware layers, their bit widths minimised.
        cfg: FINN's ``DataflowBuildConfig``.
    """
    return ours(model, cfg, KeepWeightsNarrow(cfg._resolve_fpga_part()))


def step_msq_fold(model: ModelWrapper, cfg: Any) -> ModelWrapper:
    """Fold by ``cfg``'s plan, or by the planner's cheapest for its throughput target.

    FINN's SetFolding does the other nodes. Without a target every layer gets its smallest folding.
    Stands for FINN's ``step_target_fps_parallelization``.

    Args:
        model: dataflow partition with specialised nodes.
        cfg: FINN's ``DataflowBuildConfig``; ``msq_plan``, where set, is the path of a plan.

    Raises:
        MsqError: the plan is of another network or unreadable.
    """
    workers.prepare()
    from msq_finn.plan.apply import apply_plan, fold_for

    if not all(node.name for node in model.graph.node):  # upstream's main names none it specialises
        model = model.transform(GiveUniqueNodeNames())

    if (path := getattr(cfg, "msq_plan", None)) is not None:
        model = apply_plan(model, Plan.load(path), str(path))
    else:
        target, part = cfg._resolve_cycles_per_frame(), cfg._resolve_fpga_part()
        cycles = target if target is not None else 2**62
        model = fold_for(model, cycles, part, cfg.mvau_wwidth_max)
    return ours(model, cfg, AvoidFullSIMD())


def step_msq_place_rows(model: ModelWrapper, cfg: Any) -> ModelWrapper:
    """Place rows on lanes and fold the lanes' row constants into the thresholds (after folding).

    Args:
        model: folded dataflow partition.
        cfg: FINN's ``DataflowBuildConfig``; the graph around the partition, among its intermediate
            models, reorders inputs and puts outputs back in order where rows were moved.

    Raises:
        MsqError: a folding that the hardware cannot do, rows that its lanes cannot hold, or no
            graph around the partition.
    """
    workers.prepare()
    from msq_finn.plan.apply import note_costs

    model = ours(model, cfg, CheckFolding(), PlaceRows())
    model = note_costs(model, cfg._resolve_fpga_part())
    orders = [model.get_metadata_prop(key) for key in (INPUT_ORDER, OUTPUT_ORDER)]
    parent = parent_path(cfg)
    moves = ReorderOnHost(*(json.loads(order) if order else None for order in orders))
    save(ModelWrapper(str(parent)).transform(moves), parent)
    # Offsets can make sums unsigned, whose least is above some thresholds.
    return ours(model, cfg, FoldRowOffsets(), InferDataTypes(), ClipUnsignedThresholds())


def step_msq_insert_streams(model: ModelWrapper, cfg: Any) -> ModelWrapper:
    """Insert width converters, and a FIFO on every stream (sized by a later step).

    FINN does both within its ``step_set_fifo_depths``. Weights that its minimising has narrowed
    once more get their bit back.

    Args:
        model: dataflow partition, its rows placed.
        cfg: FINN's ``DataflowBuildConfig``.
    """
    workers.prepare()
    model = ours(model, cfg, KeepWeightsNarrow(cfg._resolve_fpga_part()))
    model = model.transform(InsertDWC())
    for transformation in behind_width_converters():
        model = model.transform(transformation)
    model = model.transform(InsertSplitFIFOs())
    model = model.transform(InsertFIFO(create_shallow_fifos=True))
    model = model.transform(SpecializeLayers(cfg._resolve_fpga_part()))
    model = model.transform(GiveUniqueNodeNames())
    model = model.transform(GiveReadableTensorNames())
    model = model.transform(InferShapes())
    return model.transform(InferDataTypes())


def step_msq_generate_rtl(model: ModelWrapper, cfg: Any) -> ModelWrapper:
    """Generate every node's RTL (FINN's PrepareIP), its memory files named by absolute path.

    Stands for FINN's ``step_hw_codegen``; without HLS nodes there is nothing for ``step_hw_ipgen``.

    Args:
        model: dataflow partition with FIFOs.
        cfg: FINN's ``DataflowBuildConfig``.

    Raises:
        MsqError: a node asks for what its RTL cannot do.
    """
    workers.prepare()
    model = model.transform(PrepareIP(cfg._resolve_fpga_part(), cfg.synth_clk_period_ns))
    return model.transform(ReplaceVerilogRelPaths())


#: From an exported QONNX model to generated RTL.
DATAFLOW_STEPS: list[Any] = [
    step_msq_bias_scales,
    "step_qonnx_to_finn",
    "step_tidy_up",
    step_msq_round_ties,
    step_msq_signals,
    step_msq_channel_scales,
    "step_streamline",
    step_msq_streamline,
    CONVERT_TO_HW,
    step_msq_infer,
    MINIMIZE_INITIAL,
    step_msq_narrow_weights,
    "step_create_dataflow_partition",
    "step_specialize_layers",
    step_msq_fold,
    "step_apply_folding_config",
    step_msq_place_rows,
    "step_minimize_bit_width",
    "step_generate_estimate_reports",
    step_msq_insert_streams,
    step_msq_generate_rtl,
]
