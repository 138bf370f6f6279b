"""The deployment package: the board's code as copied, on a fake of PYNQ."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from qonnx.core.onnx_exec import execute_onnx

from msq_finn.build.report_files import REFERENCE
from msq_finn.build.run import build
from msq_finn.lowering.host_side import Host
from msq_finn.lowering.lower import Target, lowered_of

from ..board import fake_pynq
from .networks import exported, mixed_to_the_end

IMAGES = 5


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """A simulated network and its package, with a bitfile that FINN might have built."""
    from qonnx.core.modelwrapper import ModelWrapper

    from msq_finn.build.deploy import deploy
    from msq_finn.lowering.lower import configure

    folder = tmp_path_factory.mktemp("deploy")
    source = exported(mixed_to_the_end(), folder / "model.onnx", (1, 2, 4, 4))
    images = np.random.default_rng(3).random((IMAGES, 2, 4, 4), dtype=np.float32)
    target, work = Target("Pynq-Z1", target_fps=300_000), folder / "work"
    work.mkdir()
    summary = build(source, target, folder, work, images, until="simulate")
    assert summary.rtl_mismatches == 0
    model = ModelWrapper(str(work / "dataflow.onnx"))
    (work / "bitfile").mkdir()
    for suffix in ("bit", "hwh"):
        (work / "bitfile" / f"finn-accel.{suffix}").write_bytes(b"not really")
    lowered = lowered_of(model, configure(source, target, work))
    return lowered, deploy(lowered)


@pytest.fixture
def copied(package, tmp_path, monkeypatch):
    """A copy, as on a board, its code importable as ``msq_board``."""
    folder = tmp_path / "deploy"
    shutil.copytree(package[1], folder)
    monkeypatch.syspath_prepend(str(folder / "driver"))
    for name in [name for name in sys.modules if name.startswith("msq_board")]:
        monkeypatch.delitem(sys.modules, name)
    return folder


def accelerator_of(lowered, spoil=None):
    """From packed input bytes to packed output bytes, by executing the dataflow graph."""
    from finn.transformation.fpgadataflow.set_exec_mode import SetExecMode
    from qonnx.custom_op.registry import getCustomOp

    model = lowered.model.transform(SetExecMode("cppsim"))  # RTL nodes compute in Python
    source, result = model.graph.input[0].name, model.graph.output[0].name
    first, last = (
        getCustomOp(model.find_consumer(source)),
        getCustomOp(model.find_producer(result)),
    )
    in_type, out_type = model.get_tensor_datatype(source), model.get_tensor_datatype(result)

    def compute(given):
        (packed,) = given
        elements = first.get_folded_input_shape()[-1]
        frames = fake_pynq.unpacked(packed, in_type.bitwidth(), in_type.signed(), elements)
        outputs = []
        for frame in frames:
            value = frame.reshape(model.get_tensor_shape(source)).astype(np.float32)
            outputs.append(execute_onnx(model, {source: value})[result])
        values = np.concatenate(outputs).astype(np.int64)
        if spoil:
            spoil(values)
        folded = values.reshape(len(frames), *last.get_folded_output_shape()[1:])
        size = -(-folded.shape[-1] * out_type.bitwidth() // 8)
        return [fake_pynq.packed(folded, out_type.bitwidth(), size)]

    return compute


def install(monkeypatch, compute):
    board = fake_pynq.Board(compute)
    for name, module in board.modules().items():
        monkeypatch.setitem(sys.modules, name, module)
    return board


def loaded(folder, **options):
    from msq_board.overlay import load

    return load(folder / "driver", folder / "bitfile" / "finn-accel.bit", **options)


def test_the_network_runs_on_the_boards_code(package, copied, monkeypatch):
    lowered, _ = package
    install(monkeypatch, accelerator_of(lowered))
    accelerator = loaded(copied, batch_size=IMAGES)
    reference = np.load(lowered.folder / REFERENCE)
    outputs = accelerator.execute(reference["images"])
    # Outputs are in the exported model's order although the last layer's rows were reordered.
    (order,) = json.loads(lowered.model.get_metadata_prop("msq_output_order")).values()
    assert order != sorted(order)
    step = Host(lowered.parent).output_step()
    assert step.size == 6 and np.ptp(reference["outputs"]) > 10 * step.max()
    assert (np.abs(outputs - reference["outputs"]) < step / 2).all()
    np.testing.assert_array_equal(
        accelerator.execute_raw(reference["accelerator_inputs"]).reshape(IMAGES, -1),
        reference["accelerator_outputs"].reshape(IMAGES, -1),
    )
    np.testing.assert_array_equal(accelerator.execute([reference["images"]]), outputs)
    with pytest.raises(ValueError, match="2 images, but batch_size is 5"):
        accelerator.execute(reference["images"][:2])
    with pytest.raises(ValueError, match="2 arrays, but the network has 1 input"):
        accelerator.execute([reference["images"]] * 2)


def test_throughput_keys_are_finns(package, copied, monkeypatch):
    install(monkeypatch, accelerator_of(package[0]))
    accelerator = loaded(copied)
    accelerator.batch_size = 3
    figures = accelerator.throughput_test()
    copies = {f"copy_{name}_device[ms]" for name in ("input_data_to", "output_data_from")}
    assert set(figures) == copies | {
        *("runtime[ms]", "throughput[images/s]", "fclk[mhz]", "batch_size"),
        *("DRAM_in_bandwidth[MB/s]", "DRAM_out_bandwidth[MB/s]"),
        *("fold_input[ms]", "pack_input[ms]", "unpack_output[ms]", "unfold_output[ms]"),
    }
    assert figures["batch_size"] == 3


def test_validation_tells_right_from_wrong(package, copied, monkeypatch):
    from msq_board.validate import validate

    for spoil, wrong in ((None, 0), (lambda values: values.__setitem__((2, 0), 99), 1)):
        install(monkeypatch, accelerator_of(package[0], spoil))
        found = validate(loaded(copied), copied / "driver" / "reference.npz")
        assert (found["images"], found["mismatches"], found["raw_mismatches"]) == (
            IMAGES,
            wrong,
            wrong,
        )


def test_a_silent_accelerator_times_out(package, copied, monkeypatch):
    install(monkeypatch, None)
    runs = (
        lambda accelerator: accelerator.execute(np.zeros((1, 2, 4, 4))),
        lambda accelerator: accelerator.execute_raw(np.zeros((1, 4, 4, 2))),
        lambda accelerator: accelerator.throughput_test(),
    )
    for run in runs:
        accelerator = loaded(copied, timeout_s=0.05)
        with pytest.raises(
            TimeoutError, match=r"output DMA odma0 did not finish 1 images in 0.05 s"
        ):
            run(accelerator)


@pytest.mark.parametrize("name", ["before.npz", "settings.json", "msq_board/host.py"])
def test_changed_files_are_refused(copied, monkeypatch, name):
    from msq_board.package import PackageError

    install(monkeypatch, None)
    path = copied / "driver" / name
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(PackageError, match=f"{path.name} is not the file that was built"):
        loaded(copied)
    path.unlink()
    with pytest.raises(PackageError, match=f"{path.name} is missing"):
        loaded(copied)


def test_a_lost_manifest_is_refused(copied, monkeypatch):
    from msq_board.package import PackageError

    install(monkeypatch, None)
    path = copied / "driver" / "manifest.json"
    for text in ("{", "[]", "{}"):
        path.write_text(text)
        with pytest.raises(PackageError, match=r"manifest.json is no manifest; copy the whole"):
            loaded(copied)
    path.unlink()
    with pytest.raises(PackageError, match=r"manifest.json is no manifest; copy the whole"):
        loaded(copied)


@pytest.mark.parametrize("key", ["model", "board", "files", "bitfile", "fingerprint"])
def test_a_forged_manifest_is_refused(copied, monkeypatch, key):
    """One that names other files, or none, and says the rest as it was."""
    from msq_board.package import PackageError

    install(monkeypatch, None)
    path = copied / "driver" / "manifest.json"
    manifest = json.loads(path.read_text())
    path.write_text(json.dumps(manifest | {key: {} if key == "files" else None}))
    with pytest.raises(PackageError, match=r"manifest.json was changed: its fingerprint is not"):
        loaded(copied)


@pytest.mark.parametrize("name", ["runtime_weights/1_0_other.dat", "msq_board/numpy.py"])
def test_a_file_that_was_not_built_is_refused(copied, monkeypatch, name):
    from msq_board.package import PackageError

    install(monkeypatch, None)
    path = copied / "driver" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("0\n")
    with pytest.raises(PackageError, match=f"{path.name} is no file of this build; remove it"):
        loaded(copied)


def test_files_of_the_user_beside_the_package_are_not(package, copied, monkeypatch):
    """What nothing loads, and what Python leaves."""
    install(monkeypatch, accelerator_of(package[0]))
    (copied / "driver" / "mine.py").write_text("")
    (copied / "driver" / "msq_board" / "__pycache__").mkdir(exist_ok=True)
    (copied / "driver" / "msq_board" / "__pycache__" / "host.pyc").write_text("")
    manifest = json.loads((copied / "driver" / "manifest.json").read_text())
    assert loaded(copied).fingerprint == manifest["fingerprint"]


@pytest.mark.parametrize("suffix", ["bit", "hwh"])
def test_another_builds_bitfile_is_refused(copied, monkeypatch, suffix):
    from msq_board.package import PackageError

    install(monkeypatch, None)
    path = copied / "bitfile" / f"finn-accel.{suffix}"
    path.write_bytes(b"another")
    with pytest.raises(PackageError, match=f"finn-accel.{suffix} belongs to another build than"):
        loaded(copied)
    path.unlink()
    with pytest.raises(PackageError, match=f"finn-accel.{suffix}: no such file"):
        loaded(copied)


def test_a_bitfile_for_a_package_that_was_built_without_is_refused(package, tmp_path, monkeypatch):
    from msq_finn.build.board.package import PackageError, check_package
    from msq_finn.build.deploy import deploy

    lowered, _ = package
    without = replace(lowered, folder=tmp_path / "work")
    shutil.copytree(lowered.folder, without.folder)
    shutil.rmtree(without.folder / "bitfile")
    folder = deploy(without)
    (bitfile := tmp_path / "finn-accel.bit").write_bytes(b"not really")
    with pytest.raises(PackageError, match="was built without a bitfile, so none can be checked"):
        check_package(folder / "driver", bitfile)
    assert "There is no bitfile in this package" in (folder / "README.md").read_text()


def rewritten(folder, **changes):
    """Change the package's settings, and have its manifest say so."""
    from msq_board import package

    path = folder / "driver" / "settings.json"
    settings = json.loads(path.read_text())
    settings["driver_information"].update(changes)
    path.write_text(json.dumps(settings))
    manifest = json.loads((folder / "driver" / package.MANIFEST).read_text())
    del manifest["fingerprint"]
    manifest["files"][path.name] = package.digest(path)
    signed = {"fingerprint": package.fingerprint(manifest), **manifest}
    (folder / "driver" / package.MANIFEST).write_text(json.dumps(signed))


@pytest.mark.parametrize(
    ("kind", "platform"),
    [
        ("FINNDMAOverlay", "alveo"),
        ("FINNDMAInstrumentationOverlay", "zynq-iodma"),
        ("FINNInstrumentationOverlay", "zynq-iodma"),
        ("FINNLiveFIFOOverlay", "zynq-iodma"),
    ],
)
def test_drivers_and_shells_of_another_kind_are_refused(copied, monkeypatch, kind, platform):
    from msq_board.package import PackageError

    install(monkeypatch, None)
    rewritten(copied, driver_type=kind, platform=platform)
    with pytest.raises(PackageError, match=f"asks for {kind} on {platform}; this package serves"):
        loaded(copied)


def test_weights_in_the_boards_memory_are_refused(copied, monkeypatch):
    from msq_board.package import PackageError

    install(monkeypatch, None)
    rewritten(copied, external_weights=True)
    with pytest.raises(PackageError, match="asks for weights in the board's memory"):
        loaded(copied)


def test_weights_that_have_to_be_written_have_to_be_there(copied, monkeypatch):
    from msq_board.package import PackageError

    install(monkeypatch, None)
    rewritten(copied, runtime_weights=True)
    with pytest.raises(PackageError, match="runtime_weights holds no weights, and the accelerator"):
        loaded(copied)


def test_without_pynq_the_environment_is_named(copied, monkeypatch):
    from msq_board.package import PackageError

    monkeypatch.setitem(sys.modules, "pynq", None)
    with pytest.raises(PackageError, match=r"pynq cannot be imported .* in PYNQ's virtual"):
        loaded(copied)


WIZARD = """<EDKSYSTEM><MODULES><MODULE INSTANCE="other"/><MODULE INSTANCE="clk_wiz_0"><PARAMETERS>
<PARAMETER NAME="CLKOUT1_REQUESTED_OUT_FREQ" VALUE="125"/>{}
</PARAMETERS></MODULE></MODULES></EDKSYSTEM>"""


@pytest.mark.parametrize(
    ("description", "processors", "accelerators"),
    [
        # Without FINN's clocking wizard, the processor's own clock drives the accelerator.
        ("not really", 100.0, 100.0),
        ("<EDKSYSTEM/>", 100.0, 100.0),
        (WIZARD.format(""), 100.0, 125.0),
        (WIZARD.format('<PARAMETER NAME="CLKOUT1_OUT_FREQ" VALUE="123.4"/>'), 100.0, 123.4),
    ],
)
def test_the_clock_is_the_bitfiles(
    package, copied, monkeypatch, description, processors, accelerators
):
    from msq_board import package as boards

    path = copied / "bitfile/finn-accel.hwh"
    path.write_text(description)
    manifest_path = copied / "driver" / boards.MANIFEST
    manifest = json.loads(manifest_path.read_text())
    del manifest["fingerprint"]
    manifest["bitfile"][".hwh"] = boards.digest(path)
    manifest_path.write_text(json.dumps({"fingerprint": boards.fingerprint(manifest), **manifest}))
    install(monkeypatch, accelerator_of(package[0]))
    accelerator = loaded(copied)
    assert sys.modules["pynq.ps"].Clocks.fclk0_mhz == processors
    assert accelerator.throughput_test()["fclk[mhz]"] == accelerators


def test_the_command_validates_and_fails_in_words(package, copied, monkeypatch, capsys):
    from msq_board import validate

    arguments = ["validate", "--bitfile", str(copied / "bitfile/finn-accel.bit")]
    monkeypatch.setattr(sys, "argv", [*arguments, "--driver", str(copied / "driver")])
    install(monkeypatch, accelerator_of(package[0]))
    assert validate.main() == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["images"], found["mismatches"]) == (IMAGES, 0)
    assert found["throughput_test"]["batch_size"] == 64
    install(monkeypatch, accelerator_of(package[0], lambda v: v.__setitem__((0, 0), 99)))
    assert validate.main() == 1
    monkeypatch.setitem(sys.modules, "pynq", None)
    assert validate.main() == 1
    assert "pynq cannot be imported" in capsys.readouterr().err


def test_the_notebook_runs_on_the_board(package, copied, monkeypatch):
    import nbformat

    content = nbformat.read(copied / "board.ipynb", as_version=nbformat.NO_CONVERT)
    nbformat.validate(content)
    install(monkeypatch, accelerator_of(package[0]))
    monkeypatch.chdir(copied)
    names = {}
    for cell in content.cells:
        if cell.cell_type == "code":
            exec(cell.source, names)
    assert names["result"]["mismatches"] == names["result"]["raw_mismatches"] == 0
    assert names["outputs"].shape == (IMAGES, 6)
    assert set(names["rates"]) == {1, 16, 256}


def test_the_boards_code_needs_numpy_only(copied):
    """It is imported where neither msq_finn nor FINN can be, as on a board."""
    code = (
        "import sys; sys.modules.update(dict.fromkeys(['msq_finn', 'finn', 'torch', 'onnx']));"
        "from msq_board.host import Program; from pathlib import Path; import numpy as np;"
        "p = Program.load(Path('before.json')); r = np.load('reference.npz');"
        "print(p(r['images']).shape)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=copied / "driver",
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "(5, 4, 4, 2)"


def test_the_readme_says_what_goes_in_and_comes_out(package):
    text = (package[1] / "README.md").read_text()
    assert "| shape | [images, 2, 4, 4] | [images, 6] |" in text
    assert "| type | float32 | float32 |" in text
    assert re.search(r"the input quantizer has 15 thresholds from [\d.]+ to [\d.]+, and", text)
    assert "none in the exported model: give images normalised as they were for training" in text
    assert "position k is output k of the exported model: class k" in text
    assert "pip" not in text


def test_the_readme_claims_no_more_than_was_run(package):
    _, folder = package
    text = (folder / "README.md").read_text()
    assert f"0 of {IMAGES} images differ" in text
    assert "| the board | nowhere | not run |" in text
    assert "There is no bitfile" not in text
    assert json.loads((folder / "driver" / "manifest.json").read_text())["bitfile"] is not None
