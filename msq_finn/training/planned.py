"""What a plan says of the rows of a network that is still to be trained."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from brevitas.nn.mixin.base import QuantRecurrentLayerMixin
from torch import nn

from msq_finn.errors import MsqError
from msq_finn.lanes.matrix import dense_columns
from msq_finn.layer_notes import module_name
from msq_finn.quant.rows import as_rows


class PlanLike(Protocol):
    """A plan, as from `msq_finn.plan.file.schema.Plan.load`, which training need not import."""

    @property
    def layers(self) -> Sequence[Any]:
        """Layers with ``name``, ``mw``, ``mh`` and ``rows``, see `LayerPlan` there."""


def planned_rows(
    model: nn.Module, mixed: Mapping[str, nn.Module], plan: PlanLike
) -> dict[str, dict[str, int]]:
    """Return by layer how many rows have which scheme.

    Args:
        model: the network that the plan was made for, with any weights.
        mixed: its row-mixed layers by name.
        plan: its layers are named as in the exported file, which is after the modules.

    Raises:
        MsqError: the plan is for another network; the text names the layer.
    """
    found: dict[str, dict[str, int]] = {}
    modules = dict(model.named_modules())
    for layer in plan.layers:
        name = module_name(layer.name)
        module: Any = modules.get(name)
        if isinstance(module, QuantRecurrentLayerMixin):
            found |= _gate_rows(name, module, mixed, layer)
            continue
        if not hasattr(module, "weight_quant"):
            raise MsqError(
                f"the plan's layer {layer.name} is not in this network; the plan is for another"
            )
        shape = _matrix(module)
        if shape != (layer.mh, layer.mw):
            raise MsqError(
                f"{shape[0]}x{shape[1]} weights, {layer.mh}x{layer.mw} in the plan; the plan is "
                "for another network",
                where=f"layer {name}",
            )
        if name in mixed:
            found[name] = dict(layer.rows)
        elif sp2 := layer.rows.get("sp2_4", 0):
            raise MsqError(
                f"{sp2} SP2 rows in the plan, but its weight_quant is "
                f"not row-mixed; use MSQWeightPerChannelFloat",
                where=f"layer {name}",
            )
    for name in mixed:
        if name not in found:
            raise MsqError(f"layer {name} is not in the plan; the plan is for another network")
    return found


def _gate_rows(
    name: str, module: Any, mixed: Mapping[str, nn.Module], layer: Any
) -> dict[str, dict[str, int]]:
    """Rows of every gate of a recurrent layer, of which each unit's are planned alike."""
    shape = (4 * module.hidden_size, module.input_size + module.hidden_size)
    if shape != (layer.mh, layer.mw):
        raise MsqError(
            f"{shape[0]}x{shape[1]} weights, {layer.mh}x{layer.mw} in the plan; the plan is for "
            "another network",
            where=f"layer {name}",
        )
    units = {scheme: count // 4 for scheme, count in layer.rows.items()}
    return {gate: units for gate in mixed if gate.startswith(f"{name}.")}


def _matrix(module: Any) -> tuple[int, int]:
    """Rows and columns of a layer's weights in hardware, where groups become one matrix."""
    weight, groups = module.weight, getattr(module, "groups", 1)
    own = as_rows(weight, module.output_channel_dim)
    if weight.ndim < 3:
        return len(own), own.shape[1]
    rows = len(own) * (groups if module.output_channel_dim == 1 else 1)
    return rows, dense_columns(rows, weight.numel() // rows, groups, weight[0, 0].numel())
