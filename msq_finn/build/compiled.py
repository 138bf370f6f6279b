"""From a network to hardware in one call, in Python and for the command line alike."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike
from qonnx.core.modelwrapper import ModelWrapper

from msq_finn.build import run
from msq_finn.build.output import output_folder
from msq_finn.build.report_files import REFERENCE, load_ends
from msq_finn.build.run import Labelled
from msq_finn.build.simulate import accelerator_inputs, finished_by_host, run_accelerator
from msq_finn.build.stages import check_vivado
from msq_finn.build.stitch import stitch
from msq_finn.build.summary import Summary
from msq_finn.errors import MsqError
from msq_finn.lowering.ends import Ends, end_names, frames, named
from msq_finn.lowering.folding_file import load_folding
from msq_finn.lowering.inputs import (
    check_board,
    check_images,
    check_labels,
    load_images,
    load_labels,
    load_network,
)
from msq_finn.lowering.lower import Target, configure, lowered_of
from msq_finn.plan.file.schema import Plan
from msq_finn.progress import Progress, silent

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Compiled:
    """A network as hardware: what `compile` gives.

    Attributes:
        summary: every figure of the build, as written in ``summary.json``.
        folder: with ``summary.json``, ``report.html``, ``model.onnx``, ``dataflow.onnx``, the
            folder ``report``, of the last stage ``deploy``, and everything else in ``build``.
        target: board, clock and throughput.
    """

    summary: Summary
    folder: Path
    target: Target

    @property
    def figures(self) -> dict[str, Any]:
        """The summary as a dictionary, as ``msq-finn build --json`` prints it."""
        return self.summary.model_dump(mode="json")

    @property
    def images(self) -> Any:
        """The images that were simulated, [images, ...]; of several inputs a dictionary by name.

        Raises:
            MsqError: the build did not come to the stage ``simulate``.
        """
        return named(self._simulated("images"), end_names(self._source)[0])

    @property
    def outputs(self) -> Any:
        """What the RTL made of them behind the host's last operations, [images, ...].

        Of several outputs it is a dictionary by name, in the exported model's order. Where float32
        rounds a tie of the exported model the other way, that is what a board gives.

        Raises:
            MsqError: the build did not come to the stage ``simulate``.
        """
        return named(self._simulated("outputs"), end_names(self._source)[1])

    def predict(
        self, images: Any, progress: Progress = silent, waveform: Path | str | None = None
    ) -> Any:
        """Run images through the stitched RTL, in Verilator, and the host's operations around it.

        Args:
            images: network inputs behind a batch axis, [images, ...]; of several inputs a
                dictionary by name.
            progress: told of simulated words.
            waveform: VCD file to write, with every change of every signal of the design.

        Returns:
            the network's outputs, [images, ...]; of several a dictionary by name.

        Raises:
            MsqError: images of another shape; the build did not come to the stage ``simulate``.
            MissingToolError: no Verilator, or no C++ compiler.
        """
        self._simulated("images")
        source, work = self._source, self.folder / "build"
        checked = check_images(images, source, "images", least=1)
        config = configure(source, self.target, work)
        lowered = lowered_of(ModelWrapper(str(self.folder / "dataflow.onnx")), config)
        inputs = accelerator_inputs(lowered, checked)
        with tempfile.TemporaryDirectory(prefix="msq_finn_predict_") as folder:
            design = stitch(lowered.model, Path(folder))
            raw, _ = run_accelerator(
                lowered.model, design, inputs, progress=progress,
                waveform=None if waveform is None else Path(waveform),
            )  # fmt: skip
        return named(finished_by_host(lowered, raw), end_names(source)[1])

    @property
    def _source(self) -> Path:
        return self.folder / "model.onnx"

    def _simulated(self, array: str) -> Ends:
        path = self.folder / "build" / REFERENCE
        if not path.exists():
            raise MsqError(
                "built without a simulation; compile until 'simulate' or later", where=self.folder
            )
        return load_ends(path, array)


def compile(
    model: Path | str | torch.nn.Module,
    *,
    example: torch.Tensor | tuple[torch.Tensor, ...] | None = None,
    board: str = "Pynq-Z1",
    out: Path | str = "build-out",
    target_fps: int | None = None,
    clk_ns: float = 10.0,
    plan: Path | str | None = None,
    folding_config: Path | str | None = None,
    runtime_length: bool = False,
    images: ArrayLike | Mapping[str, ArrayLike] | Path | int = 8,
    labels: ArrayLike | Path | None = None,
    seed: int = 0,
    until: str = "simulate",
    start: str | None = None,
    progress: Progress = silent,
) -> Compiled:
    """Compile a quantized network to hardware: ``msq-finn build`` as one call.

    Args:
        model: exported QONNX file, or a network of Brevitas's layers, which is exported first, as
            it is in eval mode.
        example: an input of such a network with its batch axis, [1, ...]; a tuple of several.
        board: name of the board, as FINN knows it.
        out: output folder; results of an earlier build there are replaced when this one ends.
        target_fps: frames per second to fold for; the smallest design without it.
        clk_ns: clock period in ns; that of the plan, where there is one.
        plan: file of ``msq-finn plan`` to fold by.
        folding_config: FINN folding configuration (JSON), applied after automatic folding.
        runtime_length: let the processor write how long sequences of recurrent layers are, up to
            the exported model's steps.
        images: network inputs to simulate, [images, ...], two or more; of several inputs a
            dictionary by name; a path of them (.npy, .npz); or how many to draw.
        labels: classes of the images, [images], or a path of them, for accuracies.
        seed: of random images.
        until: last stage, of :data:`msq_finn.build.stages.STAGES`.
        start: stage or step to go on from with a build in ``out`` that was stopped.
        progress: told of every stage.

    Raises:
        MsqError: bad input, or the network cannot be built; with the reason.
        MissingToolError: a tool that a stage needs is missing.
    """
    check_vivado(until)
    part = check_board(board)
    if plan is not None:
        if target_fps is not None:
            raise MsqError("target_fps and plan: the plan has its own target; give one")
        planned = Plan.load(Path(plan))
        planned.check_board(board, part, str(plan))
        clk_ns = planned.clk_ns
    folding = load_folding(None if folding_config is None else Path(folding_config))
    target = Target(
        board, clk_ns, target_fps, folding, None if plan is None else Path(plan), runtime_length
    )
    out = Path(out)
    with tempfile.TemporaryDirectory(prefix="msq_finn_export_") as folder:
        if isinstance(model, str | Path):
            source = Path(model)
        else:
            source = _exported(model, example, Path(folder) / "model.onnx")
        # What is refused here leaves an earlier build's intermediate files, to go on with.
        chosen, labelled = _data(source, images, labels)
        with output_folder(out, resume=start is not None) as work:
            summary = run.build(
                source, target, out, work.resolve(), chosen,
                seed=seed, labelled=labelled, until=until, start=start, progress=progress,
            )  # fmt: skip
    return Compiled(summary, out.resolve(), target)


def _data(
    source: Path,
    images: ArrayLike | Mapping[str, ArrayLike] | Path | int,
    labels: ArrayLike | Path | None,
) -> tuple[Ends | int, Labelled | None]:
    """Check what is to be simulated against the exported model."""
    load_network(source)
    if isinstance(images, int):
        if labels is not None:
            raise MsqError("labels: random images have none; give the images too")
        if images < 2:
            raise MsqError(f"{images} images; a simulation takes two or more", field="images")
        return images, None
    if isinstance(images, Path):
        chosen = load_images(images, source)
    else:
        chosen = check_images(images, source, "images")
    if labels is None:
        return chosen, None
    if isinstance(labels, Path):
        return chosen, Labelled(load_labels(labels, source, frames(chosen)))
    return chosen, Labelled(check_labels(np.asarray(labels), source, frames(chosen), "labels"))


def _exported(model: Any, example: Any, path: Path) -> Path:
    from brevitas.export import export_qonnx

    if example is None:
        raise MsqError(
            "a network that is to be exported needs an example of its input", field="example"
        )
    training = model.training
    try:
        export_qonnx(model.eval(), example, str(path), dynamo=False, opset_version=13)
    finally:
        model.train(training)
    return path
