"""Where FINN's lines, finn-plus and upstream FINN's main and dev, are laid out differently.

| what | finn-plus | upstream dev | upstream main |
| --- | --- | --- | --- |
| RTL library | `finn.util.settings` | `FINN_ROOT` | `FINN_ROOT` |
| settings | have to be initialised | none | none |
| exported model in the configuration | there | not there | not there |
| `InferGlobalAccPoolLayer` | in a module of its own | `convert_to_hw_layers` | likewise |
| `step_minimize_bit_width_initial` | there | not there | not there |
| `step_convert_to_hw` | all operations | all operations | layers, thresholds, max pools |
| `ApplyConfig` | in FINN | in FINN | in QONNX |
| unsigned quantizers | any | behind a Relu | behind a Relu |
| moves past joins and patches, absorbed biases | there | some not | some not |
| 1x1 convolutions with a stride | window generators, RTL | likewise | `DownSampler`, HLS |
| activations of `MVAU_rtl` | as wide as a DSP slice's port | 8 bits, RTL takes more | 8 bits |
| scales at forks | moved past one by one | likewise | not told apart |
| adds of streams | `ElementwiseAdd` | `ElementwiseAdd` | `AddStreams` |
| simulator of nodes | `finn.xsi` | `finn.xsi`, another engine | PyVerilator |
| streams out of a node, weights | `out0_V`, `in1_V` | likewise | `out_V`, `weights_V` |
| sources of a node's RTL | a method | a method | commands for Vivado |
| wrapper of weight memories | a template | a template | Vivado's |
| start of worker processes | `FINN_MP_START_METHOD` | Python's own | Python's own |
| Vivado in the builder's metadata | has to be there | may be missing | may be missing |

This package is the one place that knows; everything else that msq_finn imports has the same name in
all three (``tests/finn_compat`` holds that to a list of upstream's names). finn-plus 1.6.1 is what
every test runs on; ``benchmarks/upstream_finn.py`` runs whole networks on a checkout of upstream.
"""

from __future__ import annotations

import importlib
import os
import sys
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from msq_finn.errors import MissingToolError, MsqError, said_by

#: Ops that add two streams, of all lines.
ADDS = ("ElementwiseAdd", "AddStreams")

#: What brings the FINN that every test runs on.
INSTALL = "pip install finn-plus psutil"


def module(name: str) -> Any | None:
    """A module of FINN or QONNX, None where this line has none of that name.

    Args:
        name: dotted.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        package = name.partition(".")[0]
        if error.name is None or error.name == package or not _within(name, error.name):
            raise
        return None


def _within(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def folder() -> Path | None:
    """Where the FINN is that Python imports, None if there is none; nothing is imported."""
    loaded = sys.modules.get("finn")
    spec = find_spec("finn") if loaded is None else None
    places = loaded.__path__ if loaded else spec.submodule_search_locations if spec else None
    return next(map(Path, places or ()), None)


def version() -> str | None:
    """Name and version, or place, of the FINN that Python imports; None if there is none."""
    found = folder()
    if found is None:
        return None
    try:
        installed = metadata.distribution("finn-plus")
    except metadata.PackageNotFoundError:
        return f"upstream FINN in {found}"
    if Path(str(installed.locate_file("finn"))).resolve() == found.resolve():
        return f"finn-plus {installed.version}"
    return f"upstream FINN in {found}"


def is_upstream() -> bool:
    """Whether it is upstream FINN that Python imports: it has no settings of its own."""
    return module("finn.util.settings") is None


def is_main() -> bool:
    """Whether it is upstream's main line, which simulates its nodes with PyVerilator."""
    return folder() is not None and find_spec("finn.xsi") is None


def missing(error: ImportError) -> MissingToolError:
    """What to tell who has no FINN, or another than msq_finn can use.

    Args:
        error: of an import of FINN's.
    """
    found = version()
    if found is None:
        return MissingToolError(f"no FINN; {INSTALL}")
    if error.name and not _within(error.name, "finn"):
        return MissingToolError(f"{found} needs {error.name}, which is missing ({said_by(error)})")
    return MissingToolError(
        f"{found} lacks what msq_finn needs ({said_by(error)}); use finn-plus 1.6.1, or upstream "
        "FINN's main or dev as of April 2026"
    )


def initialize_settings() -> None:
    """Let FINN's parts run outside its command line.

    Upstream's read ``FINN_ROOT``, which is set here if it is not; its container sets it.

    Raises:
        MsqError: FINN cannot read its settings.
    """
    settings = module("finn.util.settings")
    if settings is None:
        os.environ.setdefault("FINN_ROOT", str(_root()))
        return
    try:
        settings.initialize_dummy_settings()
    except Exception as error:
        raise MsqError(
            f"FINN's settings cannot be read ({said_by(error)}); mend its environment "
            "variables, such as NUM_DEFAULT_WORKERS, and its settings file, which "
            "FINN_SETTINGS names"
        ) from error
    # FINN's Tcl scripts name its folders by these, which only its own command line sets.
    library = rtl_library()
    os.environ["FINN_RTLLIB"] = str(library)
    os.environ["FINN_CUSTOM_HLS"] = str(library.with_name("custom_hls"))


def upstream_engine() -> Path | None:
    """Folder of upstream's own ``finn_xsi``; None for finn-plus, which installs its."""
    if not is_upstream():
        return None
    home = _root() / "finn_xsi"
    return home if (home / "finn_xsi" / "sim_engine.py").is_file() else None


def rtl_library() -> Path:
    """Folder of FINN's RTL library.

    Raises:
        MissingToolError: upstream FINN without one.
    """
    settings = module("finn.util.settings")
    if settings is not None:
        return Path(settings.get_settings().finn_rtllib)
    return _root() / "finn-rtllib"


def _root() -> Path:
    """Folder of upstream FINN's repository, which has its package in ``src``."""
    named, found = os.environ.get("FINN_ROOT"), folder()
    root = Path(named) if named else found.parents[1] if found else None
    if root is None or not (root / "finn-rtllib").is_dir():
        raise MissingToolError(
            f"no finn-rtllib in {root}; set FINN_ROOT to the folder of FINN's repository"
        )
    return root


def check_dependencies() -> None:
    """See whether FINN has fetched what a bitfile is made of.

    Raises:
        MissingToolError: it has not; pip brings none of it.
    """
    settings = module("finn.util.settings")
    if settings is None:
        return  # upstream FINN's docker has it
    folder = Path(settings.get_settings().finn_deps)
    missing = [name for name in ("finn-hlslib", "board_files") if not (folder / name).is_dir()]
    if missing:
        raise MissingToolError(
            f"a bitfile needs FINN's {' and '.join(missing)}, which pip does not bring, in {folder}"
            "; run 'msq-finn finn deps update --batch'"
        )


def report_folder(config: Any) -> Path:
    """The build's folder for reports, made if missing.

    Args:
        config: FINN's ``DataflowBuildConfig``.
    """
    path = Path(config.output_dir) / "report"
    path.mkdir(parents=True, exist_ok=True)
    return path


def configuration(model_path: Path, **options: Any) -> Any:
    """FINN's build configuration, which knows the exported model in every line.

    Args:
        options: of FINN's ``DataflowBuildConfig``.
    """
    config: Any = importlib.import_module("finn.builder.build_dataflow_config")
    result = config.DataflowBuildConfig(**options)
    result.model_path = model_path
    return result


def finish_without_vivado(tool: str) -> None:
    """Let FINN's builder write its metadata at the end of a build without Vivado.

    finn-plus asks for Vivado's folder then, whatever the steps were, and fails behind the last one.

    Args:
        tool: what the metadata is to name in Vivado's place.
    """
    if os.environ.get("XILINX_VIVADO"):
        return
    builder: Any = importlib.import_module("finn.builder.build_dataflow")
    if hasattr(builder, "get_vivado_root"):
        builder.get_vivado_root = lambda: tool
