"""Scales, weights and biases of a quantized network, from what the float one computes."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from brevitas.graph.calibrate import bias_correction_mode
from brevitas.proxy.runtime_quant import ActQuantProxyFromInjector
from torch import Tensor, nn

from msq_finn.errors import MsqError
from msq_finn.post_training.float_graph import each_output
from msq_finn.progress import Progress
from msq_finn.training.calibrate import calibrate
from msq_finn.training.loop import deterministic

#: Samples of a step, and the first learning rate.
_STEP, _RATE = 64, 1e-3

#: Bits of an activation's scale.
_SCALE_BITS = 12


def tune(
    model: nn.Module,
    float_model: nn.Module,
    samples: Tensor,
    ceilings: Mapping[str, float],
    epochs: int,
    progress: Progress,
) -> None:
    """Fit a quantized network to a float one on samples without labels.

    Scales of activations are those of least squared error, and Brevitas corrects biases by the mean
    error of each layer's outputs. Then weights, biases and scales learn, by the straight-through
    estimator, to give the float network's outputs.

    Args:
        model: quantized, with the float network's weights; changed, and left in eval mode.
        float_model: what it was made of, in eval mode.
        samples: inputs, [samples, ...].
        ceilings: by the name of an activation that has one, its largest value.
        epochs: passes over the samples in which the network learns; 0 for none.
        progress: told of steps.

    Raises:
        MsqError: what the network computes is not finite.
    """
    batches = samples.split(_STEP)
    progress("Calibrate", 0, 1)
    calibrate(model, batches)
    _bound(model, ceilings)
    with torch.no_grad():
        with bias_correction_mode(model):
            for batch in batches:
                model(batch)
        found = [each_output(float_model(batch)) for batch in batches]
    targets = [torch.cat(parts) for parts in zip(*found, strict=True)]
    progress("Calibrate", 1, 1)
    if not all(target.isfinite().all() for target in targets):
        raise MsqError("the float network's outputs are not finite; check the data")
    _learn(model.eval(), samples, targets, epochs, progress)
    _shorten_scales(model)


def _bound(model: nn.Module, ceilings: Mapping[str, float]) -> None:
    """Let no activation have levels above its end."""
    for name, ceiling in ceilings.items():
        quant = model.get_submodule(name).act_quant.fused_activation_quant_proxy.tensor_quant
        quant.scaling_impl.value.data.clamp_(max=ceiling)


def _shorten_scales(model: nn.Module) -> None:
    """Round activations' scales to 12 bits: floats hold multiples of these and their sums exactly.

    Scales that are searched alike are often multiples of one another, as of a sum and of its
    operands. Half a level is then a frequent value, which the exported model, computed in floats,
    would round to either side, as the scales' last bits have it.
    """
    for quant in model.modules():
        if not isinstance(quant, ActQuantProxyFromInjector) or not quant.is_quant_enabled:
            continue
        value = quant.fused_activation_quant_proxy.tensor_quant.scaling_impl.value.data
        scale = quant.scale().detach()
        levels = (value / scale).round()
        mantissa, exponent = torch.frexp(scale)
        value.copy_(
            torch.ldexp((mantissa * 2**_SCALE_BITS).round(), exponent - _SCALE_BITS) * levels
        )


def _learn(
    model: nn.Module, samples: Tensor, targets: list[Tensor], epochs: int, progress: Progress
) -> None:
    """Learn to give the targets; whatever batch statistics there are stay."""
    spreads = [target.var().clamp_min(1e-12) for target in targets]
    steps = epochs * -(-len(samples) // _STEP)
    optimizer = torch.optim.Adam(model.parameters(), lr=_RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, max(1, steps))
    done = 0
    with torch.random.fork_rng(devices=[]), deterministic(0):
        for _ in range(epochs):
            for chosen in torch.randperm(len(samples)).to(samples.device).split(_STEP):
                progress("Fit to the float network", done, steps)
                found = each_output(model(samples[chosen]))
                loss = torch.stack(
                    [
                        (output - target[chosen]).square().mean() / spread
                        for output, target, spread in zip(found, targets, spreads, strict=True)
                    ]
                ).mean()
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                schedule.step()
                done += 1
    progress("Fit to the float network", steps, steps)
