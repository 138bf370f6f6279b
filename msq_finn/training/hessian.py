"""How sharply the loss bends along the rows of weight matrices."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, distributed, nn

from msq_finn.quant.rows import as_rows


def row_curvature(
    layers: Sequence[nn.Module], loss: Callable[[], Tensor], samples: int = 16, seed: int = 0
) -> list[Tensor]:
    """Estimate the trace of the Hessian's block of each row, per weight (Hutchinson, 1990).

    For v of random signs, the expected value of v * Hv is the diagonal of the Hessian H. Processes
    that train together take the mean over their data: all have to call this.

    Args:
        layers: layers with a ``weight`` and an ``output_channel_dim``, as Brevitas's.
        loss: computes the loss from the present weights; must depend on them all.
        samples: random vectors, each at the cost of a backward pass of a backward pass.
        seed: of the random vectors.

    Returns:
        For each layer, its rows' mean second derivatives; shape (rows,).

    Examples:
        >>> from brevitas.nn import QuantLinear
        >>> layer = QuantLinear(3, 2, bias=False, weight_quant=None)
        >>> bends = torch.tensor([[1.0, 2.0, 3.0], [5.0, 5.0, 5.0]])
        >>> row_curvature([layer], lambda: (bends * layer.weight**2).sum() / 2)
        [tensor([2., 5.])]
    """
    weights = [layer.weight for layer in layers]
    generator = torch.Generator().manual_seed(seed)
    gradients = torch.autograd.grad(loss(), weights, create_graph=True)
    diagonals = [torch.zeros_like(w) for w in weights]
    for _ in range(samples):
        signs = [(torch.randint(0, 2, w.shape, generator=generator) * 2 - 1).to(w) for w in weights]
        products = torch.autograd.grad(gradients, weights, signs, retain_graph=True)
        for diagonal, v, hv in zip(diagonals, signs, products, strict=True):
            diagonal += v * hv / samples
    if distributed.is_available() and distributed.is_initialized():
        for diagonal in diagonals:
            distributed.all_reduce(diagonal)
    return [
        as_rows(diagonal, layer.output_channel_dim).mean(dim=1)
        for diagonal, layer in zip(diagonals, layers, strict=True)
    ]
