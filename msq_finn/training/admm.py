"""Training towards the schemes' grids by ADMM, the MSQ paper's other way beside the STE."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from msq_finn.errors import MsqError
from msq_finn.quant.rows import as_rows, refuse_not_finite
from msq_finn.training.feed import unwrapped


class Admm:
    """Alternating direction method of multipliers (MSQ, HPCA 2021, algorithm 1).

    The network computes with float weights W, which a term of the loss draws to weights Z on the
    grids: rho / 2 * |W - Z + U|^2. Every epoch, Z becomes the projection of W + U, and U, the
    running sum of what is missing, grows by W - Z. In the end W is projected for good.

    Works with any Brevitas weight quantizer, and with rows that are assigned anew between epochs.
    Weights that share a quantizer are drawn to the same scales. A checkpoint of the training has
    `state_dict` beside those of the network and the optimizer.

    Args:
        model: the network; from here until `finish` its weights are not quantized as it computes.
        rho: how strongly the weights are drawn.
        growth: factor on rho every epoch; where `residual` does not fall, let rho grow.

    Raises:
        MsqError: the network has no quantized weights.

    Examples:
        >>> from brevitas.nn import QuantLinear
        >>> from msq_finn.quant import SP2WeightPerChannelFloat
        >>> net = QuantLinear(8, 4, bias=False, weight_quant=SP2WeightPerChannelFloat)
        >>> admm = Admm(net)
        >>> loss = net(torch.ones(1, 8)).sum() + admm.regularization()
        >>> admm.epoch_end()
        >>> admm.finish()
        >>> torch.equal(net.weight, net.quant_weight().value)
        True
    """

    def __init__(self, model: nn.Module, rho: float = 1e-2, growth: float = 1.0) -> None:
        self.layers = {
            name: layer
            for name, layer in unwrapped(model).named_modules()
            if hasattr(layer, "weight_quant") and layer.weight_quant.is_quant_enabled
        }
        if not self.layers:
            raise MsqError("ADMM needs a network with quantized weights; set weight_quant")
        self.rho = rho
        self.growth = growth
        for layer in self.layers.values():
            layer.weight_quant.disable_quant = True
        self.u = {name: torch.zeros_like(layer.weight) for name, layer in self.layers.items()}
        self.z = {name: self._projected(name) for name in self.layers}

    def regularization(self) -> Tensor:
        """Return the term to add to the loss, a scalar with gradient."""
        terms = [
            (layer.weight - self.z[name] + self.u[name]).square().sum()
            for name, layer in self.layers.items()
        ]
        return torch.stack(terms).sum() * (self.rho / 2)

    @torch.no_grad()
    def epoch_end(self) -> None:
        """Project anew and take the residuals into account.

        Raises:
            MsqError: weights are not finite; the text names the layer.
        """
        for name, layer in self.layers.items():
            self.z[name] = self._projected(name)
            self.u[name] += layer.weight - self.z[name]
            # U counts in units of 1 / rho.
            self.u[name] /= self.growth
        self.rho *= self.growth

    @torch.no_grad()
    def finish(self) -> None:
        """Project the weights for good, and let the network quantize its weights again.

        Raises:
            MsqError: weights are not finite; the text names the layer.
        """
        for u in self.u.values():
            u.zero_()
        projected = {name: self._projected(name) for name in self.layers}
        for name, layer in self.layers.items():
            layer.weight.copy_(projected[name])
            layer.weight_quant.disable_quant = False

    def residual(self) -> float:
        """Return how far the weights are from Z, as |W - Z| / |W| over all layers."""
        pairs = [(layer.weight.detach(), self.z[name]) for name, layer in self.layers.items()]
        missing = sum((w - z).square().sum().item() for w, z in pairs)
        return float((missing / sum(w.square().sum().item() for w, _ in pairs)) ** 0.5)

    def state_dict(self) -> dict[str, Any]:
        """Return what a training needs to go on: Z and U by layer, rho and its growth.

        `torch.save` takes it, and `torch.load` with ``weights_only=True`` gives it back.
        """
        kept = {"z": self.z, "u": self.u}
        copies = {key: {n: t.clone() for n, t in of.items()} for key, of in kept.items()}
        return {"rho": self.rho, "growth": self.growth, **copies}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where another run stopped; its network's weights are loaded before.

        Args:
            state: as from `state_dict`, on any device; copied.

        Raises:
            MsqError: it is no such state, or one of another network; the text names the layer.
                Nothing is changed then.
        """
        if wanting := [key for key in ("rho", "growth", "z", "u") if key not in state]:
            raise MsqError(f"this is no state of ADMM: it has no {wanting[0]}")
        for of in (state["z"], state["u"]):
            for name in (*self.layers, *of):
                if name not in of or name not in self.layers:
                    where = "saved state" if name in self.layers else "network"
                    raise MsqError(f"layer {name} is not in ADMM's {where}; it is of another")
            for name, layer in self.layers.items():
                if of[name].shape != layer.weight.shape:
                    saved, here = tuple(of[name].shape), tuple(layer.weight.shape)
                    raise MsqError(
                        f"weights of shape {here}, {saved} in ADMM's saved state; "
                        "it is of another network",
                        where=f"layer {name}",
                    )
                if not of[name].isfinite().all():
                    raise MsqError("ADMM's saved state is not finite", where=f"layer {name}")
        self.rho, self.growth = float(state["rho"]), float(state["growth"])
        for own, saved in ((self.z, state["z"]), (self.u, state["u"])):
            for name, layer in self.layers.items():
                own[name] = saved[name].to(layer.weight, copy=True)

    @torch.no_grad()
    def _projected(self, name: str) -> Tensor:
        """Return W + U of a layer on the grids of its rows."""
        layer = self.layers[name]
        target = layer.weight + self.u[name]
        try:
            refuse_not_finite(as_rows(target, layer.output_channel_dim))
        except MsqError as error:
            raise error.within(f"layer {name}") from error
        value: Tensor = layer.weight_quant.tensor_quant(target)[0]
        return value
