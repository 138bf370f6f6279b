"""FINN builder steps, for ``DataflowBuildConfig.steps`` or ``inject_steps_after``.

Every step has FINN's signature ``(model, cfg) -> model``, where ``cfg`` is a
``DataflowBuildConfig``. :data:`DATAFLOW_STEPS` is FINN's default flow up to generated hardware with
ours in place (those before folding are :mod:`msq_finn.lowering.front_steps`); the steps named by
strings are FINN's own.
"""

from __future__ import annotations

import json
from typing import Any

from finn.transformation.fpgadataflow.insert_fifo import InsertFIFO
from finn.transformation.fpgadataflow.prepare_ip import PrepareIP
from finn.transformation.fpgadataflow.replace_verilog_relpaths import ReplaceVerilogRelPaths
from finn.transformation.fpgadataflow.specialize_layers import SpecializeLayers
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.general import GiveReadableTensorNames, GiveUniqueNodeNames
from qonnx.transformation.infer_datatypes import InferDataTypes
from qonnx.transformation.infer_shapes import InferShapes

from msq_finn.lowering import finn_workers
from msq_finn.lowering.front_steps import (
    FRONT_STEPS,
    step_msq_bias_scales,
    step_msq_channel_scales,
    step_msq_infer,
    step_msq_narrow_weights,
    step_msq_round_ties,
    step_msq_signals,
    step_msq_streamline,
)
from msq_finn.lowering.intermediate import parent_path, save
from msq_finn.lowering.times import ours
from msq_finn.plan.apply import apply_plan, fold_for, note_costs
from msq_finn.plan.file.schema import Plan
from msq_finn.plan.search.design import EDITED, PLANNED
from msq_finn.transforms.avoid_full_simd import AvoidFullSIMD
from msq_finn.transforms.check_folding import CheckFolding
from msq_finn.transforms.clip_thresholds import ClipUnsignedThresholds
from msq_finn.transforms.fold_row_offsets import FoldRowOffsets
from msq_finn.transforms.group_pixels import GroupPixels
from msq_finn.transforms.insert_converters import InsertConverters
from msq_finn.transforms.insert_split_fifos import InsertSplitFIFOs
from msq_finn.transforms.keep_weights_narrow import KeepWeightsNarrow
from msq_finn.transforms.pad_folds import PadFolds
from msq_finn.transforms.pad_in_windows import PadInWindows
from msq_finn.transforms.place_rows import INPUT_ORDER, OUTPUT_ORDER, PlaceRows
from msq_finn.transforms.reorder_on_host import ReorderOnHost
from msq_finn.transforms.serial_thresholds import SearchThresholds
from msq_finn.transforms.writeable_lengths import NotePadding, WriteLengths

__all__ = [
    "DATAFLOW_STEPS",
    "step_msq_bias_scales",
    "step_msq_channel_scales",
    "step_msq_fold",
    "step_msq_generate_rtl",
    "step_msq_infer",
    "step_msq_insert_streams",
    "step_msq_narrow_weights",
    "step_msq_place_rows",
    "step_msq_round_ties",
    "step_msq_signals",
    "step_msq_streamline",
]


def step_msq_fold(model: ModelWrapper, cfg: Any) -> ModelWrapper:
    """Fold by ``cfg``'s plan, or by the planner's cheapest for its throughput target.

    FINN's SetFolding does the other nodes. Without a target every layer gets its smallest folding.
    A folding configuration is applied to a folding of one pixel a cycle.
    Stands for FINN's ``step_target_fps_parallelization``.

    Args:
        model: dataflow partition with specialised nodes.
        cfg: FINN's ``DataflowBuildConfig``; ``msq_plan``, where set, is the path of a plan, and
            ``msq_runtime_length`` whether lengths of sequences are to be written at run time.

    Raises:
        MsqError: the plan is of another network or unreadable; or there are no sequences.
    """
    finn_workers.prepare()
    if not all(node.name for node in model.graph.node):  # upstream's main names none it specialises
        model = model.transform(GiveUniqueNodeNames())

    if (path := getattr(cfg, "msq_plan", None)) is not None:
        model = apply_plan(model, Plan.load(path), str(path))
    else:
        target, part = cfg._resolve_cycles_per_frame(), cfg._resolve_fpga_part()
        cycles = target if target is not None else 2**62
        design = PLANNED if cfg.folding_config_file is None else EDITED
        model = fold_for(model, cycles, part, cfg.mvau_wwidth_max, design)
    if getattr(cfg, "msq_runtime_length", False):
        model = ours(model, cfg, WriteLengths())
    return ours(model, cfg, AvoidFullSIMD())


def step_msq_place_rows(model: ModelWrapper, cfg: Any) -> ModelWrapper:
    """Place rows on lanes and fold the lanes' row constants into the thresholds (after folding).

    Layers whose PE or SIMD does not divide are filled up with zeros then, maps of which several
    pixels go through in a cycle get words of these, and thresholds for which there is time become
    serial.

    Args:
        model: folded dataflow partition.
        cfg: FINN's ``DataflowBuildConfig``; the graph around the partition, among its intermediate
            models, reorders inputs and puts outputs back in order where rows were moved.

    Raises:
        MsqError: a folding that the hardware cannot do, rows that its lanes cannot hold, no graph
            around the partition, or sequences that cannot be shorter.
    """
    finn_workers.prepare()
    model = ours(model, cfg, CheckFolding(), NotePadding(), PlaceRows())
    model = note_costs(model, cfg._resolve_fpga_part())
    orders = [json.loads(model.get_metadata_prop(key)) for key in (INPUT_ORDER, OUTPUT_ORDER)]
    parent = parent_path(cfg)
    # JSON makes text of the positions.
    moves = ReorderOnHost(*({int(n): order for n, order in end.items()} for end in orders))
    save(ModelWrapper(str(parent)).transform(moves), parent)
    # Offsets can make sums unsigned, whose least is above some thresholds.
    model = ours(model, cfg, FoldRowOffsets(), InferDataTypes(), ClipUnsignedThresholds())
    # Words behind padded folds are those of the window generator, which pads in itself.
    settled = (PadInWindows(), PadFolds(), GroupPixels(), SearchThresholds())
    return ours(model, cfg, *settled, InferShapes())


def step_msq_insert_streams(model: ModelWrapper, cfg: Any) -> ModelWrapper:
    """Insert width converters, and a FIFO on every stream (sized by a later step).

    FINN does both within its ``step_set_fifo_depths``; the converters are ours. Weights that its
    minimising has narrowed once more get their bit back.

    Args:
        model: dataflow partition, its rows placed.
    """
    finn_workers.prepare()
    model = ours(model, cfg, KeepWeightsNarrow(cfg._resolve_fpga_part()))
    model = model.transform(InsertConverters())
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

    Raises:
        MsqError: a node asks for what its RTL cannot do.
    """
    finn_workers.prepare()
    model = model.transform(PrepareIP(cfg._resolve_fpga_part(), cfg.synth_clk_period_ns))
    return model.transform(ReplaceVerilogRelPaths())


#: From an exported QONNX model to generated RTL.
DATAFLOW_STEPS: list[Any] = [
    *FRONT_STEPS,
    step_msq_fold,
    "step_apply_folding_config",
    step_msq_place_rows,
    "step_minimize_bit_width",
    "step_generate_estimate_reports",
    step_msq_insert_streams,
    step_msq_generate_rtl,
]
