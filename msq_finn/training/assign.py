"""Assignment of schemes to the rows of a network's row-mixed layers."""

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn

from msq_finn.errors import MsqError
from msq_finn.quant.core import RescalingSchemeQuant
from msq_finn.quant.rows import (
    as_rows,
    by_variance,
    deal,
    kinds_of_names,
    refuse_not_finite,
    row_counts,
)

Rows = float | int | Sequence[str]
"""What a layer's rows shall be: the share of its first scheme, its count, or a name per row."""


def assign_rows(
    model: nn.Module, rows: float | Mapping[str, Rows], strategy: str = "variance"
) -> dict[str, list[str]]:
    """Choose anew, from the present weights, which rows have which scheme.

    May be called at any time, also between the epochs of a training. The choice is kept in the
    state_dict, and outlives weights that are set later.

    Args:
        model: a network with layers whose ``weight_quant`` is row-mixed, such as
            `MSQWeightPerChannelFloat`.
        rows: the share of rows of the first scheme (SP2), one for all layers; or by layer name, for
            some or all layers, that share (float), the number of rows (int), or, with strategy
            "explicit", the name of each row's scheme.
        strategy: "variance": rows of lowest variance get the first scheme (MSQ, HPCA 2021);
            "mse": rows that lose least, or gain most, by the first scheme get it; "explicit".

    Returns:
        By layer name, the scheme of each row.

    Raises:
        MsqError: no such layer or strategy, a share outside [0, 1], or weights that are not
            finite; the text names the layer.

    Examples:
        >>> from brevitas.nn import QuantLinear
        >>> from msq_finn.quant import MSQWeightPerChannelFloat
        >>> net = nn.Sequential(QuantLinear(8, 4, False, weight_quant=MSQWeightPerChannelFloat))
        >>> sorted(assign_rows(net, {"0": 3})["0"])
        ['fixed_4', 'sp2_4', 'sp2_4', 'sp2_4']
    """
    layers = mixed_layers(model)
    wanted = rows if isinstance(rows, Mapping) else dict.fromkeys(layers, rows)
    for name in wanted:
        if name not in layers:
            known = ", ".join(layers) or "none"
            raise MsqError(f"no row-mixed layer is named {name!r} in this network; it has: {known}")
    for name, spec in wanted.items():
        try:
            _assign(layers[name], spec, strategy)
        except MsqError as error:
            raise MsqError(f"layer {name}: {error}") from error
    return {name: row_schemes(layer) for name, layer in layers.items()}


def mixed_layers(model: nn.Module) -> dict[str, nn.Module]:
    """Return the layers with row-mixed weights by name; of layers that share one, the first."""
    layers = {}
    seen = set()
    for name, layer in model.named_modules():
        quant = getattr(getattr(layer, "weight_quant", None), "tensor_quant", None)
        if not isinstance(quant, RescalingSchemeQuant) or quant.int_quant.row_kinds is None:
            continue
        if quant not in seen:
            layers[name] = layer
            seen.add(quant)
    return layers


def row_schemes(layer: nn.Module) -> list[str]:
    """Return the name of the scheme of each row of a row-mixed layer."""
    quant = layer.weight_quant.tensor_quant.int_quant
    return [quant.scheme_names[kind] for kind in quant.row_kinds.tolist()]


@torch.no_grad()
def _assign(layer: nn.Module, spec: Rows, strategy: str) -> None:
    proxy = layer.weight_quant
    int_quant = proxy.tensor_quant.int_quant
    weights = [as_rows(w, layer.output_channel_dim) for w in proxy.tracked_parameter_list]
    rows = torch.cat(weights, dim=1)
    if strategy == "explicit":
        if isinstance(spec, int | float):
            raise MsqError(f"strategy explicit takes the name of each row's scheme, not {spec}")
        kinds = kinds_of_names(spec, int_quant.scheme_names, rows)
    else:
        if strategy not in _STRATEGIES:
            known = ", ".join([*_STRATEGIES, "explicit"])
            raise MsqError(f"no assignment strategy is named {strategy!r}; known: {known}")
        if not isinstance(spec, int | float):
            raise MsqError(f"strategy {strategy} takes a share or number of rows, not {spec}")
        kinds = _STRATEGIES[strategy](layer, rows, _counts(spec, len(rows)))
    int_quant.set_rows(kinds)
    # Brevitas builds quantizers anew from their recipes when weights are replaced.
    proxy.quant_injector = proxy.quant_injector.let(row_schemes=tuple(row_schemes(layer)))


def _counts(spec: float, rows: int) -> list[int]:
    if isinstance(spec, int) and not isinstance(spec, bool):
        if not 0 <= spec <= rows:
            raise MsqError(f"{spec} rows of the first scheme, but the layer has {rows} rows")
        return [spec, rows - spec]
    return row_counts([spec, 1 - spec], rows)


def _by_variance(layer: nn.Module, rows: Tensor, counts: list[int]) -> Tensor:
    return by_variance(rows, counts)


def _by_mse(layer: nn.Module, rows: Tensor, counts: list[int]) -> Tensor:
    refuse_not_finite(rows)
    first, second = row_errors(layer)
    return deal((first - second).argsort(stable=True), counts)


def row_errors(layer: nn.Module) -> Tensor:
    """Return each row's squared error under each scheme that it may have.

    Args:
        layer: a layer with row-mixed weights.

    Returns:
        Sums of squared differences; shape (schemes, rows).
    """
    proxy = layer.weight_quant
    int_quant = proxy.tensor_quant.int_quant
    kept = int_quant.row_kinds.clone()
    errors = []
    for kind in range(len(int_quant.scheme_names)):
        int_quant.set_rows(torch.full_like(kept, kind))
        differences = [proxy.tensor_quant(w)[0] - w for w in proxy.tracked_parameter_list]
        matrices = [as_rows(d, layer.output_channel_dim) for d in differences]
        errors.append(torch.cat(matrices, dim=1).square().sum(dim=1))
    int_quant.set_rows(kept)
    return torch.stack(errors)


_STRATEGIES: dict[str, Callable[[nn.Module, Tensor, list[int]], Tensor]] = {
    "variance": _by_variance,
    "mse": _by_mse,
}
