"""Where FINN's two lines, finn-plus and upstream FINN, are laid out differently.

| what | finn-plus | upstream FINN |
| --- | --- | --- |
| RTL library | `finn.util.settings` | environment variable `FINN_ROOT` |
| settings outside FINN's own command line | have to be initialised | there are none |
| `InferGlobalAccPoolLayer` | in `convert_to_hw.global_acc_pool` | in `convert_to_hw_layers` |
| start method of worker processes | `FINN_MP_START_METHOD`, default `spawn` | Python's own |
| Vivado in the builder's metadata | has to be there | is left out where it is missing |

Everything else that msq_finn imports has the same name in both. finn-plus 1.6.1 is what is tested;
the differences were read off upstream's public sources.
"""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import Any

from msq_finn.errors import MissingToolError, MsqError, said_by


def _module(name: str) -> Any | None:
    """A module of FINN, None where this line of FINN has none of that name."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not name.startswith(error.name) or error.name == "finn":
            raise
        return None


def initialize_settings() -> None:
    """Let FINN's parts run outside its command line.

    Raises:
        MsqError: FINN cannot read its settings.
    """
    settings = _module("finn.util.settings")
    if settings is None:
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


def rtl_library() -> Path:
    """Folder of FINN's RTL library.

    Raises:
        MissingToolError: upstream FINN, and ``FINN_ROOT`` is not set.
    """
    settings = _module("finn.util.settings")
    if settings is not None:
        return Path(settings.get_settings().finn_rtllib)
    root = os.environ.get("FINN_ROOT")
    if not root:
        raise MissingToolError("FINN_ROOT is not set; set it to the folder of FINN's repository")
    return Path(root) / "finn-rtllib"


def check_dependencies() -> None:
    """See whether FINN has fetched what a bitfile is made of.

    Raises:
        MissingToolError: it has not; pip brings none of it.
    """
    settings = _module("finn.util.settings")
    if settings is None:
        return  # upstream FINN's docker has it
    folder = Path(settings.get_settings().finn_deps)
    missing = [name for name in ("finn-hlslib", "board_files") if not (folder / name).is_dir()]
    if missing:
        raise MissingToolError(
            f"a bitfile needs FINN's {' and '.join(missing)}, which pip does not bring, in {folder}"
            "; run 'msq-finn finn deps update --batch'"
        )


def infer_global_acc_pool() -> Any:
    """FINN's transformation of global average pooling, an instance.

    Raises:
        MissingToolError: this FINN has none.
    """
    package = "finn.transformation.fpgadataflow"
    for name in ("convert_to_hw.global_acc_pool", "convert_to_hw_layers"):
        module = _module(f"{package}.{name}")
        if module is not None:
            return module.InferGlobalAccPoolLayer()
    raise MissingToolError(f"this FINN has no InferGlobalAccPoolLayer in {package}")


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
