"""The deployment package of a simulated network, by its own code, on a fake of PYNQ.

What the code sends has to be what the RTL read in the simulation; what the RTL gave goes back, and
has to come out as the exported model's outputs.
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from msq_finn.build.deploy import deploy
from msq_finn.build.differences import differ
from msq_finn.build.end_ports import input_ports, output_ports
from msq_finn.build.report_files import REFERENCE, SIMULATION, save_ends
from msq_finn.build.simulate import Simulation
from msq_finn.finn_compat import report_folder
from msq_finn.lowering.ends import Ends, each, frames, together
from msq_finn.lowering.host_side import Host
from msq_finn.lowering.lower import Lowered

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.board import fake_pynq


def mismatches(lowered: Lowered, images: Ends, found: Simulation, reference: Ends) -> int:
    """Images for which the package is not the exported model, from input array to output array.

    Args:
        lowered: the network.
        images: that were simulated.
        found: by the simulation.
        reference: outputs of the exported model.
    """
    count, sent = frames(images), []
    ports = input_ports(lowered.model), output_ports(lowered.model)

    def compute(given: list[Any]) -> list[Any]:
        for words, port in zip(given, ports[0], strict=True):
            bits, signed = port.kind.bitwidth(), port.kind.signed()
            sent.append(fake_pynq.unpacked(words, bits, signed, port.elements))
        packed = []
        for values, port in zip(each(found.raw), ports[1], strict=True):
            bits = port.kind.bitwidth()
            size = -(-port.elements * bits // 8)
            packed.append(fake_pynq.packed(values.reshape(count, *port.folded[1:]), bits, size))
        return packed

    names = [
        [f"{side}dma{number}" for number in range(len(of))]
        for side, of in zip("io", ports, strict=True)
    ]
    network = _loaded(lowered, images, found, reference, fake_pynq.Board(compute, *names))
    network.batch_size = count
    outputs = network.execute([*each(images)])
    given = outputs.values() if isinstance(outputs, dict) else [outputs]
    wrong = differ(together(given), reference, Host(lowered.parent).output_step())
    for values, expected in zip(sent, each(found.inputs), strict=True):
        wrong |= (values.reshape(count, -1) != expected.reshape(count, -1)).any(axis=1)
    return int(np.sum(wrong))


def _loaded(
    lowered: Lowered, images: Ends, found: Simulation, reference: Ends, board: fake_pynq.Board
) -> Any:
    """The network of a package that is made here, with its own copy of the board's code."""
    save_ends(
        lowered.folder / REFERENCE,
        images=images,
        accelerator_inputs=found.inputs,
        accelerator_outputs=found.raw,
        outputs=reference,
    )
    figures = {"images_simulated": frames(images)}
    (report_folder(lowered.config) / SIMULATION).write_text(json.dumps(figures))
    (bitfile := lowered.folder / "bitfile").mkdir()
    for suffix in ("bit", "hwh"):
        (bitfile / f"finn-accel.{suffix}").write_bytes(b"none")
    package = deploy(lowered)
    for name in [name for name in sys.modules if name.partition(".")[0] == "msq_board"]:
        del sys.modules[name]
    board.install()
    sys.path.insert(0, str(package / "driver"))
    try:
        load = importlib.import_module("msq_board.overlay").load
        return load(package / "driver", package / "bitfile" / "finn-accel.bit")
    finally:
        del sys.path[0]
