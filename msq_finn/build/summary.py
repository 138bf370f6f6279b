"""What a build found, as data: the contents of ``summary.json``."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp

from msq_finn.synth.resources import Resources
from msq_finn.transforms.place_rows import ROW_MIXED

SCHEMA_VERSION = 1


class Layer(BaseModel):
    """One matrix-vector or depthwise layer.

    ``mw`` and ``mh`` are the products of a sum and the output channels. ``rows_*`` are output
    channels per number system, ``pe_*`` lanes per engine, ``cycles`` those of a frame;
    ``lut_sites``, ``ff``, ``dsp`` and ``bram36`` include the layer's weight memory.
    """

    model_config = ConfigDict(frozen=True)
    name: str
    op: str
    mw: int
    mh: int
    rows_sp2: int
    rows_fixed: int
    pe_lut: int
    pe_dsp: int
    simd: int
    cycles: int
    lut_sites: int | None = None
    ff: int | None = None
    dsp: int | None = None
    bram36: float | None = None


class Summary(BaseModel):
    """Everything a build reports; None is what no stage of it found.

    Accuracies are fractions. ``layers_on_host`` are layers that the processor computes.
    ``finn_seconds`` and ``msq_seconds`` are what FINN's work and our transformations took up to
    generated RTL; the file leaves them out, so that the same seed gives the same file.
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
    rtl_mismatches: int | None = None
    cycles_per_image: float | None = None
    latency_cycles: int | None = None
    fps_at_clock: float | None = None
    lut_sites: int | None = None
    ff: int | None = None
    dsp: int | None = None
    bram36: float | None = None
    simulator: str | None = None
    synthesis: str | None = None
    bitfile: bool = False
    versions: dict[str, str | None]
    layers: list[Layer]
    layers_on_host: list[str] = []


def layers_of(model: ModelWrapper, resources: dict[str, Resources] | None) -> list[Layer]:
    """Describe every matrix-vector layer of a dataflow partition.

    Args:
        model: the partition, folded.
        resources: of every module, None before synthesis.

    Raises:
        MsqError: a row-mixed layer is not folded.
    """
    layers = []
    for node in model.graph.node:
        if not node.op_type.startswith(("MVAU", "VVAU_MSQ")):
            continue
        op = getCustomOp(node)
        depthwise = node.op_type.startswith("VVAU")
        measured = {}
        if resources is not None:
            names = (node.name, f"{node.name}_weights")
            own = [resources[name] for name in names if name in resources]
            measured = {
                field: sum(getattr(r, field) for r in own)
                for field in ("lut_sites", "ff", "dsp", "bram36")
            }
        layers.append(
            Layer(
                name=node.name,
                op=node.op_type,
                mw=op.window() if depthwise else op.get_nodeattr("MW"),
                mh=op.get_nodeattr("Channels" if depthwise else "MH"),
                simd=op.get_nodeattr("SIMD"),
                cycles=op.get_exp_cycles(),
                **measured,
                **_rows_and_lanes(op),
            )
        )
    return layers


def _rows_and_lanes(op: Any) -> dict[str, int]:
    if not op.onnx_node.op_type.startswith(ROW_MIXED):
        return {
            "rows_sp2": 0,
            "rows_fixed": op.get_nodeattr("MH"),
            "pe_lut": 0,
            "pe_dsp": op.get_nodeattr("PE"),
        }
    # Some lanes take rows of every scheme: the rows themselves say what they are.
    rows = op.row_schemes()
    engines = [kind.engine for kind in op.layout().lanes]
    sp2 = sum(all(name.startswith("sp2") for name in names) for names in rows)
    return {
        "rows_sp2": sp2,
        "rows_fixed": len(rows) - sp2,
        "pe_lut": engines.count("lut"),
        "pe_dsp": engines.count("dsp"),
    }
