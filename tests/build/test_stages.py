"""Builds that stop early, go on where they were, and do not get in each other's way."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner

from msq_finn.build import hardware_steps, report_files
from msq_finn.build.run import Labelled, build
from msq_finn.build.stages import GATE, STAGES, check_folder, stage_steps
from msq_finn.cli import main
from msq_finn.errors import MissingToolError, MsqError
from msq_finn.lowering.inputs import load_model
from msq_finn.lowering.lower import Target

from .networks import exported, mixed_to_the_end

TARGET = Target("Pynq-Z1", target_fps=300_000)


class Killed(BaseException):
    """Ends a build as a kill does: nothing tidies up behind it."""


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return exported(mixed_to_the_end(), tmp_path_factory.mktemp("m") / "model.onnx", (1, 2, 4, 4))


def run(source, folder, **options):
    work = folder / "build"
    work.mkdir(parents=True, exist_ok=True)
    return build(source, TARGET, folder, work, 3, **options)


@pytest.fixture(scope="module")
def whole(source, tmp_path_factory):
    """A build that nothing stopped."""
    folder = tmp_path_factory.mktemp("whole")
    return run(source, folder, until="simulate"), folder


def comparable(summary):
    dumped = summary.model_dump()
    # Wall times would make every summary another.
    assert not [name for name in dumped if name.endswith("seconds")]
    return dumped


def killed_at(step, source, folder, **options):
    """Build until a step's work is done, but not recorded."""
    from msq_finn.lowering import lower

    genuine = lower._run

    def killed(name, function, model, config):
        model = genuine(name, function, model, config)
        if name == step:
            raise Killed
        return model

    with pytest.MonkeyPatch.context() as patch, pytest.raises(Killed):
        patch.setattr(lower, "_run", killed)
        run(source, folder, **options)
    assert not (folder / "summary.json").exists()


def manifest_of(folder):
    return json.loads((folder / "deploy/driver/manifest.json").read_text())


def test_stages_follow_each_other():
    steps = [list(stage_steps(stage)) for stage in STAGES if stage != GATE]
    for shorter, longer in itertools.pairwise(steps):
        assert longer[: len(shorter)] == shorter
    assert steps[0][-1] == "step_generate_estimate_reports"
    assert "step_msq_bitfile" not in steps[-1]  # no Vivado here
    # Nothing that a later stage needs.
    assert list(stage_steps(GATE)) == [*stage_steps("synth"), "step_msq_gate"]
    assert "step_msq_gate" not in steps[-1]


@pytest.mark.parametrize(
    "step",
    [
        pytest.param(step, marks=[] if step == "step_msq_place_rows" else pytest.mark.slow)
        for step in stage_steps("simulate")
    ],
)
def test_a_killed_build_goes_on(source, whole, tmp_path, step):
    """Killed after a step's work, before it is recorded; the worst moment."""
    killed_at(step, source, tmp_path, until="simulate")
    steps = list(stage_steps("simulate"))
    if step != steps[-1]:
        after = steps[steps.index(step) + 1]
        with pytest.raises(MsqError, match=f"start at {after}: .* did not complete {step} "):
            run(source, tmp_path, until="simulate", start=after)
    resumed = run(source, tmp_path, until="simulate", start=step)
    assert comparable(resumed) == comparable(whole[0])
    assert json.loads((tmp_path / "summary.json").read_text())["rtl_mismatches"] == 0


@pytest.fixture(scope="module")
def packaged(source, tmp_path_factory):
    """A build that nothing stopped, with estimates and a package."""
    folder = tmp_path_factory.mktemp("packaged")
    return run(source, folder, until="deploy"), folder


@pytest.mark.slow
@pytest.mark.parametrize("start", ["step", None])
@pytest.mark.parametrize("step", ["step_msq_synthesize", "step_msq_deploy"])
def test_a_killed_package_goes_on_or_is_built_anew(source, packaged, tmp_path, step, start):
    killed_at(step, source, tmp_path, until="deploy")
    assert not (tmp_path / "deploy").exists()
    again = run(source, tmp_path, until="deploy", start=start and step)
    assert again.lut_sites and comparable(again) == comparable(packaged[0])
    assert manifest_of(tmp_path) == manifest_of(packaged[1])


@pytest.mark.slow
def test_half_a_package_is_not_published(source, packaged, tmp_path, monkeypatch):
    """Killed while it is written; what an earlier build published stays until the next is whole."""
    from msq_finn.build import deploy

    def killed(*arguments):
        raise Killed

    run(source, tmp_path, until="synth")
    shutil.copytree(packaged[1] / "deploy", tmp_path / "deploy")
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(deploy, "_manifest", killed)
        run(source, tmp_path, until="deploy", start="deploy")
    assert not (tmp_path / "build/deploy/driver/manifest.json").exists()
    assert manifest_of(tmp_path) == manifest_of(packaged[1])
    (tmp_path / "build/deploy/driver/left.txt").write_text("")
    resumed = run(source, tmp_path, until="deploy", start="deploy")
    assert comparable(resumed) == comparable(packaged[0])
    assert manifest_of(tmp_path) == manifest_of(packaged[1])
    assert not (tmp_path / "deploy/driver/left.txt").exists()


def test_a_later_stage_goes_on_from_an_earlier_one(source, whole, tmp_path, monkeypatch):
    summary = run(source, tmp_path, until="estimate")
    cycles = json.loads((tmp_path / "report/estimate_layer_cycles.json").read_text())
    assert cycles[summary.slowest_node] == max(cycles.values())
    assert summary.cycles_per_image is None and summary.layers[0].lut_sites is None
    assert not (tmp_path / "report.html").exists()
    reports = {path.name for path in (tmp_path / "report").iterdir()}
    assert {
        "estimate_layer_cycles.json",
        "estimate_layer_resources.json",
        "estimate_network_performance.json",
        "op_and_param_counts.json",
        "msq_time_per_step.json",
    } <= reports
    summary = run(source, tmp_path, until="hardware", start="hardware")
    design = (tmp_path / "build" / "finn_design.sv").read_text()
    assert "module finn_design" in design and "mvau" in design.lower()
    assert summary.images_simulated is None
    summary = run(source, tmp_path, until="simulate", start="simulate")
    assert comparable(summary) == comparable(whole[0])
    performance = json.loads((tmp_path / "report" / "rtlsim_performance.json").read_text())
    assert performance[0]["samples"] == 3 and performance[0]["throughput_fps"] > 0
    # Other images are simulated without sizing FIFOs again, and are those to go on with.
    monkeypatch.setattr(hardware_steps.fifos, "size_fifos", None)
    images = np.random.default_rng(6).random((4, 2, 4, 4), np.float32)
    labels = np.array([0, 1, 2, 3])
    again = build(
        source, TARGET, tmp_path, tmp_path / "build", images,
        labelled=Labelled(labels), until="simulate", start="simulate",
    )  # fmt: skip
    assert (again.images_simulated, again.rtl_mismatches) == (4, 0)
    outputs = np.load(tmp_path / "build" / report_files.REFERENCE)["outputs"]
    assert again.accuracy_rtl == again.accuracy_quant == (outputs.argmax(1) == labels).mean()
    with pytest.raises(MsqError, match=r"was made with images [0-9a-f]{64}, not 3"):
        run(source, tmp_path, until="synth", start="synth")


@pytest.fixture
def earlier(source, tmp_path):
    """Results of a whole build of another network, and files of others beside them."""
    made = ["report.html", "report/msq_simulation.json", "report/post_synth_resources.json"]
    made += ["deploy/driver/manifest.json", "deploy/README.md", "summary.json"]
    foreign = ["notes.html", "report/notes.json", "deploy.zip"]
    for name in made + foreign:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("earlier")
    return tmp_path, made, foreign


def test_nothing_of_an_earlier_build_passes_for_the_new_ones(source, earlier):
    folder, made, foreign = earlier
    run(source, folder, until="estimate")
    assert [name for name in made if (folder / name).exists()] == ["summary.json"]
    assert not (folder / "deploy").exists()
    assert json.loads((folder / "summary.json").read_text())["lut_sites"] is None
    assert [(folder / name).read_text() for name in foreign] == ["earlier"] * len(foreign)
    assert (folder / "report" / "estimate_layer_cycles.json").exists()


def test_a_failed_build_leaves_earlier_results(source, earlier, monkeypatch):
    from msq_finn.lowering import lower

    def failed(name, function, model, config):
        raise MsqError("no")

    folder, made, foreign = earlier
    monkeypatch.setattr(lower, "_run", failed)
    with pytest.raises(MsqError, match="no"):
        run(source, folder, until="estimate")
    assert {(folder / name).read_text() for name in made + foreign} == {"earlier"}


def test_a_failed_stage_leaves_what_was_done(source, tmp_path, monkeypatch):
    """The results of the stages before it, and all that is needed to go on there."""
    out = tmp_path / "out"
    arguments = ["build", str(source), "-o", str(out), "--target-fps", "300000"]

    def failed(*arguments):
        raise MsqError("no room for this design")

    with monkeypatch.context() as patch:
        patch.setattr(hardware_steps, "stitch", failed)
        done = CliRunner().invoke(main, [*arguments, "--until", "deploy"])
    assert done.exit_code == 2 and done.stderr.splitlines()[-1].endswith("no room for this design")
    summary = json.loads((out / "summary.json").read_text())
    assert summary["failed"] == "no room for this design"
    assert summary["predicted_cycles_per_image"] > 0 and summary["images_simulated"] is None
    assert "did not come to its end: no room for this design" in (out / "report.html").read_text()
    assert (out / "report/estimate_layer_cycles.json").exists() and not (out / "deploy").exists()
    options = ["--until", "hardware", "--start", "hardware"]
    done = CliRunner().invoke(main, [*arguments, *options])
    assert done.exit_code == 0, done.output
    assert json.loads((out / "summary.json").read_text())["failed"] is None
    assert not (out / "report.html").exists()


def test_a_package_whose_program_is_wrong_is_refused_before_the_long_stages(
    source, tmp_path, monkeypatch
):
    from msq_finn.build.board import host

    genuine = host.OPERATIONS["MultiThreshold"]

    def shifted(value, thresholds, **attributes):
        return genuine(value + 0.1, thresholds, **attributes)

    monkeypatch.setitem(host.OPERATIONS, "MultiThreshold", shifted)
    with pytest.raises(MsqError, match="board's program quantizes the images differently"):
        run(source, tmp_path, until="deploy")
    assert not (tmp_path / "build/finn_design.sv").exists()


@pytest.mark.parametrize(
    ("labels", "text"),
    [
        (np.zeros(3), "labels are an array of whole numbers"),
        (np.zeros(2, int), "shape (2,), but there are 3 images"),
        (np.array([0, 1, 6]), "labels from 0 to 6, but the model has 6 classes, numbered from 0"),
        (np.array([0, -1, 5]), "labels from -1 to 5"),
        (None, "--labels: random images have none; give their --inputs too"),
    ],
)
def test_labels_that_do_not_fit(source, tmp_path, labels, text):
    np.save(tmp_path / "images.npy", np.zeros((3, 2, 4, 4), np.float32))
    np.save(tmp_path / "labels.npy", np.zeros(3, int) if labels is None else labels)
    inputs = [] if labels is None else ["--inputs", str(tmp_path / "images.npy")]
    options = ["--labels", str(tmp_path / "labels.npy"), *inputs, "-o", str(tmp_path / "out")]
    done = CliRunner().invoke(main, ["build", str(source), *options])
    assert done.exit_code == 2 and text in " ".join(done.stderr.split())
    assert not (tmp_path / "out").exists()


def test_another_model_or_option_does_not_go_on(source, whole, tmp_path):
    _, folder = whole
    other = exported(mixed_to_the_end(seed=1), tmp_path / "other.onnx", (1, 2, 4, 4))
    with pytest.raises(MsqError, match=r"was made with model [0-9a-f]{64}, not"):
        run(other, folder, start="simulate")
    work = folder / "build"
    with pytest.raises(MsqError, match=r"was made with clk_ns 10\.0, not 5\.0"):
        build(source, Target("Pynq-Z1", 5.0, 300_000), folder, work, 3, start="simulate")
    with pytest.raises(MsqError, match="was made with images 3, not 4"):
        build(source, TARGET, folder, work, 4, start="synth")


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"start": "nowhere"}, "--start nowhere: no such step before --until synth; known are es"),
        ({"start": "deploy"}, "--start deploy lies behind --until synth"),
        ({"start": "step_msq_deploy", "until": "simulate"}, "no such step before --until simulate"),
    ],
)
def test_wrong_starts(source, whole, options, text):
    with pytest.raises(MsqError, match=text):
        run(source, whole[1], **options)


def test_a_bitfile_without_vivado_is_refused_at_once(source, tmp_path, monkeypatch):
    monkeypatch.delenv("XILINX_VIVADO", raising=False)
    with pytest.raises(MissingToolError, match="a bitfile needs Vivado, but XILINX_VIVADO"):
        run(source, tmp_path, until="bitfile")
    assert not list((tmp_path / "build").iterdir())


def test_the_command_line_says_so_in_one_line(source, tmp_path, monkeypatch):
    monkeypatch.delenv("XILINX_VIVADO", raising=False)
    arguments = ["build", str(source), "-o", str(tmp_path / "out"), "--until", "bitfile"]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 1 and len(result.stderr.splitlines()) == 1
    assert "a bitfile needs Vivado, but XILINX_VIVADO is not set" in result.stderr
    assert not (tmp_path / "out").exists()
    arguments = ["build", str(source), "-o", str(tmp_path / "out"), "--start", "simulate"]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2
    assert "no build to go on with in" in result.stderr and not (tmp_path / "out").exists()


def test_a_refused_bitfile_leaves_the_earlier_builds_work(source, tmp_path, monkeypatch):
    monkeypatch.delenv("XILINX_VIVADO", raising=False)
    work = tmp_path / "build"
    work.mkdir()
    for name in (".msq-finn", "options.json"):
        (work / name).write_text("")
    result = CliRunner().invoke(
        main, ["build", str(source), "-o", str(tmp_path), "--until", "bitfile"]
    )
    assert result.exit_code == 1
    assert sorted(path.name for path in work.iterdir()) == [".msq-finn", "options.json"]


@pytest.mark.parametrize("name", ["nonexistent", "Vivado/2099.1", "2024.2-file", "vivado-here"])
def test_a_vivado_that_is_none(source, tmp_path, monkeypatch, name):
    """A missing folder, with and without a version, a file, and a folder without a version."""
    (tmp_path / "2024.2-file").touch()
    (tmp_path / "vivado-here").mkdir()
    monkeypatch.setenv("XILINX_VIVADO", str(tmp_path / name))
    arguments = ["build", str(source), "-o", str(tmp_path / "out"), "--until", "hardware"]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2 and len(result.stderr.splitlines()) == 1
    assert f"XILINX_VIVADO={tmp_path / name} is no folder of a Vivado" in result.stderr
    assert "unset XILINX_VIVADO" in result.stderr and not (tmp_path / "out").exists()


def test_a_folder_that_finns_scripts_cannot_name(source, tmp_path, monkeypatch):
    """Known before the long stages, and to builds with Vivado only."""
    monkeypatch.setenv("XILINX_VIVADO", str(tmp_path / "2024.2"))
    (tmp_path / "2024.2").mkdir()
    out = tmp_path / "my results"
    for name in ("my results", "results[1]", "a;b"):
        with pytest.raises(MsqError, match="take no spaces, brackets or semicolons in a path"):
            check_folder("bitfile", tmp_path / name)
    check_folder("simulate", out)
    check_folder("bitfile", tmp_path / "my_results")
    arguments = ["build", str(source), "-o", str(out), "--until", "bitfile"]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2 and len(result.stderr.splitlines()) == 1
    assert "choose another --out" in result.stderr and not out.exists()


def test_a_bitfile_without_finns_dependencies_is_refused(source, tmp_path, monkeypatch):
    """pip brings neither the HLS library nor the board files."""
    monkeypatch.setenv("XILINX_VIVADO", str(tmp_path / "2024.2"))
    (tmp_path / "2024.2").mkdir()
    monkeypatch.setenv("FINN_DEPS", str(tmp_path / "none"))
    result = CliRunner().invoke(
        main, ["build", str(source), "-o", str(tmp_path / "out"), "--until", "bitfile"]
    )
    assert result.exit_code == 1 and len(result.stderr.splitlines()) == 1
    assert "needs FINN's finn-hlslib and board_files" in result.stderr
    assert "msq-finn finn deps update --batch" in result.stderr and not (tmp_path / "out").exists()


def test_with_vivado_finns_own_steps_make_the_bitfile(monkeypatch, tmp_path):
    """FINN's five steps run as they are, and what goes on is the graph before them."""
    called = []

    def step(name):
        def recorded(model, cfg):
            called.append(name)
            return f"{name}({model})"

        return name, recorded

    monkeypatch.setenv("XILINX_VIVADO", "/opt/Vivado/2024.2")
    assert "step_msq_bitfile" in stage_steps("deploy")
    monkeypatch.setattr(hardware_steps, "resolve", step)
    monkeypatch.setattr(hardware_steps.finn_workers, "prepare", lambda: None)
    config = SimpleNamespace(output_dir=str(tmp_path))
    assert hardware_steps.step_msq_bitfile("dataflow", config) == "dataflow"
    assert called == [
        "step_create_stitched_ip",
        "step_out_of_context_synthesis",
        "step_prepare_synthesis",
        "step_synthesize_bitfile",
        "step_make_driver",
    ]


def test_a_package_for_an_alveo_board_is_refused_at_once(source, tmp_path):
    arguments = ["build", str(source), "-o", str(tmp_path / "out"), "--until", "deploy"]
    result = CliRunner().invoke(main, [*arguments, "--board", "U250"])
    assert result.exit_code == 2 and len(result.stderr.splitlines()) == 1
    assert "packages are for boards with a Zynq, not for U250" in result.stderr
    assert not (tmp_path / "out").exists()


def test_two_builds_in_one_folder_refuse_each_other(tmp_path):
    code = (
        "import sys, time; from pathlib import Path;"
        "from msq_finn.build.output import output_folder\n"
        "with output_folder(Path(sys.argv[1])): print('in', flush=True); time.sleep(60)"
    )
    from msq_finn.build.output import output_folder

    out = tmp_path / "out"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(out)], stdout=subprocess.PIPE, text=True
    ) as first:
        assert first.stdout.readline() == "in\n"
        with pytest.raises(MsqError, match="another build is running in"), output_folder(out):
            pass
        assert (out / "build").is_dir()
        first.kill()
    with output_folder(out):  # a kill frees the folder
        pass
    assert sorted(path.name for path in out.iterdir()) == ["build"]


@pytest.mark.slow
def test_two_builds_at_once_find_the_same(source, tmp_path):
    """In folders of their own, with one cache of simulation models, which both want to fill."""
    code = "from msq_finn.cli import main; main()"
    options = ["--target-fps", "300000", "--until", "simulate", "--images", "3", "--json"]
    builds = [
        subprocess.Popen(
            [sys.executable, "-c", code, "build", str(source), "-o", name, *options],
            cwd=tmp_path,
            env=os.environ | {"XDG_CACHE_HOME": str(tmp_path / "cache")},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name in ("first", "second")
    ]
    found = [build.communicate() for build in builds]
    assert [build.returncode for build in builds] == [0, 0], found
    first, second = (json.loads(out) for out, _ in found)
    assert first == second and first["rtl_mismatches"] == 0


def test_random_images_do_not_depend_on_the_stage(source, whole):
    load_model(source)
    images = np.load(whole[1] / "build" / report_files.REFERENCE)["images"]
    assert images.shape == (3, 2, 4, 4) and np.ptp(images) > 0.9
