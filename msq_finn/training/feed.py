"""Running a network on what data loaders give."""

import inspect
import traceback
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from msq_finn.errors import MsqError, said_by


def unwrapped(model: nn.Module) -> nn.Module:
    """Return the network inside of torch.compile's and the data-parallel wrappers.

    Args:
        model: a network, wrapped or not.

    Examples:
        >>> net = nn.Linear(2, 2)
        >>> unwrapped(nn.DataParallel(net)) is net
        True
    """
    wrappers = (nn.DataParallel, nn.parallel.DistributedDataParallel)
    while isinstance(model, wrappers) or hasattr(model, "_orig_mod"):
        model = model.module if isinstance(model, wrappers) else model._orig_mod
    return model


def feed(model: nn.Module, batch: Any) -> Any:
    """Run a network on a batch as a data loader gives it, targets and all.

    A tensor is the only input. Of a tuple or list, as many items from the first on are inputs as
    ``forward`` has parameters without a default, and what is behind them are targets: (x, y), or
    (left, right, y) for ``forward(left, right)``. Where the first item is itself a tuple, list or
    dict, it holds all inputs: ((left, right), y). The entries of a dict go to the parameters of
    their names; those that ``forward`` does not take are left out.

    Args:
        model: the network; inputs go to the device of its first parameter.
        batch: a tensor, a tuple or list, or a dict (any mapping).

    Returns:
        What the network returns.

    Raises:
        MsqError: the batch is none of these, lacks an input, holds NaN, or does not fit the
            network; the text names the layer that refused it.

    Examples:
        >>> x, y = torch.ones(4, 3), torch.zeros(4)
        >>> [tuple(feed(nn.Linear(3, 2), b).shape) for b in (x, [x, y], {"input": x, "y": y})]
        [(4, 2), (4, 2), (4, 2)]
    """
    args, kwargs = _inputs(unwrapped(model), batch)
    place = next(model.parameters(), torch.empty(0)).device
    args, kwargs = _moved(args, place), _moved(kwargs, place)
    try:
        return model(*args, **kwargs)
    except MsqError:
        raise
    except Exception as error:
        where = _failed_in(model, error)
        at = f"layer {where}" if where else type(unwrapped(model)).__name__
        raise MsqError(f"{at} does not take the batch: {said_by(error)}") from error


def _inputs(model: nn.Module, batch: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return what goes to ``forward``, by position and by name."""
    parameters = list(inspect.signature(model.forward).parameters.values())
    takes_all = {p.kind for p in parameters}
    named = [p for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    needed = [p.name for p in named if p.default is p.empty]
    known = {p.name for p in named if p.kind is not p.POSITIONAL_ONLY}
    if isinstance(batch, Tensor):
        batch = (batch,)
    if isinstance(batch, tuple | list):
        if batch and isinstance(batch[0], tuple | list | Mapping):
            inner = batch[0]
            return (tuple(inner), {}) if isinstance(inner, tuple | list) else _inputs(model, inner)
        if len(batch) < len(needed) or not batch:
            raise MsqError(
                f"a batch of {len(batch)} items, but {type(model).__name__}.forward needs "
                f"{', '.join(needed) or 'an input'}"
            )
        everything = inspect.Parameter.VAR_POSITIONAL in takes_all
        return tuple(batch if everything else batch[: len(needed) or 1]), {}
    if isinstance(batch, Mapping):
        if inspect.Parameter.VAR_KEYWORD in takes_all:
            known |= set(batch)
        found = {name: value for name, value in batch.items() if name in known}
        if not found and len(needed) == 1:
            return (batch,), {}  # the network takes the dict itself
        for name in needed:
            if name not in found:
                raise MsqError(
                    f"a batch of {', '.join(map(str, batch)) or 'nothing'}, but "
                    f"{type(model).__name__}.forward needs {name}"
                )
        return (), found
    raise MsqError(
        f"a batch is a tensor, or a tuple, list or dict of tensors, not a {type(batch).__name__}"
    )


def _moved(value: Any, device: torch.device) -> Any:
    """Return the value with all tensors in it on a device."""
    if isinstance(value, Tensor):
        if value.is_floating_point() and value.isnan().any():
            raise MsqError("the batch holds NaN; check how the data are made")
        return value.to(device)
    if isinstance(value, Mapping):
        return {name: _moved(item, device) for name, item in value.items()}
    if type(value) in (tuple, list):
        return type(value)(_moved(item, device) for item in value)
    return value


def _failed_in(model: nn.Module, error: Exception) -> str:
    """Return the name of the innermost module in which an exception was raised."""
    names = {id(module): name for name, module in model.named_modules()}
    found = ""
    for frame, _ in traceback.walk_tb(error.__traceback__):
        found = names.get(id(frame.f_locals.get("self")), "") or found
    return found
