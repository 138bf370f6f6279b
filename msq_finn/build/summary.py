"""What a build found, as data: the contents of ``summary.json``."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp

from msq_finn.synth.resources import Resources

SCHEMA_VERSION = 1


class Layer(BaseModel):
    """One matrix-vector layer.

    ``rows_*`` are output channels per number system, ``pe_*`` lanes per engine, ``cycles`` those of
    a frame; ``lut_sites``, ``ff``, ``dsp`` and ``bram36`` include the layer's weight memory.
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
    lut_sites: int
    ff: int
    dsp: int
    bram36: float


class Summary(BaseModel):
    """Everything a build reports. Accuracies are fractions, None where no labels were given."""

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
    images_simulated: int
    rtl_mismatches: int
    cycles_per_image: float
    predicted_cycles_per_image: int
    latency_cycles: int
    fps_at_clock: float
    lut_sites: int
    ff: int
    dsp: int
    bram36: float
    simulator: str
    synthesis: str
    versions: dict[str, str]
    layers: list[Layer]


def layers_of(model: ModelWrapper, resources: dict[str, Resources]) -> list[Layer]:
    """Describe every matrix-vector layer of a dataflow partition."""
    layers = []
    for node in model.graph.node:
        if not node.op_type.startswith("MVAU"):
            continue
        op = getCustomOp(node)
        own = [r for r in (resources.get(node.name), resources.get(f"{node.name}_weights")) if r]
        layers.append(
            Layer(
                name=node.name,
                op=node.op_type,
                mw=op.get_nodeattr("MW"),
                mh=op.get_nodeattr("MH"),
                simd=op.get_nodeattr("SIMD"),
                cycles=op.get_exp_cycles(),
                lut_sites=sum(r.lut_sites for r in own),
                ff=sum(r.ff for r in own),
                dsp=sum(r.dsp for r in own),
                bram36=sum(r.bram36 for r in own),
                **_rows_and_lanes(op),
            )
        )
    return layers


def _rows_and_lanes(op: Any) -> dict[str, int]:
    rows = op.get_nodeattr("MH")
    if not op.onnx_node.op_type.startswith("MVAU_MSQ"):
        return {
            "rows_sp2": 0,
            "rows_fixed": rows,
            "pe_lut": 0,
            "pe_dsp": op.get_nodeattr("PE"),
        }
    layout = op.layout()
    schemes = [kind.scheme.name for kind in layout.row_kinds(rows)]
    engines = [kind.engine for kind in layout.lanes]
    sp2 = sum(name.startswith("sp2") for name in schemes)
    return {
        "rows_sp2": sp2,
        "rows_fixed": rows - sp2,
        "pe_lut": engines.count("lut"),
        "pe_dsp": engines.count("dsp"),
    }
