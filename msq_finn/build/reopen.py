"""A finished build's network, opened again for more to be done with it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from msq_finn.build.report_files import REFERENCE
from msq_finn.errors import MsqError
from msq_finn.lowering.intermediate import path_of
from msq_finn.lowering.lower import Lowered, Target, configure

#: Step whose graph is simulated and goes to Vivado, and the graph around it.
_SIZED = "step_msq_size_fifos"
_PARENT = "intermediate_models/dataflow_parent.onnx"


def check_simulated(out: Path) -> None:
    """Refuse what is no build that was simulated.

    Args:
        out: the build's output folder.

    Raises:
        MsqError: it is none.
    """
    needed = (path_of(out / "build", _SIZED), out / "build" / REFERENCE, out / "model.onnx")
    if not all(path.is_file() for path in needed):
        raise MsqError(f"no simulated build in {out}; run msq-finn build --until simulate first")


def reopen(out: Path, name: str) -> Lowered:
    """Open a simulated build.

    Args:
        out: the build's output folder.
        name: of the folder for new files, in ``build``; made empty.
    """
    work, source = (out / "build").resolve(), (out / "model.onnx").resolve()
    asked = json.loads((work / "options.json").read_text())
    folder = work / name
    shutil.rmtree(folder, ignore_errors=True)
    config = configure(source, Target(asked["board"], asked["clk_ns"]), folder)
    from qonnx.core.modelwrapper import ModelWrapper

    parent, model = (ModelWrapper(str(path)) for path in (work / _PARENT, path_of(work, _SIZED)))
    return Lowered(source, parent, model, config, folder)
