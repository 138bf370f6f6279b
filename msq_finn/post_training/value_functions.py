"""Functions of one value between layers: which there are, and whether they go below 0."""

from __future__ import annotations

from typing import Any

from torch import nn

#: Rising functions that go below 0.
_SIGNED = (*(nn.CELU, nn.ELU, nn.Hardtanh, nn.LeakyReLU, nn.PReLU, nn.SELU, nn.Softsign, nn.Tanh),)

#: Those that do not, or by so little that 4 bits have no level for it.
_UNSIGNED = (*(nn.GELU, nn.Hardsigmoid, nn.Hardswish, nn.Mish, nn.Sigmoid, nn.SiLU, nn.Softplus),)

#: Slope below 0 of a leaky ReLU that 4 bits hardly have a level for.
_FLAT = 1 / 16


def is_function(own: nn.Module) -> bool:
    """Tell whether a module is a function of single values, other than a ReLU.

    Args:
        own: of torch.
    """
    return isinstance(own, (*_SIGNED, *_UNSIGNED))


def goes_below_zero(own: Any) -> bool:
    """Tell whether a quantizer of a function's values needs negative levels.

    Args:
        own: of which `is_function` holds.

    >>> [goes_below_zero(f) for f in (nn.Tanh(), nn.SiLU(), nn.LeakyReLU(0.2), nn.LeakyReLU(0.01))]
    [True, False, True, False]
    """
    if isinstance(own, nn.LeakyReLU):
        return own.negative_slope > _FLAT
    if isinstance(own, nn.Hardtanh):
        return own.min_val < 0
    return isinstance(own, _SIGNED)
