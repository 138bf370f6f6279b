"""FINN's own command line, with Verilator in the place of Vivado's simulator."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence

from msq_finn.errors import MissingToolError
from msq_finn.finn_compat import finish_without_vivado
from msq_finn.sim import xsi


def run(arguments: Sequence[str]) -> None:
    """Run ``finn`` with some arguments; ends with its exit code.

    ``finn build`` refuses to start without Vivado, for its simulator, and fails at its end, for
    its metadata. With Vivado this is ``finn`` itself.

    Args:
        arguments: such as ``["build", "build.yaml", "model.onnx"]``.

    Raises:
        MissingToolError: no FINN, or an upstream FINN, which has no command line.
    """
    # Forked workers start faster than spawned ones, which work as well.
    os.environ.setdefault("FINN_MP_START_METHOD", "fork")
    xsi.install()
    try:
        command = importlib.import_module("finn.interface.run_finn")
    except ModuleNotFoundError as error:
        raise MissingToolError(
            "this FINN has no command line; use DataflowBuildConfig from Python"
        ) from error
    finish_without_vivado(xsi.SIMULATOR)
    sys.argv = ["finn", *arguments]
    command.main()
