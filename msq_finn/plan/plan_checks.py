"""Whether plans can be built: what may be wrong in them, in one line each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic import ValidationError

from msq_finn.errors import MsqError
from msq_finn.plan.layer_plan import LayerPlan
from msq_finn.rtl.embedded import MAX_FOLDS


def check(layer: LayerPlan, path: str) -> None:
    """Check that a layer's figures fit each other.

    Args:
        layer: to check.
        path: of the plan, for errors.

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
    _check_engine(layer, refuse)
    if lanes.embedded_lut and (layer.mw // layer.simd) * depth > MAX_FOLDS:
        raise refuse(
            "lanes",
            f"a vector takes {layer.mw // layer.simd * depth} cycles; embedded lanes hold the "
            f"weights of {MAX_FOLDS}",
        )
    # Embedded lanes and depthwise layers' DSP lanes take what rows the others leave.
    least = lanes.sp2_4_lut * depth
    most = least + (lanes.embedded_lut + lanes.depthwise_dsp) * depth
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


def _check_engine(layer: LayerPlan, refuse: Callable[[str, str], MsqError]) -> None:
    """Check what only depthwise layers, or only others, may have."""
    lanes, window = layer.lanes, layer.window
    if not layer.depthwise:
        if lanes.depthwise_dsp:
            raise refuse("lanes", "fixed_5_dsp and fixed_8_dsp are depthwise layers'")
        return
    if lanes.fixed_4_dsp or lanes.embedded_lut:
        raise refuse("lanes", "a depthwise layer has none of fixed_4_dsp and embedded_lut")
    if lanes.fixed_5_dsp and lanes.fixed_8_dsp:
        raise refuse("lanes", "DSP lanes are either all fixed_5_dsp or all fixed_8_dsp")
    if layer.simd > 1 and (lanes.depthwise_dsp or lanes.pe != layer.mh):
        raise refuse(
            "simd", f"{layer.simd}, but only LUT lanes of all {layer.mh} channels take more than 1"
        )
    if window is not None and (window.simd, window.parallel) != (lanes.pe, layer.simd > 1):
        raise refuse(
            "window",
            f"simd is to be the number of lanes, {lanes.pe}, and parallel whether simd is above 1",
        )


def first_fault(content: dict[str, Any], error: ValidationError) -> str:
    """The first thing that is wrong, with the layer's name instead of its number.

    Args:
        content: the file's.
        error: all that is wrong with it.
    """
    first = error.errors()[0]
    place = list(first["loc"])
    text = ""
    if len(place) > 1 and place[0] == "layers" and isinstance(place[1], int):
        entry = content["layers"][place[1]]
        name = entry.get("name", place[1]) if isinstance(entry, dict) else place[1]
        text, place = f"layer {name}: ", place[2:]
    return f"{text}{'.'.join(str(p) for p in place)}: {first['msg'].lower()}"
