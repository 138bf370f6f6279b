"""The deployment package: what is copied to a PYNQ board."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from finn.util.data_packing import finnpy_to_packed_bytearray
from qonnx.custom_op.registry import getCustomOp

from msq_finn.build.board import package
from msq_finn.build.board.host import Program
from msq_finn.build.differences import differ
from msq_finn.build.end_ports import input_ports, output_ports
from msq_finn.build.guide import Input, Signature, notebook, readme
from msq_finn.build.host_program import called, check_before, programs
from msq_finn.build.kernels import runtime_kernels
from msq_finn.build.report_files import REFERENCE, SIMULATION, load_ends, save_ends
from msq_finn.build.resume import digest
from msq_finn.build.run_time import LENGTHS, contents, longest_sequence, writes
from msq_finn.doctor import tool_versions
from msq_finn.errors import MsqError
from msq_finn.files import write
from msq_finn.finn_compat import report_folder
from msq_finn.lowering import ends
from msq_finn.lowering.ends import end_names
from msq_finn.lowering.host_side import Host
from msq_finn.lowering.lower import Lowered

#: The board's copy of :mod:`msq_finn.build.board`.
_BOARD_PACKAGE = "msq_board"

#: Reference images in the package, and so the buffers that validating takes on the board.
_REFERENCES = 16


def deploy(lowered: Lowered) -> Path:
    """Write the package into FINN's ``deploy`` folder.

    It holds ``driver`` (FINN's ``settings.json``, runtime weights, the host's operations, reference
    images, the code that runs them, a manifest), ``bitfile`` where FINN has built one, a notebook,
    and a README that says what goes in and comes out, what to type, and what was verified where.

    Args:
        lowered: the network, simulated.

    Returns:
        the package's folder.

    Raises:
        MsqError: the host would have to run an unknown operation, or the program for the board
            does not compute what the exported model does.
    """
    folder = lowered.folder / "deploy"
    if folder.exists():
        shutil.rmtree(folder)
    driver = folder / "driver"
    driver.mkdir(parents=True)
    settings = _settings(lowered)
    shutil.copytree(
        Path(package.__file__).parent,
        driver / _BOARD_PACKAGE,
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    kernels = runtime_kernels(lowered.model, lowered.config.board)
    runtime = _write_runtime_weights(lowered, kernels, driver)
    settings["driver_information"]["runtime_weights"] = runtime
    if (longest := longest_sequence(lowered.model)) is not None:
        settings["sequence_length"] = {"longest": longest, "kernels": _layers(lowered, kernels)}
    for name, program in zip(("before", "after"), _programs(lowered), strict=True):
        program.save(driver / f"{name}.json")
    signature = _write_reference(lowered, driver)
    bitfile = _copy_bitfile(lowered.folder / "bitfile", folder / "bitfile")
    write(driver / "settings.json", json.dumps(settings, indent=2) + "\n")
    manifest = _manifest(lowered, driver, bitfile)
    write(driver / package.MANIFEST, json.dumps(manifest, indent=2) + "\n")
    simulated = json.loads((report_folder(lowered.config) / SIMULATION).read_text())
    write(folder / "README.md", readme(manifest, simulated, signature, longest))
    write(folder / "board.ipynb", notebook(manifest, signature))
    return folder


def _settings(lowered: Lowered) -> dict[str, Any]:
    """FINN's own driver settings where its build made them, else the same from the graph."""
    made = lowered.folder / "driver" / "settings.json"
    if made.exists():
        return dict(json.loads(made.read_text()))
    model, config = lowered.model, lowered.config
    shapes: dict[str, Any] = {}
    for side, infos, ports in (
        ("i", model.graph.input, input_ports(model)),
        ("o", model.graph.output, output_ports(model)),
    ):
        kinds = [model.get_tensor_datatype(info.name) for info in infos]
        folded = [port.folded for port in ports]
        shapes |= {
            f"{side}dt": [f"DataType['{kind.name}']" for kind in kinds],
            # FINN's Zynq flow names its DMAs so.
            f"{side}dma_names": [f"{side}dma{number}" for number in range(len(ports))],
            f"{side}shape_normal": [list(model.get_tensor_shape(info.name)) for info in infos],
            f"{side}shape_folded": [list(shape) for shape in folded],
            f"{side}shape_packed": [
                list(finnpy_to_packed_bytearray(np.zeros(shape, dtype=np.float32), kind).shape)
                for shape, kind in zip(folded, kinds, strict=True)
            ],
        }
    shapes |= {"num_inputs": len(model.graph.input), "num_outputs": len(model.graph.output)}
    shapes |= {"number_of_external_weights": 0, "external_weights_input_shapes": {}}
    return {
        "driver_information": {
            "driver_type": "FINNDMAOverlay",
            "io_shape_dict": shapes,
            "external_weights": False,
            "platform": config._resolve_driver_platform(),
            "fclk_mhz": 1e3 / config.synth_clk_period_ns,
        },
        "experiment_information": {},
    }


def _write_runtime_weights(lowered: Lowered, kernels: Mapping[str, int], driver: Path) -> bool:
    """Write files of what the processor writes into memories, for the driver."""
    folder = driver / "runtime_weights"
    for name, words in contents(lowered.model).items():
        folder.mkdir(exist_ok=True)
        lines = "".join(f"{word:08x}\n" for word in words)
        write(folder / f"{kernels[name]}_0_{name}.dat", lines)
    return folder.exists()


def _layers(lowered: Lowered, kernels: Mapping[str, int]) -> list[int]:
    """Kernels of the layers whose sequences' length is written."""
    nodes = {name: lowered.model.get_node_from_name(name) for name in kernels}
    return [kernels[name] for name, node in nodes.items() if writes(getCustomOp(node), LENGTHS)]


def _write_reference(lowered: Lowered, driver: Path) -> Signature:
    """Write reference images, after running the board's program on them here.

    Returns:
        what goes in and comes out, these images among it.

    Raises:
        MsqError: nothing was simulated, or the program computes something else than the graph.
    """
    simulated = lowered.folder / REFERENCE
    if not simulated.exists():
        raise MsqError("nothing was simulated; build --until simulate first")
    images, inputs, raw, outputs = (
        ends.image(load_ends(simulated, name), slice(_REFERENCES))
        for name in ("images", "accelerator_inputs", "accelerator_outputs", "outputs")
    )
    host = Host(lowered.parent)
    before, after = _programs(lowered)
    shapes = [host.model.get_tensor_shape(name)[1:] for name in host.accelerator_outputs]
    given = ends.together(
        array.reshape(-1, *shape).astype(np.float32)
        for array, shape in zip(ends.each(raw), shapes, strict=True)
    )
    step = host.output_step()
    check_before(before, images, inputs)
    if differ(called(after, given), outputs, step).any():
        raise MsqError("the board's program does not give the exported model's outputs")
    save_ends(driver / "reference.npz", images=images, outputs=outputs, raw=raw, step=step)
    names, labels = end_names(lowered.source)
    thresholds = map(host.thresholds, host.inputs)
    return Signature(
        inputs=[Input(*of) for of in zip(names, ends.each(images), thresholds, strict=True)],
        outputs=dict(zip(labels, ends.each(outputs), strict=True)),
        before=[node.op_type for node in host.nodes_before],
        after=[node.op_type for node in host.nodes_after],
    )


def _programs(lowered: Lowered) -> tuple[Program, Program]:
    return programs(Host(lowered.parent), end_names(lowered.source))


def _copy_bitfile(built: Path, target: Path) -> dict[str, str] | None:
    """Copy what FINN built; digests of the bitfile and its description, None if there is none."""
    files = [built / f"finn-accel{suffix}" for suffix in (".bit", ".hwh")]
    if not all(file.exists() for file in files):
        return None
    shutil.copytree(built, target)
    return {file.suffix: package.digest(file) for file in files}


def _manifest(lowered: Lowered, driver: Path, bitfile: dict[str, str] | None) -> dict[str, Any]:
    files = {
        str(path.relative_to(driver)): package.digest(path)
        for path in sorted(driver.rglob("*"))
        if path.is_file()
    }
    content = {
        "model": digest(lowered.source.read_bytes()),
        "board": lowered.config.board,
        "clk_ns": lowered.config.synth_clk_period_ns,
        "versions": tool_versions(),
        "files": files,
        "bitfile": bitfile,
    }
    return {"fingerprint": package.fingerprint(content), **content}
