"""Make FINN usable as a library: settings, build folder, simulator."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from msq_finn.finn_compat import finish_without_vivado, initialize_settings


@contextmanager
def build_dir_restored() -> Iterator[None]:
    """Give FINN's build folder back to whoever had set it, where a block uses one that goes.

    Raises:
        MissingToolError: as `prepare`.
    """
    before = os.environ.get("FINN_BUILD_DIR")
    try:
        yield
    finally:
        if before is not None and before != os.environ.get("FINN_BUILD_DIR"):
            prepare(Path(before))


def prepare(build_dir: Path) -> None:
    """Set FINN up to run outside its own command line, without Vivado.

    Must run before FINN's builder or ops are imported. Calling it again with another folder moves
    FINN's build folder there.

    Args:
        build_dir: where FINN writes generated code; made if missing.

    Raises:
        MissingToolError: FINN is not installed, or neither Vivado nor Verilator is.
    """
    folder = Path(build_dir).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    os.environ["FINN_BUILD_DIR"] = str(folder)
    # Worker processes must inherit what is registered and bound here; FINN's default start method
    # begins them with a fresh interpreter.
    os.environ.setdefault("FINN_MP_START_METHOD", "fork")
    from msq_finn.sim import xsi

    xsi.install()
    initialize_settings()
    finish_without_vivado(xsi.SIMULATOR)
