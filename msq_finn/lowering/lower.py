"""Run FINN's steps and ours on an exported QONNX model, one by one."""

from __future__ import annotations

import contextlib
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from msq_finn.errors import MsqError
from msq_finn.finn_compat import configuration
from msq_finn.lowering import times
from msq_finn.lowering.folding_file import check_folding_names
from msq_finn.lowering.inputs import check_board, load_network
from msq_finn.lowering.intermediate import parent_path, path_of, save, source_path
from msq_finn.lowering.partition import PARTITION_STEP, check_partition
from msq_finn.progress import Progress, silent

#: The step that applies a folding configuration.
FOLDING_STEP = "step_apply_folding_config"

#: Name and function of a builder step.
Step = tuple[str, Callable[[Any, Any], Any]]


@dataclass(frozen=True)
class Target:
    """What to build for.

    Attributes:
        board: a board name FINN knows, such as ``Pynq-Z1``.
        clk_ns: clock period in ns.
        target_fps: frames per second to fold for, None for the smallest design.
        folding_config: FINN folding configuration (JSON) applied after automatic folding.
        plan: plan file to fold by, in place of automatic folding.
        runtime_length: whether the processor writes how long recurrent layers' sequences are.
    """

    board: str
    clk_ns: float = 10.0
    target_fps: int | None = None
    folding_config: Path | None = None
    plan: Path | None = None
    runtime_length: bool = False


@dataclass
class Lowered:
    """A lowered network.

    Attributes:
        source: the exported QONNX model.
        parent: the graph around the accelerator (host work, and the partition as one node).
        model: the dataflow partition, with RTL generated for every node.
        config: FINN's build configuration.
        folder: intermediate files.
    """

    source: Path
    parent: Any
    model: Any
    config: Any
    folder: Path


def lowered_of(model: Any, config: Any) -> Lowered:
    """What a builder step is given, with the graph around it.

    Args:
        model: the dataflow partition.
        config: FINN's build configuration, with the name of the exported model.

    Raises:
        MsqError: FINN was told to keep no intermediate models.
    """
    from qonnx.core.modelwrapper import ModelWrapper

    parent = ModelWrapper(str(parent_path(config)))
    return Lowered(source_path(config), parent, model, config, Path(config.output_dir))


def configure(source: Path, target: Target, folder: Path) -> Any:
    """Make FINN ready to run, and return its build configuration.

    Args:
        source: exported QONNX model.
        target: board, clock and throughput.
        folder: FINN's output folder.

    Raises:
        MsqError: bad model, unknown board.
    """
    load_network(source)
    check_board(target.board)
    from msq_finn.sim.finn_env import prepare

    prepare(folder / "finn")
    from finn.builder.build_dataflow_config import DataflowOutputType, ShellFlowType
    from finn.util.basic import alveo_part_map

    alveo = target.board in alveo_part_map
    config = configuration(
        source,
        output_dir=str(folder),
        synth_clk_period_ns=target.clk_ns,
        board=target.board,
        shell_flow_type=ShellFlowType.VITIS_ALVEO if alveo else ShellFlowType.VIVADO_ZYNQ,
        target_fps=target.target_fps,
        folding_config_file=str(target.folding_config) if target.folding_config else None,
        standalone_thresholds=True,
        generate_outputs=[
            output
            for output in DataflowOutputType
            # FINN refuses it for a Zynq, behind hours of Vivado; upstream's main has none.
            if alveo or output.value != "cpp_driver"
        ],
        # FINN's default is HLS-friendly; RTL nodes have no such limit.
        mvau_wwidth_max=2**30,
    )
    config.msq_plan = target.plan
    config.msq_runtime_length = target.runtime_length
    return config


def lower(source: Path, target: Target, folder: Path, progress: Progress = silent) -> Lowered:
    """Run the steps up to a dataflow graph that can be folded.

    Args:
        source: exported QONNX model.
        target: board, clock and throughput.
        folder: for intermediate models and reports.
        progress: told of every step.

    Raises:
        MsqError: bad model, unknown board, a row that no scheme holds.
    """
    config = configure(source, target, folder)
    from msq_finn.lowering.front_steps import FRONT_STEPS

    steps = [resolve(step) for step in FRONT_STEPS]
    return lowered_of(run_steps(open_source(source, folder), config, steps, progress), config)


def open_source(source: Path, folder: Path) -> Any:
    """Open an exported model, once it has shown that it runs.

    Args:
        source: QONNX file.
        folder: where ``finn.log`` is, which gets what QONNX prints.

    Returns:
        A ``ModelWrapper``.

    Raises:
        MsqError: it does not run.
    """
    from qonnx.core.modelwrapper import ModelWrapper

    model = ModelWrapper(str(source))
    with logged(folder / "finn.log"):
        _dry_run(model)
    return model


def run_steps(
    model: Any,
    config: Any,
    steps: Sequence[Step],
    progress: Progress = silent,
    check: Callable[[str, Any], None] = lambda name, model: None,
    finished: Callable[[str, Any], None] = lambda name, model: None,
) -> Any:
    """Run builder steps one by one, and keep the model after each.

    Args:
        model: to start from.
        config: FINN's build configuration.
        steps: name and function of each step.
        progress: told of every step.
        check: shown the model behind every step, before it is saved; it raises to refuse it.
        finished: told of every step that has been done, with its model, which is saved already.

    Returns:
        the last step's model.

    Raises:
        MsqError: a step refused the model; the line names it. Or its partition is none that
            later steps can take, see :func:`msq_finn.lowering.partition.check_partition`. Or the
            folding configuration names nodes that there are none of.
    """
    folder = Path(config.output_dir)
    for index, (name, function) in enumerate(steps):
        progress(f"FINN: {name.removeprefix('step_')}", index, len(steps))
        with logged(folder / "finn.log"), times.measured(config, name):
            model = _run(name, function, model, config)
            _refuse_nan(model, name)
            if name == PARTITION_STEP:
                check_partition(lowered_of(model, config).parent, model)
            if name == FOLDING_STEP and config.folding_config_file:
                nodes = [node.name for node in model.graph.node]
                check_folding_names(Path(config.folding_config_file), nodes)
            check(name, model)
            save(model, path_of(folder, name))
            finished(name, model)
    progress("FINN: done", len(steps), len(steps))
    return model


def _dry_run(model: Any) -> None:
    """Run the exported model on a black image, so that one that cannot run stops here."""
    from qonnx.core.onnx_exec import execute_onnx
    from qonnx.util.cleanup import cleanup_model

    try:
        ready = cleanup_model(model)
        black = {
            info.name: np.zeros(ready.get_tensor_shape(info.name), dtype=np.float32)
            for info in ready.graph.input
            if ready.get_initializer(info.name) is None
        }
        outputs = execute_onnx(ready, black)
    except Exception as error:
        raise MsqError(f"the exported model does not run in QONNX: {_reason(error)}") from error
    if not all(np.isfinite(value).all() for value in outputs.values()):
        raise MsqError("the exported model computes values that are no finite numbers")


def resolve(step: Any) -> Step:
    """Name and function of a builder step.

    Args:
        step: a function, or the name of one of FINN's own.
    """
    if callable(step):
        return step.__name__, step
    from finn.builder import build_dataflow_steps

    return step, getattr(build_dataflow_steps, step)


def _run(name: str, function: Any, model: Any, config: Any) -> Any:
    """Run one step; what FINN or QONNX refuses becomes one line that names the step.

    Both refuse with assertions, with plain Exception, or by stumbling over what they did not
    expect, so that the type says nothing. A full disk (OSError) is another matter.
    """
    try:
        return function(model, config)
    except (MsqError, OSError):
        raise
    except Exception as error:
        raise MsqError(
            f"FINN's {name} refused the model: {_reason(error)} (msq-finn --debug shows where)"
        ) from error


def _reason(error: Exception) -> str:
    """The first line of what an exception says, or where it comes from if it says nothing."""
    kind = "" if isinstance(error, AssertionError) else f"{type(error).__name__}: "
    for line in str(error).splitlines():
        if line.strip():
            return kind + line.strip()[:300]
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} in {last.name} ({Path(last.filename).name}:{last.lineno})"


def _refuse_nan(model: Any, name: str) -> None:
    """Stop where scales overflowed; FINN's search for bit widths would not end.

    An infinite threshold is none too many: a channel whose normalisation has gain 0 has them.
    """
    for tensor in model.graph.initializer:
        if np.isnan(model.get_initializer(tensor.name)).any():
            raise MsqError(
                f"FINN's {name} computed NaN for {tensor.name!r}; check the model's scales and "
                "batch normalisations"
            )


@contextlib.contextmanager
def logged(path: Path) -> Iterator[None]:
    """Send what dependencies print to a log file.

    Args:
        path: the file, which is appended to; its folder is made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with (
        path.open("a") as log,
        contextlib.redirect_stdout(log),
        contextlib.redirect_stderr(log),
    ):
        yield
