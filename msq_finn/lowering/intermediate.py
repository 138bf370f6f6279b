"""Models between steps."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from msq_finn.errors import MsqError
from msq_finn.files import write

#: FINN's name for the graph around the accelerator, in the folder of intermediate models.
_PARENT = "dataflow_parent"

#: The exported model, in that folder.
_SOURCE = "msq_source"

_FOLDER = "intermediate_models"


def save(model: Any, path: Path) -> None:
    """Write a model so that a kill leaves the one that was there, or the new one.

    Args:
        model: QONNX's.
        path: the file; its folder is made if missing.

    Raises:
        OSError: the folder is full or read-only.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    write(path, model.model.SerializeToString())


def parent_path(config: Any) -> Path:
    """Return the file of the graph around the accelerator.

    Args:
        config: FINN's build configuration.

    Raises:
        MsqError: FINN was told to keep no intermediate models.
    """
    path = path_of(Path(config.output_dir), _PARENT)
    if not path.exists():
        raise MsqError(f"no {path}; build with save_intermediate_models")
    return path


def keep_source(model: Any, config: Any) -> None:
    """Keep the exported model for later steps, where FINN's configuration does not name its file.

    Args:
        model: as FINN's builder loaded it.
        config: FINN's build configuration.

    Raises:
        OSError: the folder is full or read-only.
    """
    if getattr(config, "model_path", None) is None:
        save(model, path_of(Path(config.output_dir), _SOURCE))


def source_path(config: Any) -> Path:
    """Return the file of the exported model.

    Args:
        config: FINN's build configuration.
    """
    named = getattr(config, "model_path", None)
    return path_of(Path(config.output_dir), _SOURCE) if named is None else Path(named)


def path_of(work: Path, step: str) -> Path:
    """Return where FINN keeps the model after a step (builder/build_dataflow.py).

    Args:
        work: the build's folder.
        step: name of the step.
    """
    return work / _FOLDER / f"{step}.onnx"


def load_before(work: Path, step: str, steps: Sequence[str]) -> Any:
    """Load the model that a step starts from.

    Args:
        work: the build's folder.
        step: one of ``steps``, but not the first.
        steps: all steps in order.

    Raises:
        MsqError: an earlier build did not come as far.
    """
    from qonnx.core.modelwrapper import ModelWrapper

    before = steps[steps.index(step) - 1]
    path = path_of(work, before)
    if not path.exists():
        done = [name for name in steps if path_of(work, name).exists()]
        last = f"its last whole step is {done[-1]}" if done else "it completed no step"
        raise MsqError(
            f"cannot start at {step}: the earlier build in {work.parent} did not complete {before}"
            f" ({last}); start there or earlier, or build anew without --start"
        )
    return ModelWrapper(str(path))


def forget(work: Path, steps: Sequence[str]) -> None:
    """Remove the models behind steps that are to be done again, or follow on such.

    Args:
        work: the build's folder.
        steps: names.
    """
    for step in steps:
        path_of(work, step).unlink(missing_ok=True)
