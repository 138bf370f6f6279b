"""A network on a board: the accelerator, with the operations around it.

``load(".", "../bitfile/finn-accel.bit")``, in the package's folder ``driver``, gives an object
whose ``execute`` takes and gives what the exported model does.
"""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import numpy as np

from .accelerator import Accelerator
from .host import Array, Program
from .package import PackageError, check_package

#: Of FINN's drivers and shells, those that this package has code for.
_DRIVER, _PLATFORM = "FINNDMAOverlay", "zynq-iodma"

#: FINN's clocking wizard, and the clock in MHz that it makes the accelerator's from.
_WIZARD, _WIZARD_INPUT_MHZ = "clk_wiz_0", 100.0


class DeployedNetwork(Accelerator):
    """An accelerator with the operations before and after it.

    Attributes:
        fingerprint: of the build that the package and the bitfile come from.

    Args:
        folder: with the operations, ``before.json`` and ``after.json``.
        fingerprint: of the build.
        arguments: those of :class:`msq_board.accelerator.Accelerator`.
        options: likewise.
    """

    def __init__(self, folder: Path, fingerprint: str, *arguments: Any, **options: Any) -> None:
        self._first, self._last = (
            Program.load(folder / f"{name}.json") for name in ("before", "after")
        )
        self.fingerprint = fingerprint
        super().__init__(*arguments, **options)

    def before(self, images: Any) -> Any:
        """Turn images into what the accelerator reads.

        Args:
            images: [images, ...], of the exported model's input shape behind that axis. Of several
                inputs a list of such arrays in the exported model's order, or a dictionary by its
                names.

        Returns:
            an array, or a list with one for each of several inputs of the accelerator.

        Raises:
            ValueError: there is not one array for each input.
        """
        return self._first(self._arrays(images))

    def after(self, integers: Any) -> Any:
        """Turn what the accelerator gives into the network's outputs.

        Args:
            integers: [images, ...], of the accelerator's output shape behind that axis; a list of
                such arrays where it has several outputs.

        Returns:
            an array, or of several outputs a dictionary by the exported model's names, in its
            order.
        """
        found = self._last(integers)
        return dict(zip(self._last.outputs, found)) if isinstance(found, list) else found

    def execute(self, inputs: Any) -> Any:
        """Run the network on ``batch_size`` images.

        Args:
            inputs: as for `before`.

        Returns:
            as of `after`.

        Raises:
            ValueError: it is given other than ``batch_size`` images, or more or fewer arrays than
                the network has inputs.
            RuntimeError: an output DMA is still busy with an earlier run.
            TimeoutError: the accelerator does not finish in time.
        """
        arrays = [np.asarray(array, dtype=np.float32) for array in self._arrays(inputs)]
        for images in arrays:
            if len(images) != self.batch_size:
                raise ValueError(f"{len(images)} images, but batch_size is {self.batch_size}")
        integers = self.execute_raw(self._first(arrays))
        if isinstance(integers, list):
            return self.after([np.asarray(array, dtype=np.float32) for array in integers])
        return self.after(np.asarray(integers, dtype=np.float32))

    def execute_raw(self, integers: Any) -> Any:
        """Run the accelerator alone, from its input integers to its output integers.

        Args:
            integers: as ``before`` gives them, or in any other shape of as many, in that order.

        Returns:
            of the shape ``oshape_normal()``, or a list with an array of each of several outputs.

        Raises:
            ValueError: there are more or fewer, or some that the accelerator's input cannot be.
            RuntimeError: an output DMA is still busy with an earlier run.
            TimeoutError: the accelerator does not finish in time.
        """
        arrays = integers if isinstance(integers, list) else [integers]
        if len(arrays) != self.num_inputs:
            raise ValueError(f"{len(arrays)} arrays, but the accelerator has {self.num_inputs}")
        return super().execute(
            [np.asarray(a).reshape(self.ishape_normal(i)) for i, a in enumerate(arrays)]
        )

    def _arrays(self, images: Any) -> list[Array]:
        """One array for each input of the network, in order."""
        names = list(self._first.inputs)
        if isinstance(images, dict):
            if set(images) != set(names):
                raise ValueError(f"arrays {', '.join(images)}, but inputs {', '.join(names)}")
            return [images[name] for name in names]
        arrays = list(images) if isinstance(images, list) else [images]
        if len(arrays) != len(names):
            inputs = f"{len(names)} input{'s' if len(names) > 1 else ''}"
            raise ValueError(f"{len(arrays)} arrays, but the network has {inputs}")
        return arrays


def load(
    folder: str | Path,
    bitfile: str | Path,
    *,
    batch_size: int = 1,
    timeout_s: float = 10.0,
    download: bool = True,
) -> DeployedNetwork:
    """Check a package, load the bitfile, and return the network.

    Args:
        folder: the package's ``driver`` folder.
        bitfile: ``finn-accel.bit``, with ``finn-accel.hwh`` beside it.
        batch_size: images per call of ``execute``.
        timeout_s: after so long without an answer, a run ends with TimeoutError.
        download: False where the FPGA has this bitfile already.

    Raises:
        PackageError: see :func:`msq_board.package.check_package`; or the settings are for a driver
            or a shell that this package has no code for; or there is no pynq.
        RuntimeError: weights, or lengths of sequences, could not be written.
        TimeoutError: the run behind writing weights does not finish in time.
    """
    folder, bitfile = Path(folder), Path(bitfile)
    verified = check_package(folder, bitfile)
    content = json.loads((folder / "settings.json").read_text())
    settings = content["driver_information"]
    kind, platform = settings["driver_type"], settings["platform"]
    if (kind, platform) != (_DRIVER, _PLATFORM):
        raise PackageError(
            f"settings.json asks for {kind} on {platform}; this package serves {_DRIVER} on "
            f"{_PLATFORM} only, so use FINN's own driver (finn-plus-driver)"
        )
    if settings.get("external_weights"):
        raise PackageError(
            "settings.json asks for weights in the board's memory, which this package cannot "
            "stream; use FINN's own driver (finn-plus-driver)"
        )
    try:
        from pynq import Overlay, allocate
        from pynq.ps import Clocks
    except ImportError as error:
        raise PackageError(
            f"pynq cannot be imported ({error}); on a PYNQ board, start Python as root in PYNQ's "
            "virtual environment, as the package's README says"
        ) from error
    overlay = Overlay(str(bitfile), download=download)
    clock = _clock(bitfile.with_suffix(".hwh"))
    built = float(settings["fclk_mhz"])
    Clocks.fclk0_mhz = built if clock is None else _WIZARD_INPUT_MHZ
    network = DeployedNetwork(
        folder,
        verified,
        overlay,
        settings["io_shape_dict"],
        allocate,
        batch_size=batch_size,
        timeout_s=timeout_s,
        fclk_mhz=clock or built,
        sequence_length=content.get("sequence_length"),
    )
    if network.lengths is not None:
        # What was written before a bitfile that is there already is none of this program's.
        network.sequence_length = network.lengths.longest
    written = network.load_runtime_weights(folder / "runtime_weights")
    if settings.get("runtime_weights") and not written:
        raise PackageError(
            f"{folder / 'runtime_weights'} holds no weights, and the accelerator has none before "
            "they are written; copy the whole deployment package"
        )
    return network


def _clock(description: Path) -> float | None:
    """Frequency in MHz that FINN's clocking wizard makes, None if the bitfile has no wizard."""
    try:
        modules = ElementTree.parse(str(description)).getroot().iter("MODULE")
        wizard = next(m for m in modules if m.get("INSTANCE") == _WIZARD)
    except (ElementTree.ParseError, StopIteration):
        return None
    found = {p.get("NAME"): p.get("VALUE") for p in wizard.iter("PARAMETER")}
    for name in ("CLKOUT1_OUT_FREQ", "CLKOUT1_REQUESTED_OUT_FREQ"):
        value = found.get(name)
        if value:
            return float(value)
    return None
