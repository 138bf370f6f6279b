"""The demo's package in Python for armv7l and aarch64, under QEMU, driving the Verilator model.

`make board-test` gets what it needs, Debian's Python and NumPy for both. The emulated processor
runs the package's own `validate` on a fake of PYNQ, whose DMAs send their bytes to the process of
the test here; those go into the stitched RTL as they are, and what it gives goes back.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import threading
from pathlib import Path

import numpy as np
import pytest

from msq_finn import demo
from msq_finn.build.deploy import deploy
from msq_finn.build.host_program import programs
from msq_finn.build.stitch import stitch
from msq_finn.build.stitched import TOP
from msq_finn.lowering.lower import Target, configure, lowered_of
from msq_finn.sim import axi_streams

from ..build.test_host_program import CASES, INEXACT, host_of, numbers
from . import fake_pynq
from .test_packing import FLOATS, INTEGERS, OTHERS, values_of

ROOTS = Path(os.environ.get("MSQ_BOARD_ROOTS", "build/board-roots")).absolute()

#: Per architecture of Debian: QEMU's program, folder of libraries, machine, bits of integers.
BOARDS = {
    "armhf": ("qemu-arm-static", "arm-linux-gnueabihf", "armv7l", 32),
    "arm64": ("qemu-aarch64-static", "aarch64-linux-gnu", "aarch64", 64),
}

pytestmark = pytest.mark.slow


def emulated(architecture):
    """The command that starts a board's Python, or a skip that says what is missing."""
    qemu, libraries, *_ = BOARDS[architecture]
    root = ROOTS / architecture
    if shutil.which(qemu) is None or not (root / "usr/bin/python3").exists():
        pytest.skip(f"no {qemu} or no Debian for {architecture} in {ROOTS}: make board-test")
    paths = ":".join(str(root / "usr/lib" / libraries / name) for name in ("blas", "lapack"))
    return [qemu, "-L", root, "-E", f"LD_LIBRARY_PATH={paths}", root / "usr/bin/python3", "-B"]


@pytest.fixture(scope="module")
def lowered(tmp_path_factory):
    """The demo's network, simulated, with files in the place of a bitfile."""
    from qonnx.core.modelwrapper import ModelWrapper

    for architecture in BOARDS:
        emulated(architecture)
    out = tmp_path_factory.mktemp("demo")
    (work := out / "build").mkdir()
    assert demo.run(out, work, until="simulate").rtl_mismatches == 0
    (work / "bitfile").mkdir()
    for suffix in ("bit", "hwh"):
        (work / "bitfile" / f"finn-accel.{suffix}").write_bytes(b"not really")
    target = Target("Pynq-Z1", target_fps=demo.TARGET_FPS)
    model = ModelWrapper(str(work / "dataflow.onnx"))
    return lowered_of(model, configure(work / "model.onnx", target, work))


@pytest.fixture(scope="module")
def folder(lowered, tmp_path_factory):
    """What is copied to a board: the package, and cases of which the results are known."""
    folder = tmp_path_factory.mktemp("board")
    shutil.copytree(deploy(lowered), folder / "deploy")
    write_packing(folder / "packing.npz")
    write_operations(folder / "operations")
    return folder


def write_packing(path):
    """Values of every type, and FINN's bytes for them."""
    from finn.util.data_packing import finnpy_to_packed_bytearray
    from qonnx.core.datatype import DataType

    cases = {"names": []}
    for name in (*INTEGERS, *OTHERS, *FLOATS):
        for elements in (1, 3, 8):
            values = values_of(name, (2, 3, elements))
            words = finnpy_to_packed_bytearray(
                values, DataType[name], reverse_inner=True, reverse_endian=True
            )
            label = f"{name} {elements}"
            cases["names"].append(label)
            cases |= {f"{label} values": values, f"{label} words": words}
    np.savez(path, **cases)


def write_operations(folder):
    """The processor's operations, and what QONNX computes."""
    from qonnx.core.onnx_exec import execute_onnx
    from qonnx.transformation.infer_shapes import InferShapes

    folder.mkdir()
    for index, case in enumerate(CASES):
        host = host_of(*case)
        host.model = host.model.transform(InferShapes())
        path = folder / f"{index}_{case[0]}.json"
        programs(host)[1].save(path)
        given = np.round(8 * numbers(*case[1], scale=3)) / 8
        expected = execute_onnx(host.model, {"data": given})["result"]
        with path.with_suffix(".values").open("wb") as file:
            tolerance = 2e-5 if case[0] in INEXACT else 0.0
            np.savez(file, given=given, expected=expected, tolerance=tolerance)


class Server(threading.Thread):
    """The stitched RTL in Verilator, at a socket: bytes of the input DMA to the output DMA's."""

    def __init__(self, lowered, path, spoil=False):
        super().__init__(daemon=True)
        self.lowered, self.spoil, self.frames = lowered, spoil, 0
        self.design = stitch(lowered.model, lowered.folder)
        settings = json.loads((lowered.folder / "deploy/driver/settings.json").read_text())
        self.shape = settings["driver_information"]["io_shape_dict"]["oshape_packed"][0][1:]
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen()

    def run(self):
        connection, _ = self.listener.accept()
        with connection:
            while (given := fake_pynq.receive(connection)) is not None:
                fake_pynq.send(connection, self.simulated(given))

    def simulated(self, given):
        words = len(given) * int(np.prod(self.shape[:-1]))
        result = axi_streams.simulate(
            TOP,
            self.design.sources,
            {"in0_V": given.reshape(-1, given.shape[-1])},
            {"out0_V": words},
        )
        self.frames += len(given)
        out = result.outputs["out0_V"].reshape(len(given), *self.shape).copy()
        if self.spoil:
            out.flat[0] ^= 1
        return out


def run(architecture, folder, *arguments):
    script = Path(__file__).with_name("on_board.py")
    command = [*emulated(architecture), script, folder, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=500)


@pytest.mark.parametrize("architecture", BOARDS)
def test_the_demos_package_validates(architecture, lowered, folder, tmp_path):
    server = Server(lowered, tmp_path / "rtl")
    server.start()
    done = run(architecture, folder, tmp_path / "rtl")
    assert done.returncode == 0, done.stdout + done.stderr
    checks, validated = done.stdout.split("\n", 1)
    found = json.loads(checks)
    _, _, machine, bits = BOARDS[architecture]
    assert (found["machine"], found["default_integer_bits"]) == (machine, bits)
    assert (found["packing_cases"], found["packing_mismatches"]) == (
        3 * len([*INTEGERS, *OTHERS, *FLOATS]),
        0,
    )
    assert (found["operations"], found["operations_that_differ"]) == (len(CASES), [])
    result = json.loads(validated)
    manifest = json.loads((folder / "deploy/driver/manifest.json").read_text())
    assert result["fingerprint"] == manifest["fingerprint"]
    assert (result["images"], result["mismatches"], result["raw_mismatches"]) == (16, 0, 0)
    assert result["throughput_test"]["batch_size"] == 4
    # The RTL computed all of it: twice the reference images, and the test of throughput.
    assert server.frames == 2 * 16 + 4


@pytest.mark.parametrize("architecture", BOARDS)
def test_a_wrong_bit_of_the_rtl_is_seen(architecture, lowered, folder, tmp_path):
    server = Server(lowered, tmp_path / "rtl", spoil=True)
    server.start()
    done = run(architecture, folder, tmp_path / "rtl")
    assert done.returncode == 1, done.stdout + done.stderr
    assert json.loads(done.stdout.split("\n", 1)[1])["raw_mismatches"] == 1
