"""Whether plans can be built: what may be wrong in them, in one line each."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from msq_finn.errors import MsqError
from msq_finn.plan.network import Layer, Network
from msq_finn.rtl.embedded import MAX_FOLDS

if TYPE_CHECKING:
    from msq_finn.plan.planfile import LayerPlan, Plan


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


def fits_network(plan: Plan, network: Network, path: str) -> None:
    """Check that a plan is for a network whose layers come in the same order.

    Args:
        plan: to check.
        network: that it is to be for.
        path: of the plan, for errors.

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
        for name in ("mw", "mh", "vectors", "depthwise"):
            mine, real = getattr(planned, name), getattr(layer, name)
            if mine != real:
                raise MsqError(f"{where}: {name}: {mine}, but the model's is {real}; plan again")
        _has_streams(planned, layer, where)
        rows = planned.rows
        if planned.depthwise:
            _takes_channels(planned, layer, where)
            continue
        if planned.memory == "embedded":
            continue
        if rows.sp2_4 < allowed.only_sp2 or rows.fixed_4 < allowed.only_fixed:
            raise MsqError(
                f"{where}: rows: {rows.sp2_4} SP2 and {rows.fixed_4} fixed, but the weights need "
                f"at least {allowed.only_sp2} and {allowed.only_fixed}; train with the plan's "
                "sp2_ratio, or plan again from this model"
            )


def _has_streams(planned: LayerPlan, layer: Layer, where: str) -> None:
    """Check that a window and thresholds are planned where there are some, and nowhere else."""
    window, conv = planned.window, layer.conv
    if window is None and conv is not None and conv.kernel != (1, 1):
        raise MsqError(f"{where}: window: none, but the layer is a convolution; plan again")
    if window is not None and conv is None:
        raise MsqError(f"{where}: window: the layer has none; remove it")
    whole = conv is None or planned.depthwise or window is None or window.simd == conv.channels
    if not whole and window is not None and window.parallel:
        raise MsqError(
            f"{where}: window: simd: {window.simd}, but a parallel one takes all channels"
        )
    if planned.threshold_pe and not layer.steps:
        raise MsqError(f"{where}: threshold_pe: the layer has no thresholds; give 0")


def _takes_channels(planned: LayerPlan, layer: Layer, where: str) -> None:
    """Check that a depthwise layer's lanes take the rows of the weights."""
    lanes, allowed, depth = planned.lanes, layer.allowed, planned.mh // planned.lanes.pe
    if layer.wide_bits and lanes.depthwise_dsp < lanes.pe:
        raise MsqError(f"{where}: lanes: rows of {layer.wide_bits} bits need DSP lanes; plan again")
    if lanes.fixed_5_dsp and layer.dsp_bits > 5:
        raise MsqError(
            f"{where}: lanes: rows of {layer.wide_bits} bits need fixed_8_dsp; plan again"
        )
    for name, own, only in (
        ("SP2", lanes.sp2_4_lut, allowed.only_sp2),
        ("fixed", lanes.fixed_4_lut, allowed.only_fixed),
    ):
        if only > (own + lanes.depthwise_dsp) * depth:
            raise MsqError(
                f"{where}: lanes: the weights have {only} rows that are {name} only, but lanes for "
                f"{(own + lanes.depthwise_dsp) * depth}; train with the plan's sp2_ratio, or plan "
                "again from this model"
            )


def first_line(error: Exception) -> str:
    """An error's text as one line.

    Args:
        error: what went wrong.
    """
    return " ".join(str(error).split())[:200]


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
