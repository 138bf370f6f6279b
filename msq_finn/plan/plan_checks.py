"""Whether plans can be built: what may be wrong in them, in one line each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from msq_finn.errors import MsqError
from msq_finn.plan.network import Network
from msq_finn.rtl.embedded import MAX_FOLDS

if TYPE_CHECKING:
    from msq_finn.plan.planfile import LayerPlan, Plan


def check(layer: LayerPlan, path: str) -> None:
    """Check that a layer's figures fit each other.

    Raises:
        MsqError: they do not; the message names layer and field.
    """

    def refuse(field: str, why: str) -> MsqError:
        return MsqError(f"{path}: layer {layer.name}: {field}: {why}")

    pe, lanes, rows = layer.lanes.pe, layer.lanes, layer.rows
    if layer.mw % layer.simd:
        raise refuse("simd", f"{layer.simd} does not divide MW = {layer.mw}")
    if pe == 0 or layer.mh % pe:
        raise refuse("lanes", f"their sum {pe} does not divide MH = {layer.mh}")
    depth = layer.mh // pe
    if rows.sp2_4 + rows.fixed_4 != layer.mh:
        raise refuse("rows", f"sum to {rows.sp2_4 + rows.fixed_4}, but MH = {layer.mh}")
    if (lanes.embedded_lut == pe) != (layer.memory == "embedded"):
        raise refuse("memory", f"{layer.memory} does not suit {lanes.embedded_lut} embedded lanes")
    if lanes.embedded_lut and (layer.mw // layer.simd) * depth > MAX_FOLDS:
        raise refuse(
            "lanes",
            f"a vector takes {layer.mw // layer.simd * depth} cycles; embedded lanes hold the "
            f"weights of {MAX_FOLDS}",
        )
    # Embedded lanes take what rows the others leave.
    least, most = (lanes.sp2_4_lut * depth, (lanes.sp2_4_lut + lanes.embedded_lut) * depth)
    if not least <= rows.sp2_4 <= most:
        raise refuse(
            "rows",
            f"{rows.sp2_4} SP2 rows do not fill {lanes.sp2_4_lut} SP2 lanes of {depth} rows each",
        )
    if abs(layer.sp2_ratio - rows.sp2_4 / layer.mh) > 1e-3:
        raise refuse("sp2_ratio", f"{layer.sp2_ratio} is not {rows.sp2_4} of {layer.mh} rows")
    if layer.threshold_pe and layer.mh % layer.threshold_pe:
        raise refuse("threshold_pe", f"{layer.threshold_pe} does not divide MH = {layer.mh}")
    fastest = layer.vectors * (layer.mw // layer.simd) * depth
    if layer.cycles < fastest:
        raise refuse("cycles", f"{layer.cycles}, but this folding takes {fastest} at least")


def fits_network(plan: Plan, network: Network, path: str) -> None:
    """Check that a plan is for a network whose layers come in the same order.

    Raises:
        MsqError: another number of layers, or a layer of another shape or other rows.
    """
    if len(plan.layers) != len(network.layers):
        raise MsqError(
            f"{path}: layers: {len(plan.layers)}, but the model has {len(network.layers)} 4-bit "
            "ones; it is for another network, plan again"
        )
    for planned, layer in zip(plan.layers, network.layers, strict=True):
        allowed, where = layer.allowed, f"{path}: layer {planned.name}"
        for name in ("mw", "mh", "vectors"):
            mine, real = getattr(planned, name), getattr(layer, name)
            if mine != real:
                raise MsqError(f"{where}: {name}: {mine}, but the model's is {real}; plan again")
        rows = planned.rows
        if planned.memory == "embedded":
            continue
        if rows.sp2_4 < allowed.only_sp2 or rows.fixed_4 < allowed.only_fixed:
            raise MsqError(
                f"{where}: rows: {rows.sp2_4} SP2 and {rows.fixed_4} fixed, but the weights need "
                f"at least {allowed.only_sp2} and {allowed.only_fixed}; train with the plan's "
                "sp2_ratio, or plan again from this model"
            )


def first_line(error: Exception) -> str:
    """An error's text as one line."""
    return " ".join(str(error).split())[:200]


def first_fault(content: dict[str, Any], error: ValidationError) -> str:
    """The first thing that is wrong, with the layer's name instead of its number."""
    first = error.errors()[0]
    place = list(first["loc"])
    text = ""
    if len(place) > 1 and place[0] == "layers" and isinstance(place[1], int):
        entry = content["layers"][place[1]]
        name = entry.get("name", place[1]) if isinstance(entry, dict) else place[1]
        text, place = f"layer {name}: ", place[2:]
    return f"{text}{'.'.join(str(p) for p in place)}: {first['msg'].lower()}"
