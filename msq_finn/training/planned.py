"""What a plan says of the rows of a network that is still to be trained."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from torch import nn

from msq_finn.errors import MsqError
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
    found = {}
    modules = dict(model.named_modules())
    for layer in plan.layers:
        name = module_name(layer.name)
        module: Any = modules.get(name)
        if not hasattr(module, "weight_quant"):
            raise MsqError(
                f"the plan's layer {layer.name} is not in this network; the plan is for another"
            )
        rows = as_rows(module.weight, module.output_channel_dim)
        if tuple(rows.shape) != (layer.mh, layer.mw):
            shape = f"{rows.shape[0]}x{rows.shape[1]}"
            raise MsqError(
                f"{shape} weights, {layer.mh}x{layer.mw} in the plan; the plan is "
                f"for another network",
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
