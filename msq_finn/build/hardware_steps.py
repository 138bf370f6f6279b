"""Builder steps behind generated RTL: FIFO depths, simulation and resources without Vivado.

Steps have FINN's signature ``(model, cfg) -> model``, where ``cfg`` is a ``DataflowBuildConfig``.
What one finds goes to FINN's report folder; the summary and a build that goes on read it there.
"""

from __future__ import annotations

import copy
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qonnx.core.modelwrapper import ModelWrapper

from msq_finn.build import fifos, node_resources
from msq_finn.build.deploy import deploy
from msq_finn.build.differences import differ
from msq_finn.build.report_files import (
    PERFORMANCE,
    REFERENCE,
    RESOURCES,
    SIMULATION,
    WAVEFORM,
    refuse_faults,
    save_ends,
)
from msq_finn.build.simulate import executed, reference_outputs, simulate
from msq_finn.build.stitch import stitch
from msq_finn.build.stitched_ip import offer_to_finn
from msq_finn.build.trial import Labelled, Trial, images_of, share_outside
from msq_finn.build.verdict.judge import judge
from msq_finn.build.verdict.record import verdict_figures, write_difference
from msq_finn.files import write
from msq_finn.finn_compat import report_folder
from msq_finn.lowering import finn_workers
from msq_finn.lowering.cycles import predicted_interval
from msq_finn.lowering.ends import Ends, each, frames, mapped
from msq_finn.lowering.host_side import Host
from msq_finn.lowering.lower import Lowered, lowered_of, resolve
from msq_finn.sim.performance import performance
from msq_finn.sim.xsi import SIMULATOR

#: FINN's own steps from generated RTL to a bitfile; Vivado, and Vitis HLS for its DMA, do the work.
_VIVADO_STEPS = (
    "step_create_stitched_ip",
    "step_out_of_context_synthesis",
    "step_prepare_synthesis",
    "step_synthesize_bitfile",
    "step_make_driver",
)


def step_msq_stitch(model: ModelWrapper, cfg: Any) -> ModelWrapper:
    """Write one SystemVerilog top for all nodes (``finn_design.sv`` in the output folder).

    Stands for the stitching in FINN's ``step_create_stitched_ip``, which may follow for its
    verification ``stitched_ip_rtlsim``.

    Args:
        model: dataflow graph with generated RTL.

    Returns:
        ``model``, whose metadata name the design.

    Raises:
        MsqError: see :func:`msq_finn.build.stitch.stitch`.
    """
    finn_workers.prepare()
    folder = Path(cfg.output_dir)
    offer_to_finn(model, stitch(model, folder), folder.absolute() / "stitched_rtl")
    return model


def step_msq_size_fifos(model: ModelWrapper, cfg: Any) -> ModelWrapper:
    """Find FIFO depths by simulation in Verilator, after RTL has been generated.

    Stands for the sizing in FINN's ``step_set_fifo_depths``.

    Args:
        model: stitched dataflow graph, every FIFO at its largest depth.

    Returns:
        the graph with the depths set and its RTL generated and stitched anew.

    Raises:
        MsqError: the design starves or does not compile.
        MissingToolError: no Verilator, or no C++ compiler.
    """
    lowered, run = _begin(model, cfg)
    fifos.size_fifos(lowered, lowered.folder / "sizing", run.progress)
    return step_msq_stitch(lowered.model, cfg)


def step_msq_simulate(model: ModelWrapper, cfg: Any) -> ModelWrapper:
    """Run images through the stitched RTL, and compare with the exported model bit for bit.

    Stands for FINN's ``step_measure_rtlsim_performance``, whose file it writes too (`PERFORMANCE`),
    beside `SIMULATION` in the report folder and `REFERENCE` in the output folder. Images that
    differ are counted there (``rtl_mismatches``), and looked into: values that float32 rounds the
    other way are ties (``rtl_ties``), all others faults (``rtl_faults``), of which the first tensor
    is written beside, as it is and as it should be. Behind a LogSoftmax, say, some differences
    would not show: integers are then compared with those of the dataflow graph too, as FINN
    executes it.

    Args:
        model: stitched dataflow graph.
        cfg: FINN's ``DataflowBuildConfig``; ``msq_run`` has the images. Waveforms are saved, as
            `WAVEFORM` in the output folder, where ``verify_save_rtlsim_waveforms`` is set.

    Returns:
        ``model`` as it is.

    Raises:
        MsqError: the design starves, stops itself or does not compile.
        MissingToolError: no Verilator, or no C++ compiler.
    """
    lowered, run = _begin(model, cfg)
    images = images_of(lowered, run)
    design = stitch(model, lowered.folder)
    reference = reference_outputs(lowered.source, images, run.progress)
    waveform = lowered.folder / WAVEFORM if cfg.verify_save_rtlsim_waveforms else None
    found = simulate(lowered, design, images, run.progress, waveform)
    host = Host(lowered.parent)
    wrong = differ(found.outputs, reference, host.output_step())
    if host.hides:
        wrong |= differ(found.raw, executed(lowered, found.inputs), 1)
    verdict = judge(lowered, images, found, wrong, run.progress)
    report = report_folder(cfg)
    write_difference(report, verdict)
    figures = {
        "images_simulated": frames(images),
        "inputs_outside": share_outside(lowered, images),
        "rtl_mismatches": int(wrong.sum()),
        **verdict_figures(verdict),
        "cycles_per_image": found.cycles_per_image,
        "predicted_cycles_per_image": predicted_interval(model),
        "latency_cycles": found.latency,
        "simulator": SIMULATOR,
        "accuracy_quant": _accuracy(reference, run.labelled),
        "accuracy_rtl": _accuracy(found.outputs, run.labelled),
        "accuracy_float": run.labelled.accuracy_float if run.labelled else None,
    }
    timing = performance("finn_design", found.result, frames(images), cfg.synth_clk_period_ns)
    write(report / PERFORMANCE, json.dumps([timing], indent=2))
    save_ends(
        lowered.folder / REFERENCE,
        images=images,
        accelerator_inputs=found.inputs,
        accelerator_outputs=found.raw,
        # Behind a tie the board gives what the RTL does.
        outputs=mapped(lambda rtl, model: _chosen(wrong, rtl, model), found.outputs, reference),
    )
    write(report / SIMULATION, json.dumps(figures, indent=2))
    return model


def step_msq_synthesize(model: ModelWrapper, cfg: Any) -> ModelWrapper:
    """Count resources with Yosys, module by module, and write `RESOURCES` in the report folder.

    Args:
        model: stitched dataflow graph.

    Returns:
        ``model`` as it is.

    Raises:
        MsqError: a module does not synthesise, or Yosys does not map to the part.
        MissingToolError: no Yosys.
    """
    lowered, run = _begin(model, cfg)
    design = stitch(model, lowered.folder)
    measured = node_resources.measure(design, cfg._resolve_fpga_part(), run.progress)
    found = {name: asdict(value) for name, value in measured.items()}
    write(report_folder(cfg) / RESOURCES, json.dumps(found, indent=2))
    return model


def step_msq_bitfile(model: ModelWrapper, cfg: Any) -> ModelWrapper:
    """Run FINN's own steps as they are, from stitched IP to a bitfile and its driver settings.

    They turn the graph into one of Vivado's kernels; the dataflow graph is what goes on.

    Args:
        model: dataflow graph with generated RTL.

    Returns:
        ``model`` as it is.

    Raises:
        MsqError: the simulation found faults.
    """
    finn_workers.prepare()
    refuse_faults(report_folder(cfg))
    kernels = copy.deepcopy(model)
    for name in _VIVADO_STEPS:
        kernels = resolve(name)[1](kernels, cfg)
    return model


def step_msq_deploy(model: ModelWrapper, cfg: Any) -> ModelWrapper:
    """Write the deployment package, with the bitfile if FINN has built one.

    Args:
        model: simulated dataflow graph.

    Returns:
        ``model`` as it is.

    Raises:
        MsqError: the simulation found faults; or see :func:`msq_finn.build.deploy.deploy`.
    """
    lowered, _ = _begin(model, cfg)
    refuse_faults(report_folder(cfg))
    deploy(lowered)
    return model


def _begin(model: ModelWrapper, cfg: Any) -> tuple[Lowered, Trial]:
    finn_workers.prepare()
    return lowered_of(model, cfg), getattr(cfg, "msq_run", None) or Trial()


def _chosen(wrong: NDArray[np.bool_], ours: NDArray[Any], others: NDArray[Any]) -> NDArray[Any]:
    """Images of the one where they are wrong, else of the other."""
    return np.where(np.expand_dims(wrong, tuple(range(1, ours.ndim))), ours, others)


def _accuracy(outputs: Ends, labelled: Labelled | None) -> float | None:
    if labelled is None:
        return None
    # There is one output where there are labels.
    values = each(outputs)[0].reshape(len(labelled.labels), -1)
    # A network that ends in TopK gives the label itself.
    chosen = values[:, 0] if values.shape[1] == 1 else values.argmax(1)
    return float((chosen == labelled.labels).mean())
