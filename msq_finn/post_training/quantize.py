"""From a float network of torch to Brevitas's layers with row-mixed weights, in one call."""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy
from pathlib import Path
from typing import Any

import torch
from brevitas.graph.equalize import EqualizeGraph
from torch import Tensor, fx, nn

from msq_finn.errors import MsqError
from msq_finn.lowering.inputs import check_board
from msq_finn.plan.file.schema import Plan
from msq_finn.plan.frontend.source import network_of_module
from msq_finn.plan.making import make_plan
from msq_finn.post_training import EPOCHS, SAMPLES
from msq_finn.post_training.float_graph import Obstacles, each_output, input_of, traced
from msq_finn.post_training.layer_quantizers import coupled_rows, quantize_layers
from msq_finn.post_training.place_quantizers import Bits, place_quantizers
from msq_finn.post_training.standard_ops import standardize
from msq_finn.post_training.tune import tune
from msq_finn.progress import Progress, silent
from msq_finn.training.assign import assign_rows
from msq_finn.training.feed import unwrapped

#: Iterations of Brevitas's equalization of neighbouring layers.
_EQUALIZE = 10


def quantize(
    model: nn.Module,
    example: Any,
    data: Iterable[Any] | Tensor | None = None,
    *,
    plan: Plan | Path | str | None = None,
    board: str | None = None,
    weight_bits: int = 4,
    act_bits: int = 4,
    input_bits: int = 8,
    epochs: int = EPOCHS,
    progress: Progress = silent,
) -> nn.Module:
    """Quantize a float network, without labels: ready for ``msq_finn.compile``, or for training.

    Batch normalisation stays, which FINN turns into thresholds. What a ReLU or another activation
    makes has ``act_bits`` bits; SiLU, GELU, Mish and hard swish have one more, for the sign of what
    little they have below 0, and give their least value for all that is less than its place. What
    none bounds (operands and results of sums, bottlenecks, averages) has 8. Layers'
    rows are half SP2 and half fixed point, those of least error under SP2 first; depthwise layers
    and the last one, whose rows have one scale, are fixed point. Dropout stays, for training.

    Layers keep their names. What no layer follows, such as a softmax at the end, stays float.

    Args:
        model: the float network, trained; it is left alone.
        example: an input with its batch axis, [batch, ...], or a tuple, list or dict with it first.
        data: inputs to calibrate with, [samples, ...], or a loader of batches as a training script
            has it, targets and all; the first 1024 samples of a loader are used, and as many
            spread over a tensor. None for the example.
        plan: says of each layer how many rows each number system has; a plan, or a file of
            ``msq-finn plan``.
        board: plan the most throughput of this board, as FINN names it, and take its rows.
        weight_bits: of weights, 3 to 8; with a plan, its number systems say it.
        act_bits: of activations, 2 to 8.
        input_bits: of the network's input, 2 to 8.
        epochs: passes over the data in which the quantized network learns to give the float
            network's outputs; 0 for calibration alone.
        progress: told of every step.

    Returns:
        The quantized network in eval mode, a ``torch.fx.GraphModule`` of Brevitas's layers.

    Raises:
        MsqError: what of the network cannot be quantized, all of it, by module; the network does
            not run on the example or data; the plan is for another network.

    Examples:
        >>> from torch import nn
        >>> net = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 4))
        >>> quantized = quantize(net, torch.rand(64, 8), epochs=1)
        >>> quantized.get_submodule("0").weight_quant.row_schemes.count("sp2_4")
        8
    """
    bits = _bits(weight_bits, act_bits, input_bits)
    if plan is not None and board is not None:
        raise MsqError("plan and board: the plan has its own board; give one", field="board")
    if board is not None:
        check_board(board)
    if isinstance(plan, Path | str):
        plan = Plan.load(plan)
    name = type(unwrapped(model)).__name__
    given = input_of(model, example)
    samples = samples_of(model, given if data is None else data)
    if samples.shape[1:] != given.shape[1:]:
        shapes = (tuple(samples.shape[1:]), tuple(given.shape[1:]))
        raise MsqError(
            f"inputs of shape {shapes[0]}, but the example has {shapes[1]}", where="data"
        )
    module = float_form(model, given)
    floats = deepcopy(module)
    place = next(module.parameters()).device
    samples = samples.to(place)
    ceilings = place_quantizers(module, bits, samples)
    if board is not None:
        plan = _planned(module, name, board, bits, samples, progress)
    quantize_layers(module, bits.weights, plan)
    module.to(place).eval()  # what is new in it comes on the CPU, and would take statistics
    with torch.no_grad():
        module(samples[:1])  # searches the weights' scales
    assign_rows(module, plan or 0.5, "mse", coupled=coupled_rows(module, samples[:1]))
    tune(module, floats, samples, ceilings, epochs, progress)
    return module


def _bits(weights: int, activations: int, inputs: int) -> Bits:
    given = {"weight_bits": (weights, 3), "act_bits": (activations, 2), "input_bits": (inputs, 2)}
    for field, (value, least) in given.items():
        if type(value) is not int or not least <= value <= 8:
            raise MsqError(f"{field}={value!r}; give {least} to 8 bits", field=field, value=value)
    return Bits(weights, activations, inputs)


def float_form(model: nn.Module, example: Tensor) -> fx.GraphModule:
    """Return the float network in the form in which `quantize` quantizes it.

    Neighbouring layers are equalized, which scales channels between them: what the quantized
    network has inside is to be compared with this, not with the network itself.

    Args:
        model: the float network, which is left alone.
        example: its input, [batch, ...].

    Returns:
        a float network that computes the same, with the same names of layers, in eval mode.

    Raises:
        MsqError: what of the network cannot be quantized.
    """
    return EqualizeGraph(_EQUALIZE).apply(standard_form(model, example))


def standard_form(model: nn.Module, example: Tensor) -> fx.GraphModule:
    """Trace a network and write every operation of it in one way.

    Args:
        model: the float network, which is left alone.
        example: its input, [batch, ...].

    Returns:
        a float network that computes the same, in eval mode.

    Raises:
        MsqError: what of the network cannot be quantized.
    """
    faults = Obstacles(type(unwrapped(model)).__name__)
    module, pair, outputs = traced(model, example, faults)
    standardize(module, faults)
    faults.raise_any()
    module.graph.lint()
    module.recompile()
    module.eval()
    with torch.no_grad():
        found = module(pair)
    both = zip(each_output(found), each_output(outputs), strict=True)
    if not all(a.shape == b.shape and torch.allclose(a, b, 1e-3, 1e-4) for a, b in both):
        raise MsqError(
            "its graph computes something else than the network, as where a value that is read "
            "again is changed in place (y = x; x += z): write x = x + z; else please report it",
            where=faults.network,
        )
    return module


def samples_of(model: nn.Module, data: Iterable[Any] | Tensor) -> Tensor:
    """Return inputs to calibrate with.

    Args:
        model: the network, whose forward says which of a batch is its input.
        data: inputs, [samples, ...], or batches.

    Returns:
        At most `SAMPLES` inputs, [samples, ...].

    Raises:
        MsqError: there are none.
    """
    if isinstance(data, Tensor):
        data = input_of(model, data)
        spread = torch.linspace(0, len(data) - 1, min(SAMPLES, len(data))).long()
        return data[spread.to(data.device)].float()
    found: list[Tensor] = []
    for batch in data:
        found.append(input_of(model, batch))
        if sum(map(len, found)) >= SAMPLES:
            break
    if not found:
        raise MsqError("calibration needs at least one batch of inputs", where="data")
    return torch.cat(found)[:SAMPLES].float()


def channels_of(model: nn.Module) -> int:
    """Return how many channels a network's first layer reads.

    Args:
        model: the float network.
    """
    for layer in model.modules():
        if isinstance(layer, nn.Conv1d | nn.Conv2d):
            return layer.in_channels
    return 1


def _planned(
    module: fx.GraphModule, name: str, board: str, bits: Bits, samples: Tensor, progress: Progress
) -> Plan:
    """Plan the most throughput that a board has for the network."""
    from finn.util.basic import get_dsp_block

    part = check_board(board)
    trial = deepcopy(module)
    quantize_layers(trial, bits.weights, None)
    shape = tuple(samples.shape[1:])
    network = network_of_module(trial.cpu(), name, board, shape, progress)
    made = make_plan(
        network, board, part, get_dsp_block(part),
        progress=lambda done, total: progress("Search", done, total),
    )  # fmt: skip
    return made.plan
