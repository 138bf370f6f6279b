"""A network on a board: FINN's driver, with the operations around the accelerator.

``load(".", "../bitfile/finn-accel.bit")``, in the package's folder ``driver``, gives FINN's driver
object, whose ``execute`` takes and gives what the exported model does.
"""

from __future__ import annotations

import hashlib
import json
import time
from pathlib import Path
from typing import Any

import numpy as np

from .host import Array, Program

MANIFEST = "manifest.json"

#: Folders of the package of which the driver, or Python, loads whatever lies there.
_LOADED = ("runtime_weights", "msq_board")

#: Of finn-plus-driver's classes and platforms, those whose waiting has an end here.
_DRIVER, _PLATFORM = "FINNDMAOverlay", "zynq-iodma"


class PackageError(Exception):
    """The package on the board is not the one that was built, or does not fit the bitfile."""


def digest(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal.

    Args:
        path: the file.
    """
    return hashlib.sha256(path.read_bytes()).hexdigest()


def fingerprint(content: dict[str, Any]) -> str:
    """Return the SHA-256 of what a manifest records, in hexadecimal.

    Args:
        content: the manifest without its fingerprint.
    """
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def check_package(folder: Path, bitfile: Path) -> str:
    """Compare a package with what its build recorded.

    Args:
        folder: the package's ``driver`` folder.
        bitfile: the bitfile to be loaded.

    Returns:
        the build's fingerprint.

    Raises:
        PackageError: a file is missing, differs or is none of the build's, or the bitfile is not
            that of this build.
    """
    content = _read_manifest(folder / MANIFEST)
    for name, expected in content["files"].items():
        path = folder / name
        if not path.is_file():
            raise PackageError(f"{path} is missing; copy the whole deployment package")
        if digest(path) != expected:
            raise PackageError(f"{path} is not the file that was built; copy the package again")
    for path in (path for name in _LOADED for path in sorted((folder / name).rglob("*"))):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and "__pycache__" not in path.parts and name not in content["files"]:
            raise PackageError(f"{path} is no file of this build; remove it")
    if content["bitfile"] is None:
        raise PackageError(
            f"the package in {folder.resolve()} was built without a bitfile, so none can be "
            "checked; build it where Vivado is, with --start bitfile --until deploy"
        )
    for suffix, expected in content["bitfile"].items():
        path = bitfile.with_suffix(suffix)
        if not path.is_file():
            raise PackageError(f"{path}: no such file; a bitfile has its .hwh beside it")
        if digest(path) != expected:
            raise PackageError(f"{path} belongs to another build than {folder.resolve()}")
    return fingerprint(content)


def _read_manifest(path: Path) -> dict[str, Any]:
    """Read what a manifest records, which its own fingerprint has to say too."""
    try:
        content = dict(json.loads(path.read_text()))
        written = content.pop("fingerprint")
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise PackageError(f"{path} is no manifest; copy the whole deployment package") from error
    if fingerprint(content) != written:
        raise PackageError(
            f"{path} was changed: its fingerprint is not that of its contents; "
            "copy the package again"
        )
    return content


def load(
    folder: str | Path,
    bitfile: str | Path,
    *,
    batch_size: int = 1,
    timeout_s: float = 10.0,
    **options: Any,
) -> Any:
    """Check a package, flash the bitfile, and return the accelerator.

    Args:
        folder: the package's ``driver`` folder.
        bitfile: ``finn-accel.bit``, with ``finn-accel.hwh`` beside it.
        batch_size: images per call of ``execute``.
        timeout_s: after so long without an answer, a run ends with TimeoutError.
        options: further ones of FINN's driver, such as ``device``.

    Returns:
        FINN's driver object, whose ``execute`` takes and gives what the exported model does, and
        whose ``execute_raw`` takes and gives the accelerator's integers.

    Raises:
        PackageError: see :func:`check_package`; or the settings are for a driver whose waiting
            would not end.
    """
    from finn_plus_driver import get_driver_class

    folder, bitfile = Path(folder), Path(bitfile)
    verified = check_package(folder, bitfile)
    settings = json.loads((folder / "settings.json").read_text())["driver_information"]
    settings = {
        "runtime_weight_dir": str(folder / "runtime_weights"),
        **settings,
        "batch_size": batch_size,
        **options,
    }
    kind, platform = settings["driver_type"], settings["platform"]
    if (kind, platform) != (_DRIVER, _PLATFORM):
        raise PackageError(
            f"settings.json asks for {kind} on {platform}; this package serves {_DRIVER} on "
            f"{_PLATFORM} only, so use finn-plus-driver itself"
        )
    overlay = overlay_class(get_driver_class(kind), folder, timeout_s)
    accelerator = overlay(str(bitfile), **settings)
    accelerator.fingerprint = verified
    return accelerator


def overlay_class(base: type, folder: Path, limit_s: float) -> type:
    """FINN's driver class with the host's operations, and with an end to waiting.

    Args:
        base: finn-plus-driver's class.
        folder: with the host's operations.
        limit_s: longest time to wait for the accelerator, in seconds.

    Returns:
        a subclass of ``base``.

    Raises:
        ValueError: its ``execute`` is given other than ``batch_size`` images.
        TimeoutError: the accelerator does not finish in time.
    """
    first, last = (Program.load(folder / f"{name}.json") for name in ("before", "after"))

    class MSQOverlay(base):
        timeout_s = limit_s

        def before(self, images: Array) -> Array:
            """Turn images into what the accelerator reads."""
            return first(images)

        def after(self, integers: Array) -> Array:
            """Turn what the accelerator gives into the network's outputs."""
            return last(integers)

        def execute(self, images: Array) -> Array:
            """Run the network on ``batch_size`` images, [images, ...] as the exported model's."""
            images = np.asarray(images, dtype=np.float32)
            if len(images) != self.batch_size:
                raise ValueError(f"{len(images)} images, but batch_size is {self.batch_size}")
            integers = self.execute_raw(self.before(images))
            return self.after(np.asarray(integers, dtype=np.float32))

        def execute_raw(self, integers: Array) -> Array:
            """Run the accelerator alone, from its input integers to its output integers."""
            result: Array = super().execute(integers.reshape(self.ishape_normal()))
            return result

        def wait_until_finished(self) -> None:
            """Wait for the output DMAs, but not for ever."""
            end = time.monotonic() + self.timeout_s
            for index, dma in enumerate(self.odma):
                while dma.read(0x00) & 0x2 == 0:
                    if time.monotonic() > end:
                        raise TimeoutError(
                            f"output DMA {index} did not finish {self.batch_size} images in "
                            f"{self.timeout_s} s; load the overlay again"
                        )

    return MSQOverlay
