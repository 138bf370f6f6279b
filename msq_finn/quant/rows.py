"""Which rows get which scheme: counts, and the choice by variance."""

from collections.abc import Sequence

import torch
from torch import Tensor

from msq_finn.errors import MsqError


def as_rows(weight: Tensor, output_channel_dim: int = 0) -> Tensor:
    """Return the weights as a matrix of shape (rows, columns), one output channel a row.

    Args:
        weight: of a layer, any shape.
        output_channel_dim: its axis of output channels; 1 for transposed convolutions.
    """
    return weight.transpose(0, output_channel_dim).flatten(1)


def row_counts(ratios: Sequence[float], rows: int) -> list[int]:
    """Return how many of the rows each scheme gets.

    Args:
        ratios: per scheme its share of the rows; they sum to 1.
        rows: number of rows.

    Raises:
        MsqError: a ratio is outside [0, 1], or they do not sum to 1.

    Examples:
        >>> row_counts([0.6, 0.4], 32)
        [19, 13]
    """
    for ratio in ratios:
        if not 0 <= ratio <= 1:
            raise MsqError(f"ratio {ratio} of a layer's rows: give a number from 0 to 1")
    if abs(sum(ratios) - 1) > 1e-6:
        raise MsqError(f"the ratios {list(ratios)} of a layer's rows must sum to 1")
    ends = [round(sum(ratios[: i + 1]) * rows) for i in range(len(ratios))]
    return [end - start for start, end in zip([0, *ends], ends, strict=False)]


def deal(order: Tensor, counts: Sequence[int]) -> Tensor:
    """Deal rows to kinds: the first of ``order`` to kind 0, and so on.

    Args:
        order: the rows' indices; shape (rows,), int64.
        counts: rows of each kind; they sum to the number of rows.

    Returns:
        Per row, its kind; shape (rows,), int64.

    Examples:
        >>> deal(torch.tensor([2, 0, 1, 3]), [1, 3])
        tensor([1, 1, 0, 1])
    """
    kinds = torch.arange(len(counts), device=order.device)
    dealt = kinds.repeat_interleave(torch.tensor(counts, device=order.device))
    return torch.empty_like(order).scatter_(0, order, dealt)


def by_variance(rows: Tensor, counts: Sequence[int]) -> Tensor:
    """Deal rows to kinds by ascending variance of their weights (MSQ, HPCA 2021, section IV).

    The levels of SP2 crowd around zero, which suits rows whose weights do: with SP2 as kind 0, the
    rows of lowest variance are SP2.

    Args:
        rows: weights of shape (rows, columns).

    Returns:
        Per row, its kind; shape (rows,), int64.

    Raises:
        MsqError: a weight is not finite.
    """
    refuse_not_finite(rows)
    variance = rows.detach().float().var(dim=1, correction=0)
    return deal(variance.argsort(stable=True), counts)


def refuse_not_finite(rows: Tensor) -> None:
    """Check weights before they decide anything.

    Args:
        rows: weights of shape (rows, columns).

    Raises:
        MsqError: one is NaN or infinite; the text says which.
    """
    bad = (~rows.isfinite()).nonzero()
    if len(bad):
        row, column = bad[0].tolist()
        raise MsqError(f"weight {rows[row, column].item()} at row {row}, column {column}")


def kinds_of_names(names: Sequence[str], schemes: Sequence[str], rows: Tensor) -> Tensor:
    """Return per row the index of its scheme, from the names of the rows' schemes.

    Args:
        names: per row, the name of its scheme.
        schemes: the names of the schemes a row may have.
        rows: weights of shape (rows, columns).

    Returns:
        Per row, the index in ``schemes``; shape (rows,), int64.

    Raises:
        MsqError: there is not one name for each row, or a name is none of the schemes.
    """
    if len(names) != len(rows):
        raise MsqError(f"{len(names)} row schemes for {len(rows)} rows")
    strangers = [name for name in names if name not in schemes]
    if strangers:
        raise MsqError(f"row scheme {strangers[0]!r} is none of {', '.join(schemes)}")
    return torch.tensor([schemes.index(name) for name in names], device=rows.device)
