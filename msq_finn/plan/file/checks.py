"""Whether plans can be built: what may be wrong in them, in one line each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic import ValidationError

from msq_finn import schemes
from msq_finn.errors import MsqError
from msq_finn.lanes import DENSE, DEPTHWISE
from msq_finn.lanes.constants import MAX_FOLDS
from msq_finn.lanes.demand import Demand
from msq_finn.lanes.divisors import check_divides, check_within, divides, folds
from msq_finn.plan.file.layer_plan import LayerPlan


def check(layer: LayerPlan, path: str) -> None:
    """Check that a layer's decisions fit each other.

    Args:
        path: of the plan, for errors.

    Raises:
        MsqError: they do not; the message names layer and field.
    """
    where = f"{path}: layer {layer.name}"

    def refuse(field: str, why: str) -> MsqError:
        return MsqError(
            f"{field}: {why}", where=where, field=field, value=layer.model_dump()[field]
        )

    lanes = layer.lanes
    (check_divides if layer.depthwise else check_within)(where, "simd", layer.simd, "MW", layer.mw)
    _check_lanes(layer, refuse)
    try:
        lanes.check_unit(DEPTHWISE if layer.depthwise else DENSE)
    except MsqError as error:
        raise refuse("lanes", str(error)) from None
    words = folds(layer.mw, layer.simd) * folds(layer.mh, lanes.pe)
    if len(lanes.constant_lanes) and words > MAX_FOLDS:
        raise refuse(
            "lanes",
            f"they have {words} words of weights; lanes that hold their weights have room for "
            f"{MAX_FOLDS}",
        )
    _check_rows(layer, refuse)
    if layer.threshold_pe:
        check_within(where, "threshold_pe", layer.threshold_pe, "MH", layer.mh)
    elif layer.serial_thresholds != "none":
        raise refuse("serial_thresholds", "no thresholds follow; remove it, or set threshold_pe")
    if layer.depthwise:
        _check_channels(layer, refuse)


def _check_lanes(layer: LayerPlan, refuse: Callable[[str, str], MsqError]) -> None:
    """Check their number: that of a layer whose rows may be padded needs no divisor."""
    pe = layer.lanes.pe
    if not 1 <= pe <= layer.mh:
        raise refuse("lanes", f"their sum {pe} is not between 1 and MH={layer.mh}")
    if divides(pe, layer.mh):
        return
    if layer.depthwise:
        raise refuse("lanes", f"their sum {pe} does not divide MH={layer.mh} channels")
    if not layer.threshold_pe:
        raise refuse(
            "lanes",
            f"their sum {pe} does not divide MH={layer.mh}, as it has to where no thresholds "
            "follow",
        )


def _check_rows(layer: LayerPlan, refuse: Callable[[str, str], MsqError]) -> None:
    for name in layer.rows:
        if name not in schemes.names():
            raise refuse("rows", f"no scheme is named {name!r}")
    total = sum(layer.rows.values())
    if total != layer.mh:
        raise refuse("rows", f"sum to {total}, but MH = {layer.mh}")
    if misfit := Demand({(n,): count for n, count in layer.rows.items()}).misfit(layer.lanes):
        raise refuse("rows", misfit)


def _check_channels(layer: LayerPlan, refuse: Callable[[str, str], MsqError]) -> None:
    """Check what holds for depthwise layers only."""
    lanes, window = layer.lanes, layer.window
    if layer.simd > 1 and (lanes.of_engine("dsp") or lanes.pe != layer.mh):
        raise refuse(
            "simd", f"{layer.simd}, but only LUT lanes of all {layer.mh} channels take more than 1"
        )
    # Windows of words leave whole, be it of one pixel each.
    whole = layer.simd > 1 or layer.pixels > 1
    if window is not None and (window.simd, window.parallel) != (lanes.pe, whole):
        raise refuse(
            "window",
            f"simd is to be the number of lanes, {lanes.pe}, and parallel whether the layer's simd "
            "or its pixels are above 1",
        )


def first_fault(path: object, content: dict[str, Any], error: ValidationError) -> MsqError:
    """The first thing that is wrong, with the layer's name instead of its number.

    Args:
        path: of the plan.
        content: the file's.
        error: all that is wrong with it.
    """
    first = error.errors()[0]
    place, where = list(first["loc"]), str(path)
    if len(place) > 1 and place[0] == "layers" and isinstance(place[1], int):
        entry = content["layers"][place[1]]
        name = entry.get("name", place[1]) if isinstance(entry, dict) else place[1]
        where, place = f"{path}: layer {name}", place[2:]
    said = first["msg"]
    said = said.removeprefix("Value error, ") if first["type"] == "value_error" else said.lower()
    field = ".".join(str(part) for part in place)
    return MsqError(f"{field}: {said}", where=where, field=field, value=first["input"])
