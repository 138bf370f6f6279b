"""The synthesised netlist of a whole network, and its simulation."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from qonnx.core.modelwrapper import ModelWrapper

from msq_finn.build import resources, workers
from msq_finn.build.hardware_steps import REFERENCE, Run
from msq_finn.build.lower import logged, lowered_of
from msq_finn.build.output import write
from msq_finn.build.simulate import run_accelerator
from msq_finn.build.stitch import TOP, Stitched, stitch
from msq_finn.errors import MsqError
from msq_finn.sim import primitives
from msq_finn.sim.verilator import version
from msq_finn.synth.yosys import Netlist

#: Of the report folder.
GATE_LEVEL = "msq_gate.json"

#: Of the output folder: netlists, models of their primitives, the top.
NETLISTS = "gate"

#: Images that are simulated; the first of those that the RTL was simulated with.
IMAGES = 3


def step_msq_gate(model: ModelWrapper, cfg: Any) -> ModelWrapper:
    """Simulate the synthesised netlist of the whole network.

    The netlist is that of which :func:`msq_finn.build.hardware_steps.step_msq_synthesize` counts
    the resources; it stays in the folder `NETLISTS`. An image counts (``gate_mismatches``) if the
    netlist gives other integers than the RTL, which
    :func:`msq_finn.build.hardware_steps.step_msq_simulate` compares with the exported model.

    Args:
        model: stitched and simulated dataflow graph.
        cfg: FINN's ``DataflowBuildConfig``.

    Returns:
        ``model`` as it is.

    Raises:
        MsqError: the RTL has not been simulated, a module does not synthesise, a primitive has no
            simulation model, or the netlist starves.
        MissingToolError: no Yosys, no Verilator or no C++ compiler.
    """
    workers.prepare()
    lowered = lowered_of(model, cfg)
    run = getattr(cfg, "msq_run", None) or Run()
    part = cfg._resolve_fpga_part()
    design = stitch(model, lowered.folder)
    runs = resources.synthesize(design, part, run.progress)
    netlists = {name: found.netlist for name, found in runs.items()}
    gates = gate_level(design, netlists, lowered.folder / NETLISTS)
    try:
        simulated = dict(np.load(lowered.folder / REFERENCE))
    except FileNotFoundError as error:
        raise MsqError(
            "the netlist is compared with simulated RTL: simulate that before"
        ) from error
    names = ("accelerator_inputs", "accelerator_outputs")
    inputs, of_rtl = (simulated[name][:IMAGES] for name in names)
    run.progress("Gate level (Verilator)", 0, 1)  # compiling takes long
    with logged(lowered.folder / "gate.log"):
        raw, _ = run_accelerator(
            model,
            gates,
            inputs,
            progress=lambda _, done, total: run.progress("Gate level (Verilator)", done, total),
        )
    apart = np.any((raw != of_rtl).reshape(len(raw), -1), axis=1)
    figures = {
        "gate_images": len(raw),
        "gate_mismatches": int(apart.sum()),
        "gate_simulator": f"Verilator {version()}, netlist of primitives without delays",
    }
    write(cfg.get_report_directory() / GATE_LEVEL, json.dumps(figures, indent=2))
    return model


def gate_level(design: Stitched, netlists: Mapping[str, Netlist], folder: Path) -> Stitched:
    """Put the netlists of a design's parts in the place of their sources.

    Args:
        design: stitched design.
        netlists: by the part's name.
        folder: gets the netlists, the new top and simulation models of their primitives.

    Returns:
        the design of netlists; it has no probes of FIFOs, which synthesis leaves out.
    """
    folder.mkdir(exist_ok=True)
    for netlist in netlists.values():
        write(folder / f"{netlist.module}.v", netlist.text)
    probes = tuple(f" {port}" for port in design.probes.values())
    instances = []
    for instance in design.instances:
        netlist = netlists[instance.part]
        pins = {port: net for port, net in instance.pins.items() if port in netlist.ports}
        instances.append(replace(instance, module=netlist.module, pins=pins))
    modules = sorted({netlist.module for netlist in netlists.values()})
    models = folder / "primitives.v"
    write(models, primitives.models(netlist.text for netlist in netlists.values()))
    gates = replace(
        design,
        path=folder / f"{TOP}.sv",
        sources=[models, *(folder / f"{module}.v" for module in modules), folder / f"{TOP}.sv"],
        probes={},
        ports=[port for port in design.ports if not port.endswith(probes)],
        instances=instances,
    )
    gates.write()
    return gates
