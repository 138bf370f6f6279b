"""FINN's own command line, with Verilator in the place of Vivado's simulator."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from msq_finn.errors import MissingToolError, MsqError, said_by
from msq_finn.finn_compat import finish_without_vivado, version
from msq_finn.sim import xsi


def run(arguments: Sequence[str]) -> None:
    """Run ``finn`` with some arguments; ends with its exit code.

    ``finn build`` refuses to start without Vivado, for its simulator, and fails at its end, for
    its metadata. With Vivado this is ``finn`` itself.

    Args:
        arguments: such as ``["build", "build.yaml", "model.onnx"]``.

    Raises:
        MissingToolError: no FINN, or an upstream FINN, which has no command line.
        MsqError: the configuration of a build is no YAML or JSON file, or holds no options; or FINN
            refuses it.
    """
    if arguments[:1] == ("build",):
        _check_configuration(arguments[1:])
    # Forked workers start faster than spawned ones, which work as well.
    os.environ.setdefault("FINN_MP_START_METHOD", "fork")
    xsi.install()
    try:
        command = importlib.import_module("finn.interface.run_finn")
    except ModuleNotFoundError as error:
        raise MissingToolError(
            f"{version()} has no command line; use DataflowBuildConfig from Python"
        ) from error
    finish_without_vivado(xsi.SIMULATOR)
    _fail_where_the_build_fails()
    sys.argv = ["finn", *arguments]
    try:
        command.main()
    except MsqError:
        raise
    except Exception as error:  # of which FINN's own command line prints a traceback
        raise MsqError(f"FINN stopped: {type(error).__name__}: {said_by(error)}") from error


def _check_configuration(arguments: Sequence[str]) -> None:
    """Refuse a configuration that cannot be parsed, of which FINN prints a traceback."""
    for path in (Path(a) for a in arguments if a.endswith((".yaml", ".yml", ".json"))):
        if not path.is_file():
            continue  # FINN's command line says so, or it is an option's value
        try:
            content = yaml.safe_load(path.read_bytes())
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            mark = getattr(error, "problem_mark", None)
            where = f" (line {mark.line + 1})" if mark else ""
            raise MsqError(f"not a YAML file{where}; mend it", where=path) from error
        except OSError as error:
            raise MsqError(f"cannot be read ({error.strerror})", where=path) from error
        if not isinstance(content, dict):
            raise MsqError("no options in it; write lines such as 'board: Pynq-Z1'", where=path)


def _fail_where_the_build_fails() -> None:
    """End with 1 after a failed build; finn-plus drops the builder's result and ends with 0."""
    builder: Any = importlib.import_module("finn.builder.build_dataflow")
    build = builder.build_dataflow_cfg

    def build_or_exit(*arguments: Any, **options: Any) -> int:
        if build(*arguments, **options):
            sys.exit(1)
        return 0

    builder.build_dataflow_cfg = build_or_exit
