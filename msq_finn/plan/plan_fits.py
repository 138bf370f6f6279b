"""Whether a plan is for a network and its board holds it."""

from __future__ import annotations

from msq_finn.errors import MsqError
from msq_finn.plan import depthwise
from msq_finn.plan.cost import Cost, CostModel, add, default_model
from msq_finn.plan.devices import device_of_part
from msq_finn.plan.lanes import LaneCosts, Lanes
from msq_finn.plan.layer_plan import LayerPlan
from msq_finn.plan.network import Layer, Network
from msq_finn.plan.planfile import Plan


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


def fits_board(plan: Plan, network: Network, dsp_block: str, path: str) -> None:
    """Check that the board has what the lanes take; a plan's own figures may be of before an edit.

    Args:
        plan: to check, for the network.
        network: whose layers they are.
        dsp_block: the board's kind of DSP slice, such as "DSP48E1".
        path: of the plan, for errors.

    Raises:
        MsqError: the lanes alone take more LUTs or DSP slices than there are.
    """
    device, model = device_of_part(plan.part), default_model(dsp_block)
    layers = zip(plan.layers, network.layers, strict=True)
    costs = {planned.name: _lanes_cost(model, planned, layer) for planned, layer in layers}
    total = add(costs.values())
    for name, resource, whole in (
        ("DSP slices", "dsp", device.dsp),
        ("LUTs", "lut", device.lut),
    ):
        used = getattr(total, resource)
        if used > whole:
            most = max(costs, key=lambda layer: float(getattr(costs[layer], resource)))
            raise MsqError(
                f"{path}: layer {most}: lanes: those of all layers take about {used:.0f} {name}, "
                f"of which this one's take most, and {plan.board} has {whole}; give fewer, or plan "
                "for a larger board"
            )


def _lanes_cost(model: CostModel, planned: LayerPlan, layer: Layer) -> Cost:
    own = planned.lanes
    dsp = own.depthwise_dsp if planned.depthwise else own.fixed_4_dsp
    lanes = Lanes(own.sp2_4_lut, own.fixed_4_lut, dsp, embedded=own.embedded_lut)
    if planned.depthwise:
        return depthwise.compute(model, layer, planned.simd, lanes)
    return LaneCosts(model, layer).compute(planned.simd, lanes)
