"""Which layers must have their rows assigned alike, because their outputs meet in an add."""

import warnings
from typing import Any

from torch import nn

from msq_finn.training.assign import mixed_layers, row_schemes
from msq_finn.training.coupling.channels import Couplings
from msq_finn.training.coupling.modules import RowLayers
from msq_finn.training.coupling.trace import as_written, follow_graph, follow_run
from msq_finn.training.feed import unwrapped


def coupled_layers(model: nn.Module, example: Any = None) -> list[list[str]]:
    """Find the row-mixed layers whose output channels are combined with each other's.

    Hardware sorts a layer's output channels by scheme. What is added element by element, or
    multiplied, has to be sorted alike, so its rows have to have the same schemes; see ``coupled``
    of `assign_rows`. Values are followed through whatever keeps or moves channels, however it is
    written: activations, normalisation, pooling, dropout, factors, axes that are moved, parts that
    are concatenated or cut. Rows of a depthwise layer count where what it computes is added.

    Without an example the network is traced by torch.fx, which can't follow decisions on values or
    shapes, and knows few shapes. With one, it is run once, in eval mode.

    Args:
        model: the network; it may be compiled or wrapped.
        example: a batch of inputs, as `calibrate` takes it.

    Returns:
        Groups of two or more layer names, each in the order of the network.

    Raises:
        MsqError: the network can't be traced, or does not run on the example.

    Warns:
        UserWarning: rows may meet where they can't be followed; the text names operation and
            layers.

    Examples:
        >>> from msq_finn.models import resnet8
        >>> [len(group) for group in coupled_layers(resnet8())]
        [2, 2, 2]
    """
    mixed: dict[str, Any] = mixed_layers(model)
    layers = RowLayers({layer.weight_quant: name for name, layer in mixed.items()})
    couplings = Couplings({name: len(row_schemes(layer)) for name, layer in mixed.items()})
    network = unwrapped(model)
    with as_written(network):
        if example is None:
            follow_graph(network, layers, couplings)
        else:
            follow_run(network, example, layers, couplings)
    for doubt in couplings.described_doubts():
        more = "" if example is not None else ", or give coupled_layers an example input"
        warnings.warn(
            f"{doubt}; if they are added, assign their rows alike with a group of your own in "
            f"coupled={more}",
            stacklevel=2,
        )
    return couplings.groups()
