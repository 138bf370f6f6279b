"""Builds that go on at another place than where they began."""

from __future__ import annotations

import json
import shutil

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from msq_finn.build import resume
from msq_finn.build.relocate import relocate
from msq_finn.build.run import build
from msq_finn.lowering.lower import Target

from .networks import exported, mixed_to_the_end


def naming(folder, name):
    """Files under a folder in which a name stands, logs of what was done there left out."""
    return sorted(
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".log" and str(name).encode() in path.read_bytes()
    )


@pytest.mark.slow
def test_a_build_goes_on_on_another_machine(tmp_path):
    """Of which the output folder and the packages lie elsewhere."""
    source = exported(mixed_to_the_end(), tmp_path / "model.onnx", (1, 2, 4, 4))
    target, there = Target("Pynq-Z1", target_fps=300_000), tmp_path / "there" / "out"
    (there / "build").mkdir(parents=True)
    build(source, target, there, there / "build", 3, until="hardware")
    named = naming(there / "build", there)
    assert any(name.endswith(".onnx") for name in named)
    assert any(name.endswith(".v") for name in named)
    assert "stitched_rtl/all_verilog_srcs.txt" in named
    here = tmp_path / "some where" / "else"
    shutil.copytree(there, here)
    shutil.rmtree(there)
    # Packages that lay elsewhere, too.
    record, sources = here / "build/options.json", here / "build/stitched_rtl/all_verilog_srcs.txt"
    folders = json.loads(record.read_text())["folders"]
    for name in ("finn", "msq_finn"):
        for path in (record, sources):
            text = path.read_text()
            assert f"{folders[name]}/" in text or path == record
            path.write_text(text.replace(f"{folders[name]}/", f"/machine/{name}/"))
        record.write_text(record.read_text().replace(f'"{folders[name]}"', f'"/machine/{name}"'))
    summary = build(source, target, here, here / "build", 3, until="simulate", start="simulate")
    assert (summary.images_simulated, summary.rtl_mismatches) == (3, 0)
    assert naming(here, there) == []
    assert naming(here, "/machine/") == []
    assert all(line for line in sources.read_text().split("\n"))
    for line in sources.read_text().split("\n"):
        assert (here / "build").joinpath(line).exists()


def graph(inner):
    node = helper.make_node(
        "Op", ["x"], ["y"], path="/a/b/c.v", paths=["/a/b", "/a/bc"], body=inner
    )
    return helper.make_graph([node], "g", [], [])


def model():
    node = helper.make_node("Inner", ["x"], ["y"], path="/a/b/d")
    inner = helper.make_graph(
        [node], "i", [], [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)]
    )
    made = helper.make_model(graph(inner))
    made.graph.metadata_props.add(key="project", value="/a/b/p")
    helper.set_model_props(made, {"wrapper": "/a/b/top.v", "other": "/a/bc"})
    return made


def test_models_texts_and_their_ends(tmp_path):
    onnx.save(model(), tmp_path / "m.onnx")
    texts = {
        "list.txt": ("/a/b/x.v\n/a/bc/y.v\n/a/b", "/n/x.v\n/a/bc/y.v\n/n"),
        "memory.v": ('.INIT_FILE("/a/b/f.dat"),', '.INIT_FILE("/n/f.dat"),'),
        "options.json": ("/a/b", "/a/b"),
    }
    for name, (before, _) in texts.items():
        (tmp_path / name).write_text(before)
    (tmp_path / "data.npz").write_bytes(b"\0/a/b/")
    for _ in range(2):  # again, as after a kill
        relocate(tmp_path, {"/a/b": "/n"}, leave=tmp_path / "options.json")
        for name, (_, after) in texts.items():
            assert (tmp_path / name).read_text() == after
    found = onnx.load(tmp_path / "m.onnx")
    assert {p.key: p.value for p in found.metadata_props} == {
        "wrapper": "/n/top.v",
        "other": "/a/bc",
    }
    assert found.graph.metadata_props[0].value == "/n/p"
    attributes = {a.name: helper.get_attribute_value(a) for a in found.graph.node[0].attribute}
    assert attributes["path"] == b"/n/c.v"
    assert attributes["paths"] == [b"/n", b"/a/bc"]
    assert helper.get_attribute_value(attributes["body"].node[0].attribute[0]) == b"/n/d"
    assert (tmp_path / "data.npz").read_bytes() == b"\0/a/b/"


@pytest.mark.parametrize(("old", "new"), [("/a", "/a/b"), ("/a/b", "/a"), ("/a", "/b\\1")])
def test_places_of_which_one_lies_in_the_other(tmp_path, old, new):
    path = tmp_path / "list.txt"
    path.write_text(f"{old}/x {old}")
    for _ in range(2):
        relocate(tmp_path, {old: new}, leave=tmp_path)
        assert path.read_text() == f"{new}/x {new}"


def test_what_did_not_move_is_not_touched(tmp_path):
    (tmp_path / "list.txt").write_text("/a/x")
    before = (tmp_path / "list.txt").stat().st_mtime_ns
    relocate(tmp_path, {"/a": "/a", "/c": "/d"}, leave=tmp_path)
    assert (tmp_path / "list.txt").stat().st_mtime_ns == before


def test_a_record_of_before_there_were_folders(tmp_path):
    source = exported(mixed_to_the_end(), tmp_path / "model.onnx", (1, 2, 4, 4))
    resume.record(tmp_path, source, Target("Pynq-Z1"), np.zeros(1), 0)
    path = tmp_path / "options.json"
    record = json.loads(path.read_text())
    del record["folders"]
    path.write_text(json.dumps(record))
    resume.follow(tmp_path)
    assert json.loads(path.read_text())["folders"]["work"] == str(tmp_path)
