"""Whether a plan is for a network and its board holds it."""

from __future__ import annotations

from dataclasses import replace

from msq_finn.devices import device_of_part
from msq_finn.errors import MsqError
from msq_finn.lanes.divisors import folds
from msq_finn.plan.cost.cost_model import add, default_model
from msq_finn.plan.cost.lane_costs import LaneCosts
from msq_finn.plan.file.layer_plan import LayerPlan
from msq_finn.plan.file.schema import Plan
from msq_finn.plan.frontend.network import Layer, Network
from msq_finn.plan.frontend.pixels import pixel_cycles, whole_windows, windows_at
from msq_finn.plan.frontend.windows import front_cycles
from msq_finn.rtl import threshold_tree


def fits_network(plan: Plan, network: Network, path: str) -> list[LayerPlan]:
    """Check that a plan is for a network, and find each layer's plan.

    Layers are told by their names. Where the network names others, they are told by their shapes,
    if no two are alike.

    Args:
        network: that it is to be for.
        path: of the plan, for errors.

    Returns:
        the plan's layers, in the network's order.

    Raises:
        MsqError: another number of layers, a layer of another shape or other rows, or layers that
            neither name nor shape tells from each other.
    """
    if len(plan.layers) != len(network.layers):
        raise MsqError(
            f"layers: {len(plan.layers)}, but the model has {len(network.layers)} 4-bit "
            "ones; it is for another network, plan again",
            field="layers",
            value=len(plan.layers),
            where=path,
        )
    found = _matched(plan, network, path)
    for planned, layer in zip(found, network.layers, strict=True):
        where = f"{path}: layer {planned.name}"
        for name in ("mw", "mh", "vectors", "depthwise"):
            mine, real = getattr(planned, name), getattr(layer, name)
            if mine != real:
                raise MsqError(
                    f"{name}: {mine}, but the model's is {real}; plan again",
                    where=where,
                    field=name,
                    value=mine,
                )
        _has_streams(planned, layer, where)
        if misfit := layer.demand.misfit(planned.lanes):
            raise MsqError(
                f"lanes: of the weights, {misfit}; train with the plan's rows, or plan "
                "again from this model",
                field="lanes",
                value=dict(planned.lanes),
                where=where,
            )
    return found


def _matched(plan: Plan, network: Network, path: str) -> list[LayerPlan]:
    """The plan's layers in the network's order."""
    by_name = {planned.name: planned for planned in plan.layers}
    names = [layer.name for layer in network.layers]
    if by_name.keys() == set(names):
        return [by_name[name] for name in names]
    by_shape: dict[tuple[int, ...], list[LayerPlan]] = {}
    for planned in plan.layers:
        by_shape.setdefault(_shape(planned), []).append(planned)
    for layer in network.layers:
        alike = by_shape.get(_shape(layer), [])
        if not alike:
            size = f"{layer.mh}x{layer.mw} weights, {layer.vectors} vectors"
            raise MsqError(
                f"layers: none is called {layer.name} or has its {size}; it is for another "
                "network, plan again",
                where=path,
                field="layers",
            )
        if len(alike) > 1:
            two = " and ".join(planned.name for planned in alike[:2])
            raise MsqError(
                f"layers: {two} are of one shape, and the model calls its layers otherwise, as "
                f"{layer.name}; export it again from the modules planned, by export_qonnx with "
                "msq_finn.quant imported, or plan again from the model",
                where=path,
                field="layers",
            )
    return [by_shape[_shape(layer)][0] for layer in network.layers]


def _shape(layer: LayerPlan | Layer) -> tuple[int, ...]:
    return layer.mw, layer.mh, layer.vectors, layer.depthwise


def _has_streams(planned: LayerPlan, layer: Layer, where: str) -> None:
    """Check that a window and thresholds are planned where there are some, and nowhere else."""
    window, conv = planned.window, layer.conv
    if window is None and conv is not None and conv.is_needed:
        raise MsqError(
            "window: none, but the layer is a convolution; plan again", field="window", where=where
        )
    if window is not None and conv is None:
        raise MsqError("window: the layer has none; remove it", field="window", where=where)
    whole = conv is None or planned.depthwise or window is None or window.simd == conv.channels
    if not whole and window is not None and window.parallel:
        raise MsqError(
            f"window: simd: {window.simd}, but a parallel one takes all channels",
            field="window",
            where=where,
        )
    _has_pixels(planned, layer, where)
    if planned.threshold_pe and not layer.steps:
        raise MsqError(
            "threshold_pe: the layer has no thresholds; give 0", field="threshold_pe", where=where
        )


def _has_pixels(planned: LayerPlan, layer: Layer, where: str) -> None:
    """Check that as many pixels as planned can go into a layer side by side."""
    windows, lanes, why = windows_at(layer, planned.pixels), planned.lanes, ""
    together = whole_windows(layer, planned.pixels) > 0
    if windows is None:
        why = _why_none(layer, planned.pixels)
    elif together and (planned.simd, planned.lanes.pe) != (layer.mw, layer.mh):
        why = f"{windows} windows leave at once, for which simd has to be {layer.mw} and the lanes "
        why += f"{layer.mh}"
    elif together and layer.depthwise and (len(lanes) > 1 or lanes.of_engine("dsp")):
        why = "lanes of whole windows are LUT lanes of one kind"
    elif together and not layer.depthwise and (not lanes.is_constant or lanes.is_serial):
        why = "lanes of several windows hold their weights, and take a word a cycle (embedded_lut)"
    elif together and planned.threshold_pe not in (0, layer.mh):
        why = f"{windows} windows leave at once, for which threshold_pe has to be {layer.mh}"
    elif planned.pixels > 1 and planned.window is not None and not planned.window.parallel:
        why = "windows leave whole then; set window.parallel, and window.simd to all channels"
    if why:
        raise MsqError(
            f"pixels: {planned.pixels}, but {why}",
            field="pixels",
            value=planned.pixels,
            where=where,
        )


def _why_none(layer: Layer, pixels: int) -> str:
    """Why no windows of a layer leave for so many pixels."""
    if layer.recurrence:
        return "a recurrent layer takes one step at a time"
    if layer.conv is not None and not layer.conv.plain:
        return "its windows are dilated, or padded with more zeros on one side"
    if windows_at(replace(layer, steps=1), pixels):
        return "no thresholds follow its sums, which leave one vector at a time"
    return (
        "the layer's windows, or the rows of its map, do not come out even over so many, or are "
        "fewer than four words"
    )


def frame_cycles(planned: LayerPlan, layer: Layer) -> int:
    """Cycles a frame of a layer as planned, with its window and its thresholds.

    Args:
        planned: the decisions.
        layer: that they are for.
    """
    planes, windows = planned.lanes.planes(layer.act_bits), windows_at(layer, planned.pixels) or 1
    found = [layer.cycles(planned.simd, planned.lanes.pe, planes) // windows]
    conv, window = layer.conv, planned.window
    if planned.pixels > 1:
        found.append(pixel_cycles(layer, planned.pixels))
    elif conv is not None and window is not None:
        found.append(front_cycles(conv, window.simd, window.parallel, layer.depthwise))
    if planned.threshold_pe:
        words = layer.vectors // windows * folds(layer.mh, planned.threshold_pe)
        serial = planned.serial_thresholds != "none"
        found.append(words * (threshold_tree.planes(layer.steps) if serial else 1))
    return max(found)


def fits_board(plan: Plan, network: Network, dsp_block: str, path: str) -> None:
    """Check that the board has what the lanes take.

    Args:
        plan: to check, for the network.
        network: whose layers they are.
        dsp_block: the board's kind of DSP slice, such as "DSP48E1".
        path: of the plan, for errors.

    Raises:
        MsqError: the lanes alone take more LUTs or DSP slices than there are.
    """
    device, model = device_of_part(plan.part), default_model(dsp_block)
    costs = {
        planned.name: LaneCosts(model, layer).compute(planned.simd, planned.lanes)
        for planned, layer in zip(_matched(plan, network, path), network.layers, strict=True)
    }
    total = add(costs.values())
    for name, resource, whole in (
        ("DSP slices", "dsp", device.dsp),
        ("LUTs", "lut", device.lut),
    ):
        used = getattr(total, resource)
        if used > whole:
            most = max(costs, key=lambda layer: float(getattr(costs[layer], resource)))
            raise MsqError(
                f"lanes: those of all layers take about {used:.0f} {name}, "
                f"of which this one's take most, and {plan.board} has {whole}; give fewer, or plan "
                "for a larger board",
                where=f"{path}: layer {most}",
                field="lanes",
            )
