"""What a build found, as data: the contents of ``summary.json``."""

from __future__ import annotations

from collections import Counter
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp

from msq_finn.build.node_summary import NodeSummary, taken
from msq_finn.lanes.counts import LaneCounts
from msq_finn.synth.resources import Resources
from msq_finn.transforms.channel_spaces import WITH_WEIGHTS
from msq_finn.transforms.layer_names import layer_names
from msq_finn.transforms.pixel_marks import pixels_of
from msq_finn.transforms.place_rows import ROW_MIXED

SCHEMA_VERSION = 1


class LayerSummary(BaseModel):
    """One matrix-vector or depthwise layer.

    Attributes:
        name: as in plans: of the module that it was exported from, or as ``node``.
        node: FINN's name.
        op: its operation, such as ``MVAU_MSQ_rtl``.
        mw: products in a sum.
        mh: output channels, the rows.
        rows: output channels per scheme, such as ``{"sp2_4": 10, "fixed_4": 6}``. The schemes of
            a row that several hold, on a lane for all of them, are joined by ``|``; FINN's own
            layers have the datatype of their weights.
        rows_sp2: output channels that SP2 holds.
        rows_fixed: all others.
        lanes: by kind, as in plans; none for FINN's own layers.
        pe_lut: lanes in LUTs.
        pe_dsp: lanes in DSP slices.
        simd: products a cycle and lane.
        pixels: vectors side by side, each of which has such lanes of its own.
        cycles: of a frame.
        predicted_lut_sites: what the cost model gives it, with the weight memory; None for FINN's.
        lut_sites: with the weight memory, as are the next three.
        ff: flip-flops.
        dsp: DSP slices.
        bram36: block RAMs of 36 kbit; halves are of 18 kbit.
    """

    model_config = ConfigDict(frozen=True)
    name: str
    node: str
    op: str
    mw: int
    mh: int
    rows: dict[str, int]
    rows_sp2: int
    rows_fixed: int
    lanes: dict[str, int] = {}
    pe_lut: int
    pe_dsp: int
    simd: int
    pixels: int = 1
    cycles: int
    predicted_lut_sites: int | None = None
    lut_sites: int | None = None
    ff: int | None = None
    dsp: int | None = None
    bram36: float | None = None

    @property
    def rows_text(self) -> str:
        """``rows`` for people: ``sp2_4 10, fixed_4 6``."""
        return ", ".join(
            f"{name.replace('|', ' or ')} {count}" for name, count in self.rows.items()
        )

    @property
    def lanes_text(self) -> str:
        """``lanes`` for people: ``4 SP2(4) LUT, 2 Fixed(4) DSP``."""
        if self.lanes:
            return LaneCounts(self.lanes).label
        return f"{self.pe_dsp} lane{'s' if self.pe_dsp > 1 else ''} of FINN's"


class TieRecord(BaseModel):
    """A value that lies on a rounding boundary as far as float32 tells, see `verdict.follow.Tie`.

    Attributes:
        image: position among those simulated.
        node: quantizer, or the selection of labels, in the exported model.
        index: of the value in its tensor.
        value: exact, in steps of the quantizer; of a label, its lead over the other.
        rtl: the hardware's level, or label.
        reference: the exported model's.
    """

    model_config = ConfigDict(frozen=True)
    image: int
    node: str
    index: list[int]
    value: float
    rtl: int
    reference: int


class FaultRecord(BaseModel):
    """An image for which the hardware computes something else than the exported model.

    Attributes:
        image: position among those simulated.
        node: the first whose tensor is wrong.
        values: how many values of it are.
        why: what makes it a fault.
    """

    model_config = ConfigDict(frozen=True)
    image: int
    node: str
    values: int
    why: str


class Summary(BaseModel):
    """Everything a build reports; None is what no stage of it found.

    Attributes:
        schema_version: of this form.
        model: the exported model's file name.
        board: as asked for.
        part: the board's device.
        clk_ns: clock period in ns.
        seed: of random images.
        accuracy_float: of the float network on the test images, a fraction.
        accuracy_quant: of the exported model on them.
        accuracy_rtl: of the simulated hardware on them.
        predicted_cycles_per_image: of the slowest node.
        finn_seconds: FINN's work up to generated RTL; not in the file, nor are the next, so that
            the same seed gives the same file.
        msq_seconds: our transformations up to there.
        images_simulated: images through the stitched RTL.
        inputs_outside: share of their values that are further outside the input quantizer's range
            than it is wide.
        rtl_mismatches: images of them whose outputs differ from the exported model's.
        rtl_ties: values in these that the exported model's float32 arithmetic rounds the other way.
        rtl_faults: wrong values in these, each image's counted where they first show.
        ties: the ties, each.
        faults: images with faults; once there are some, only the first that differ are looked into.
        cycles_per_image: measured in steady state.
        latency_cycles: from the first word in to the last word out, of the first image.
        fps_at_clock: images a second at ``clk_ns``.
        lut_sites: of the whole accelerator, as are the next three.
        ff: flip-flops.
        dsp: DSP slices.
        bram36: block RAMs of 36 kbit.
        simulator: its name and version, and what it models.
        synthesis: what the resources were found with.
        gate_images: images through the synthesised netlist.
        gate_mismatches: images of them for which it gives other integers than the RTL, which is
            compared with the exported model.
        gate_simulator: as ``simulator``, for the netlist.
        longest_sequence: steps of a sequence, where the processor can write fewer.
        bitfile: whether one was made.
        failed: what stopped the build before its last stage, None if nothing did.
        versions: of the tools.
        layers: matrix-vector and depthwise layers in the accelerator.
        layers_on_host: layers that the processor computes.
        nodes: of the accelerator, in the network's order.
        stage_seconds: how long every step of the build took; not in the file either.
    """

    model_config = ConfigDict(frozen=True)
    schema_version: int = SCHEMA_VERSION
    model: str
    board: str
    part: str
    clk_ns: float
    seed: int
    accuracy_float: float | None = None
    accuracy_quant: float | None = None
    accuracy_rtl: float | None = None
    predicted_cycles_per_image: int
    slowest_node: str
    finn_seconds: float = Field(exclude=True)
    msq_seconds: float = Field(exclude=True)
    images_simulated: int | None = None
    inputs_outside: float | None = None
    rtl_mismatches: int | None = None
    rtl_ties: int | None = None
    rtl_faults: int | None = None
    ties: list[TieRecord] = []
    faults: list[FaultRecord] = []
    cycles_per_image: float | None = None
    latency_cycles: int | None = None
    fps_at_clock: float | None = None
    lut_sites: int | None = None
    ff: int | None = None
    dsp: int | None = None
    bram36: float | None = None
    simulator: str | None = None
    synthesis: str | None = None
    gate_images: int | None = None
    gate_mismatches: int | None = None
    gate_simulator: str | None = None
    longest_sequence: int | None = None
    bitfile: bool = False
    failed: str | None = None
    versions: dict[str, str | None]
    layers: list[LayerSummary]
    layers_on_host: list[str] = []
    nodes: list[NodeSummary] = []
    stage_seconds: dict[str, float] = Field(default={}, exclude=True)

    @property
    def longest_path_ps(self) -> int | None:
        """Of all nodes, by the estimate; None before synthesis."""
        return max((n.longest_path_ps for n in self.nodes if n.longest_path_ps), default=None)


def layers_of(model: ModelWrapper, resources: dict[str, Resources] | None) -> list[LayerSummary]:
    """Describe every matrix-vector layer of a dataflow partition.

    Args:
        model: the partition, folded.
        resources: of every module, None before synthesis.

    Raises:
        MsqError: a row-mixed layer is not folded.
    """
    layers, names_of = [], layer_names(model)
    for node in model.graph.node:
        if not node.op_type.startswith((*WITH_WEIGHTS, "VVAU_MSQ")):
            continue
        op = getCustomOp(node)
        depthwise = node.op_type.startswith("VVAU")
        own, pixels = op.get_nodeattr_types(), pixels_of(node)
        zero = {
            side: op.get_nodeattr(f"zero{side}") if f"zero{side}" in own else 0
            for side in ("Rows", "Columns")
        }
        measured = taken(node.name, resources or {})
        measured.pop("longest_path_ps", None)
        layers.append(
            LayerSummary(
                name=names_of[node.name],
                node=node.name,
                op=node.op_type,
                mw=op.window() if depthwise else op.get_nodeattr("MW") - zero["Columns"],
                mh=(op.get_nodeattr("Channels") // pixels)
                if depthwise
                else op.get_nodeattr("MH") - zero["Rows"],
                simd=op.get_nodeattr("SIMD"),
                pixels=pixels,
                cycles=op.get_exp_cycles(),
                **measured,
                **_rows_and_lanes(op, pixels if depthwise else 1),
            )
        )
    return layers


def _rows_and_lanes(op: Any, pixels: int) -> dict[str, Any]:
    """Those of a pixel, where a layer's channels are those of several."""
    if not op.onnx_node.op_type.startswith(ROW_MIXED):
        return {
            "rows": {op.get_nodeattr("weightDataType"): op.get_nodeattr("MH")},
            "rows_sp2": 0,
            "rows_fixed": op.get_nodeattr("MH"),
            "pe_lut": 0,
            "pe_dsp": op.get_nodeattr("PE"),
        }
    # Some lanes take rows of every scheme: the rows themselves say what they are.
    rows = op.row_schemes()
    rows = rows[: len(rows) // pixels]
    lanes = LaneCounts({kind: count // pixels for kind, count in op.lanes().items()})
    sp2 = sum(all(name.startswith("sp2") for name in names) for names in rows)
    return {
        "rows": dict(Counter("|".join(names) for names in rows).most_common()),
        "rows_sp2": sp2,
        "rows_fixed": len(rows) - sp2,
        "lanes": dict(lanes),
        "pe_lut": lanes.of_engine("lut"),
        "pe_dsp": lanes.of_engine("dsp"),
        "predicted_lut_sites": op.get_nodeattr("lutSites") or None,
    }
