"""The synthesised netlist of a whole network, and its simulation."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from qonnx.core.modelwrapper import ModelWrapper

from msq_finn.build import node_resources
from msq_finn.build.differences import differ
from msq_finn.build.end_ports import output_ports
from msq_finn.build.report_files import REFERENCE, load_ends
from msq_finn.build.simulate import packed, run_accelerator
from msq_finn.build.stitch import stitch
from msq_finn.build.stitched import STREAM_CHECK, TOP, Stitched
from msq_finn.build.trial import Trial
from msq_finn.errors import MsqError
from msq_finn.files import write
from msq_finn.lowering import finn_workers
from msq_finn.lowering.ends import Ends, frames, image, together
from msq_finn.lowering.lower import logged, lowered_of
from msq_finn.sim import bit_nets, four_state, primitives
from msq_finn.sim.installation import version
from msq_finn.synth.yosys import NetlistSource

#: Of the report folder.
GATE_LEVEL = "msq_gate.json"

#: Of the output folder: netlists, models of their primitives, the top.
NETLISTS = "gate"

#: The value that a flip-flop starts with.
_INITIAL = re.compile(r"(?m)(^  FD[RSCP]E #\(\s+\.INIT\()1'h[01]")

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

    Returns:
        ``model`` as it is.

    Raises:
        MsqError: the RTL has not been simulated, a module does not synthesise, a primitive has no
            simulation model, or the netlist starves.
        MissingToolError: no Yosys, no Verilator or no C++ compiler.
    """
    finn_workers.prepare()
    lowered = lowered_of(model, cfg)
    run = getattr(cfg, "msq_run", None) or Trial()
    part = cfg._resolve_fpga_part()
    design = stitch(model, lowered.folder)
    runs = node_resources.synthesize(design, part, run.progress)
    netlists = {name: found.netlist for name, found in runs.items()}
    gates = gate_level(design, netlists, lowered.folder / NETLISTS)
    try:
        inputs, of_rtl = (
            image(load_ends(lowered.folder / REFERENCE, name), slice(IMAGES))
            for name in ("accelerator_inputs", "accelerator_outputs")
        )
    except FileNotFoundError as error:
        raise MsqError(
            "the netlist is compared with simulated RTL: simulate that before"
        ) from error
    run.progress("Gate level (Verilator)", 0, 1)  # compiling takes long
    with logged(lowered.folder / "gate.log"):
        raw, _ = run_accelerator(
            model,
            gates,
            inputs,
            progress=lambda _, done, total: run.progress("Gate level (Verilator)", done, total),
        )
    apart = differ(raw, of_rtl, 1)
    figures = {
        "gate_images": frames(raw),
        "gate_mismatches": int(apart.sum()),
        "gate_simulator": f"Verilator {version()}, netlist of primitives without delays",
    }
    write(cfg.get_report_directory() / GATE_LEVEL, json.dumps(figures, indent=2))
    return model


def gate_level(
    design: Stitched,
    netlists: Mapping[str, NetlistSource],
    folder: Path,
    *,
    four_states: bool = False,
) -> Stitched:
    """Put the netlists of a design's parts in the place of their sources.

    Args:
        netlists: by the part's name.
        folder: gets the netlists, the new top and simulation models of their primitives.
        four_states: for simulation in four states: flip-flops do not start with what a bitfile
            gives them, but unknown, as they are when a reset comes later; and every net has one
            bit, which Icarus Verilog simulates many times as fast.

    Returns:
        the design of netlists; it has no probes of FIFOs, which synthesis leaves out.
    """
    folder.mkdir(exist_ok=True)
    for netlist in netlists.values():
        text = netlist.text
        if four_states:
            text = bit_nets.split(_INITIAL.sub(r"\g<1>1'hx", text))
        write(folder / f"{netlist.module}.v", text)
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
        sources=[
            *(models, *(folder / f"{module}.v" for module in modules)),
            *(STREAM_CHECK, folder / f"{TOP}.sv"),
        ],
        probes={},
        ports=[port for port in design.ports if not port.endswith(probes)],
        instances=instances,
    )
    gates.write()
    return gates


def run_in_four_states(
    model: ModelWrapper, design: Stitched, inputs: Ends, **options: Any
) -> tuple[Ends, four_state.FourState]:
    """Stream integers through a design of netlists in Icarus Verilog, and look for X.

    Every stream between the design's parts is watched.

    Args:
        model: the dataflow partition.
        design: its netlists, or other Verilog that Icarus takes.
        inputs: accelerator inputs, [images, ...].
        options: as of :func:`msq_finn.sim.four_state.simulate`.

    Returns:
        integer outputs [images, ...], zeros where words are missing, and the simulation's result.

    Raises:
        MsqError: see `msq_finn.sim.four_state.simulate`.
        MissingToolError: no Icarus Verilog.
    """
    count = frames(inputs)
    sinks = {f"out{index}_V": port for index, port in enumerate(output_ports(model))}
    found = four_state.simulate(
        TOP,
        design.sources,
        packed(model, inputs),
        {name: port.words * count for name, port in sinks.items()},
        design.streams,
        **options,
    )
    outputs = []
    for name, port in sinks.items():
        words = found.outputs[name]
        padded = np.zeros((port.words * count, (design.streams[name] + 7) // 8), np.uint8)
        padded[: len(words)] = words
        outputs.append(port.integers(padded, count))
    return together(outputs), found
