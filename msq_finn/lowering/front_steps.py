"""FINN builder steps from an exported model to a dataflow graph that can be folded.

Every step has FINN's signature ``(model, cfg) -> model``, where ``cfg`` is a
``DataflowBuildConfig``; the steps named by strings are FINN's own.
"""

from __future__ import annotations

from typing import Any

from finn.transformation.streamline.reorder import MoveMulPastDWConv
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.general import GiveUniqueNodeNames

from msq_finn.finn_compat.builder_steps import CONVERT_TO_HW, MINIMIZE_INITIAL, SPECIALIZE_LAYERS
from msq_finn.finn_compat.frontend import before_conversion, before_first_step, before_streamline
from msq_finn.finn_compat.streamline import ApplyConfig
from msq_finn.layer_notes import annotate
from msq_finn.lowering import finn_workers
from msq_finn.lowering.intermediate import keep_source
from msq_finn.lowering.refuse import check_config
from msq_finn.lowering.times import ours
from msq_finn.transforms.absorb_activations import AbsorbActivations
from msq_finn.transforms.clip_thresholds import ClipUnsignedThresholds
from msq_finn.transforms.dense_products import DenseProducts
from msq_finn.transforms.fork_flattens import ForkFlattens
from msq_finn.transforms.fork_outputs import ForkOutputs
from msq_finn.transforms.host_ops import ReturnFloatOpsToHost
from msq_finn.transforms.infer_mvau_msq import InferMVAUMSQ
from msq_finn.transforms.infer_vvau_msq import InferVVAUMSQ
from msq_finn.transforms.join_before_flatten import JoinBeforeFlatten
from msq_finn.transforms.join_last_states import JoinLastStates
from msq_finn.transforms.keep_weights_narrow import KeepWeightsNarrow
from msq_finn.transforms.known_shapes import KnownShapes
from msq_finn.transforms.make_weights_negatable import MakeWeightsNegatable
from msq_finn.transforms.mark_channels_last import MarkChannelsLast, MarkChannelsSecond
from msq_finn.transforms.merge_quantizers import MergeQuantizers
from msq_finn.transforms.place_pads import PlacePads
from msq_finn.transforms.plain_convolutions import PlainConvolutions
from msq_finn.transforms.pools_channels_last import PoolsChannelsLast
from msq_finn.transforms.quantizer_notes import NoteQuantizers, NoteThresholds
from msq_finn.transforms.recognise_global_pools import RecogniseGlobalPools
from msq_finn.transforms.refuse_unequal_scales import RefuseUnequalScales
from msq_finn.transforms.refuse_unsupported import RefuseUnsupported
from msq_finn.transforms.roll_recurrent import RollRecurrentLayers
from msq_finn.transforms.round_ties_to_even import RoundTiesToEven
from msq_finn.transforms.round_truncations import RoundTruncations
from msq_finn.transforms.signals_to_images import SignalsToImages
from msq_finn.transforms.size_bias_scales import SizeBiasScales
from msq_finn.transforms.slices_to_splits import SlicesToSplits
from msq_finn.transforms.softmax_last import SoftmaxLast
from msq_finn.transforms.specialize_integer_add import SpecializeIntegerAdd
from msq_finn.transforms.streamline_global_pool import StreamlineGlobalPool
from msq_finn.transforms.streamline_joins import StreamlineJoins
from msq_finn.transforms.streamline_maps import StreamlineMaps


def step_msq_bias_scales(model: ModelWrapper, cfg: Any) -> ModelWrapper:
    """Prepare what FINN's first step takes away or cannot take (before all others).

    Quantizers and layers are noted by name, functions before quantizers become thresholds or
    tables, and the scales of biases get a shape that the step can take.

    Args:
        model: exported QONNX graph.
    """
    keep_source(model, cfg)
    annotate(model.model)  # where the export did not
    finn_workers.prepare()
    noted = (KnownShapes(), MergeQuantizers(), NoteQuantizers())
    layers = (JoinLastStates(), RollRecurrentLayers(), AbsorbActivations())
    prepared = (*noted, *layers, RoundTruncations(), SizeBiasScales())
    return ours(model, cfg, *prepared, *before_first_step(), DenseProducts())


def step_msq_round_ties(model: ModelWrapper, cfg: Any) -> ModelWrapper:
    """Round halves to even, as QONNX does (after FINN's tidy_up).

    Args:
        model: graph with FINN's thresholds in the place of quantizers.
    """
    return ours(model, cfg, NoteThresholds(), RoundTiesToEven())


def step_msq_signals(model: ModelWrapper, cfg: Any) -> ModelWrapper:
    """Give pools, pads and convolutions the form that FINN lowers (after FINN's tidy_up).

    1-D convolutions get a second dimension.

    Args:
        model: tidied graph in FINN's dialect.

    Raises:
        MsqError: a layer, or an op of a network on signals, has no such form.
    """
    layers = (RecogniseGlobalPools(), PlacePads(), PlainConvolutions(), SlicesToSplits())
    return ours(model, cfg, *layers, JoinBeforeFlatten(), SignalsToImages(), ForkOutputs())


def step_msq_channel_scales(model: ModelWrapper, cfg: Any) -> ModelWrapper:
    """Prepare scales of channels, and pools that several layers read, for FINN's streamline.

    Scales pass depthwise convolutions, which have quantizers with a scale per channel before them
    in Brevitas's MobileNet (FINN's own flow for that network does the same,
    ``step_mobilenet_streamline``), belong to the last axis behind linear layers, and their signs
    may go into any weights.

    Args:
        model: tidied graph in FINN's dialect.
    """
    finn_workers.prepare()
    scales = (*before_streamline(), MoveMulPastDWConv(), MarkChannelsLast(), MakeWeightsNegatable())
    return ours(model, cfg, *scales, PoolsChannelsLast())


def step_msq_streamline(model: ModelWrapper, cfg: Any) -> ModelWrapper:
    """Finish streamlining of joins, of layers on maps and of pools (after FINN's streamline).

    Args:
        model: streamlined graph.

    Raises:
        MsqError: branches of unequal scales meet, or a layer on maps has no hardware.
    """
    finn_workers.prepare()
    layers = (StreamlineJoins(), StreamlineMaps(), StreamlineGlobalPool(), ForkFlattens())
    checked = (RefuseUnequalScales(), SoftmaxLast(), MarkChannelsSecond())
    return ours(model, cfg, *layers, *checked, *before_conversion())


def step_msq_infer(model: ModelWrapper, cfg: Any) -> ModelWrapper:
    """Turn layers whose rows have lanes into row-mixed ones; floats stay on the host.

    Follows FINN's ``step_convert_to_hw``.

    Args:
        model: graph of FINN's hardware layers.

    Raises:
        MsqError: the configuration or a layer is one that the build cannot take.
    """
    check_config(cfg)
    finn_workers.prepare()
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
    """
    return ours(model, cfg, KeepWeightsNarrow(cfg._resolve_fpga_part()))


#: From an exported QONNX model to a dataflow graph that can be folded.
FRONT_STEPS: list[Any] = [
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
    SPECIALIZE_LAYERS,
]
