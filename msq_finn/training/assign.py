"""Assignment of schemes to the rows of a network's row-mixed layers."""

from collections.abc import Callable, Mapping, Sequence
from itertools import chain

import torch
from torch import Tensor, nn

from msq_finn.errors import MsqError
from msq_finn.quant.proxy import SchemeWeightQuantProxy
from msq_finn.quant.rows import (
    as_rows,
    by_variance,
    deal,
    kinds_of_names,
    refuse_not_finite,
    row_counts,
)
from msq_finn.training.hessian import row_curvature
from msq_finn.training.planned import PlanLike, planned_rows

Rows = float | int | Mapping[str, float | int] | Sequence[str]
"""What a layer's rows shall be.

With two schemes, the share (float) or number (int) of rows of the first; or by scheme, its share or
number; or per row, the name of its scheme.
"""

STRATEGIES = ("variance", "mse", "hessian", "explicit")


def assign_rows(
    model: nn.Module,
    rows: float | Mapping[str, Rows] | PlanLike,
    strategy: str = "variance",
    loss: Callable[[], Tensor] | None = None,
    coupled: Sequence[Sequence[str]] = (),
) -> dict[str, list[str]]:
    """Choose anew, from the present weights, which rows have which scheme.

    May be called at any time, also between the epochs of a training. The choice is kept in the
    state_dict, and outlives weights that are set later.

    Args:
        model: a network with layers whose ``weight_quant`` is row-mixed, such as
            `MSQWeightPerChannelFloat`.
        rows: the share of rows of the first scheme (SP2), one for all layers; or by layer name, for
            some or all layers, what its rows shall be; or a plan, as from `Plan.load`.
        strategy: which rows the first schemes of a layer's list get.
            "variance": those of lowest variance (MSQ, HPCA 2021);
            "mse": those that lose least, or gain most, over the schemes behind;
            "hessian": those along which the loss bends least (RMSMP, ICCV 2021);
            "explicit": those that ``rows`` names.
        loss: for "hessian", computes the loss on some data.
        coupled: groups of layers whose rows get the same schemes, as from `coupled_layers`. What
            ``rows`` says of one layer of a group holds for all.

    Returns:
        By layer name, the scheme of each row.

    Raises:
        MsqError: no such layer, scheme or strategy, numbers that do not fit the layer, a plan for
            another network, or weights that are not finite; the text names the layer.

    Examples:
        >>> from brevitas.nn import QuantLinear
        >>> from msq_finn.quant import MSQWeightPerChannelFloat
        >>> net = nn.Sequential(QuantLinear(8, 4, False, weight_quant=MSQWeightPerChannelFloat))
        >>> sorted(assign_rows(net, {"0": 3})["0"])
        ['fixed_4', 'sp2_4', 'sp2_4', 'sp2_4']
    """
    if strategy not in STRATEGIES:
        known = ", ".join(STRATEGIES)
        raise MsqError(f"no assignment strategy is named {strategy!r}; known: {known}")
    layers = mixed_layers(model)
    wanted: Mapping[str, Rows]
    if isinstance(rows, int | float):
        wanted = dict.fromkeys(layers, rows)
    else:
        wanted = rows if isinstance(rows, Mapping) else planned_rows(model, layers, rows)
    for name in (*wanted, *chain(*coupled)):
        if name not in layers:
            known = ", ".join(layers) or "none"
            raise MsqError(f"no row-mixed layer is named {name!r} in this network; it has: {known}")
    groups = {name: tuple(group) for group in coupled for name in group}
    specs: dict[tuple[str, ...], Rows] = {}
    for name, spec in wanted.items():
        group = groups.get(name, (name,))
        if specs.setdefault(group, spec) != spec:
            raise MsqError(
                f"layers {', '.join(group)} must have the same rows; an add couples them"
            )
    curvature = {}
    if strategy == "hessian":
        if loss is None:
            raise MsqError("strategy hessian needs the argument loss, which computes the loss")
        chosen = list(chain(*specs))
        found = row_curvature([layers[name] for name in chosen], loss)
        curvature = dict(zip(chosen, found, strict=True))
    for group, spec in specs.items():
        try:
            _assign(
                [layers[name] for name in group], spec, strategy, [curvature.get(n) for n in group]
            )
        except MsqError as error:
            plural = "layers" if len(group) > 1 else "layer"
            raise MsqError(f"{plural} {', '.join(group)}: {error}") from error
    return {name: row_schemes(layer) for name, layer in layers.items()}


def mixed_layers(model: nn.Module) -> dict[str, nn.Module]:
    """Return the layers with row-mixed weights by name; of layers that share one, the first.

    Args:
        model: a network with Brevitas layers.
    """
    layers = {}
    seen = set()
    for name, layer in model.named_modules():
        proxy = getattr(layer, "weight_quant", None)
        if not isinstance(proxy, SchemeWeightQuantProxy) or not proxy.is_row_mixed:
            continue
        if proxy not in seen:
            layers[name] = layer
            seen.add(proxy)
    return layers


def row_schemes(layer: nn.Module) -> list[str]:
    """Return the name of the scheme of each row.

    Args:
        layer: one of those that `mixed_layers` finds.
    """
    quant = layer.weight_quant.int_quant
    return [quant.scheme_names[kind] for kind in quant.kinds().tolist()]


@torch.no_grad()
def row_errors(layer: nn.Module) -> Tensor:
    """Return each row's squared error under each scheme that it may have.

    Args:
        layer: a layer with row-mixed weights.

    Returns:
        Sums of squared differences; shape (schemes, rows).
    """
    proxy = layer.weight_quant
    int_quant = proxy.int_quant
    kept = int_quant.kinds()
    errors = []
    for kind in range(len(int_quant.scheme_names)):
        int_quant.set_rows(torch.full_like(kept, kind))
        differences = [proxy.tensor_quant(w)[0] - w for w in proxy.tracked_parameter_list]
        matrices = [as_rows(d, layer.output_channel_dim) for d in differences]
        errors.append(torch.cat(matrices, dim=1).square().sum(dim=1))
    int_quant.set_rows(kept)
    return torch.stack(errors)


@torch.no_grad()
def _assign(
    layers: Sequence[nn.Module], spec: Rows, strategy: str, curvature: Sequence[Tensor | None]
) -> None:
    """Assign the same schemes to the rows of one layer, or of layers that are coupled."""
    names = layers[0].weight_quant.int_quant.scheme_names
    matrices = [_rows(layer) for layer in layers]
    for layer, matrix in zip(layers, matrices, strict=True):
        refuse_not_finite(matrix)
        if layer.weight_quant.int_quant.scheme_names != names:
            raise MsqError("coupled layers must have the same schemes to choose from")
        if len(matrix) != len(matrices[0]):
            raise MsqError("coupled layers must have the same number of rows")
    if strategy == "explicit":
        if isinstance(spec, int | float | Mapping):
            raise MsqError(f"strategy explicit takes the name of each row's scheme, not {spec}")
        kinds = kinds_of_names(spec, names, matrices[0])
    else:
        counts = _counts(spec, names, len(matrices[0]))
        # Layers count alike, whatever the sizes of their weights.
        if strategy == "variance":
            kinds = by_variance(torch.cat([_unit(m) for m in matrices], dim=1), counts)
        elif strategy == "mse":
            errors = torch.stack([_unit(row_errors(layer)) for layer in layers])
            kinds = _by_error(errors.sum(dim=0), counts)
        else:
            bends = torch.stack([_unit(c) for c in curvature if c is not None])
            kinds = deal(bends.sum(dim=0).argsort(stable=True), counts)
    for layer in layers:
        layer.weight_quant.assign(kinds)


def _rows(layer: nn.Module) -> Tensor:
    """Return the rows of the layer's weights, and of others' that share its quantizer."""
    weights = layer.weight_quant.tracked_parameter_list
    return torch.cat([as_rows(w, layer.output_channel_dim) for w in weights], dim=1)


def _unit(values: Tensor) -> Tensor:
    """Return values divided by their norm."""
    return values / values.norm().clamp_min(1e-30)


def _counts(spec: Rows, names: Sequence[str], rows: int) -> list[int]:
    """Return how many rows each scheme gets."""
    if isinstance(spec, int | float):
        if len(names) != 2:
            raise MsqError(f"give shares or numbers of rows by scheme: {', '.join(names)}")
        rest = rows - spec if isinstance(spec, int) else 1 - spec
        spec = {names[0]: spec, names[1]: rest}
    if not isinstance(spec, Mapping):
        raise MsqError(f"only strategy explicit takes a list of row schemes, {len(spec)} here")
    for name in spec:
        if name not in names:
            raise MsqError(f"scheme {name!r} is none of {', '.join(names)}")
    wanted = [spec.get(name, 0) for name in names]
    if any(isinstance(count, float) for count in wanted):
        return row_counts(wanted, rows)
    if min(wanted) < 0 or sum(wanted) != rows:
        numbers = ", ".join(f"{count} {name}" for count, name in zip(wanted, names, strict=True))
        raise MsqError(f"rows of {numbers} do not make the layer's {rows} rows")
    return [int(count) for count in wanted]


def _by_error(errors: Tensor, counts: Sequence[int]) -> Tensor:
    """Deal to each scheme in turn the rows with the lowest error compared to the schemes behind."""
    kinds = torch.full_like(errors[0], len(counts) - 1, dtype=torch.int64)
    left = torch.arange(len(kinds), device=kinds.device)
    for kind, count in enumerate(counts[:-1]):
        loss = errors[kind, left] - errors[kind + 1 :, left].amin(dim=0)
        order = loss.argsort(stable=True)
        kinds[left[order[:count]]] = kind
        left = left[order[count:].sort().values]
    return kinds
