"""Functions of one value between layers: which there are, and how far they go below 0."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

#: Rising functions that go below 0.
_SIGNED = (*(nn.CELU, nn.ELU, nn.Hardtanh, nn.LeakyReLU, nn.PReLU, nn.SELU, nn.Softsign, nn.Tanh),)

#: Those that do not.
_UNSIGNED = (nn.Hardsigmoid, nn.Sigmoid, nn.Softplus)

#: Those that fall to a value below 0, from where they rise.
_DIPPING = (nn.GELU, nn.Hardswish, nn.Mish, nn.SiLU)

#: Where such a value is looked for.
_LEAST, _STEPS = -3.0, 300_000

#: Slope below 0 of a leaky ReLU that 4 bits hardly have a level for.
_FLAT = 1 / 16


class Rising(nn.Module):
    """A function that dips, from its least value on; what comes before that has this value, too.

    Levels rise with what this is of, so that hardware has thresholds for it. SiLU, which comes back
    up from -0.28 to 0 where few values are, is hardly another function then; without its values
    below 0 it is.

    Args:
        function: of `_DIPPING`.

    >>> Rising(nn.SiLU())(torch.tensor([-9.0, -1.0, 1.0]))
    tensor([-0.2785, -0.2689,  0.7311])
    """

    def __init__(self, function: nn.Module) -> None:
        super().__init__()
        self.function = function
        places = torch.linspace(_LEAST, 0, _STEPS + 1, dtype=torch.float64)
        self.least = float(places[function(places.clone()).argmin()])

    def forward(self, x: Tensor) -> Tensor:
        """Return its values.

        Args:
            x: of any shape.
        """
        result: Tensor = self.function(x.clamp(min=self.least))
        return result


def is_function(own: nn.Module) -> bool:
    """Tell whether a module is a function of single values, other than a ReLU.

    Args:
        own: of torch.
    """
    return isinstance(own, (*_SIGNED, *_UNSIGNED, *_DIPPING))


def dips(own: Any) -> bool:
    """Tell whether a function falls first, and rises from a value below 0.

    Args:
        own: of which `is_function` holds.
    """
    return isinstance(own, _DIPPING)


def goes_below_zero(own: Any) -> bool:
    """Tell whether a quantizer of a function's values needs negative levels.

    Args:
        own: of which `is_function` holds.

    >>> [goes_below_zero(f) for f in (nn.Tanh(), nn.SiLU(), nn.LeakyReLU(0.2), nn.LeakyReLU(0.01))]
    [True, True, True, False]
    """
    if isinstance(own, nn.LeakyReLU):
        return own.negative_slope > _FLAT
    if isinstance(own, nn.Hardtanh):
        return own.min_val < 0
    return isinstance(own, (*_SIGNED, *_DIPPING))
