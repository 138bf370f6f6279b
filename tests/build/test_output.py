import errno
import os
import stat

import pytest

from msq_finn.build.output import output_folder
from msq_finn.errors import MsqError
from msq_finn.files import check_target, write


def test_a_failed_first_run_leaves_nothing(tmp_path):
    out = tmp_path / "out"
    with pytest.raises(MsqError), output_folder(out) as work:
        (work / "half").write_text("written")
        raise MsqError("bad model")
    assert not out.exists()


def test_a_failed_later_run_keeps_earlier_results(tmp_path):
    out = tmp_path / "out"
    with output_folder(out):
        write(out / "summary.json", "first")
    with pytest.raises(MsqError), output_folder(out) as work:
        (work / "half").write_text("written")
        raise MsqError("bad model")
    assert [p.name for p in out.iterdir()] == ["summary.json"]
    assert (out / "summary.json").read_text() == "first"


def test_a_file_in_the_way_is_one_clear_error(tmp_path):
    (tmp_path / "out").write_text("a file")
    with pytest.raises(MsqError, match="choose another --out"), output_folder(tmp_path / "out"):
        pass
    assert (tmp_path / "out").read_text() == "a file"


def test_a_folder_of_others_is_left_alone(tmp_path):
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / "precious").write_text("by hand")
    with pytest.raises(MsqError, match="holds files of others"), output_folder(tmp_path):
        pass
    assert (tmp_path / "build" / "precious").read_text() == "by hand"


def test_a_later_run_takes_the_earlier_ones_place(tmp_path):
    with output_folder(tmp_path) as work:
        (work / "old").touch()
    with output_folder(tmp_path) as work:
        assert not (work / "old").exists()


def test_a_full_disk_is_one_clear_error_and_leaves_nothing(tmp_path):
    out = tmp_path / "out"
    text = "cannot write to x: No space left on device; choose another --out"
    with pytest.raises(MsqError, match=text), output_folder(out):
        raise OSError(errno.ENOSPC, "No space left on device", "x")
    assert not out.exists()


@pytest.mark.parametrize("name", ["a$b", 'a"b', "a\\b", "a`b", "a\nb", "a\udcffb", "a$b/c"])
def test_names_that_verilog_tools_cannot_hold(tmp_path, name):
    with pytest.raises(MsqError, match="choose another --out"), output_folder(tmp_path / name):
        pass
    assert not list(tmp_path.iterdir())


def test_a_write_replaces_the_file_whole(tmp_path):
    path = tmp_path / "figures"
    write(path, "old")
    write(path, b"new")
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_write_goes_through_links_to_the_file(tmp_path):
    (tmp_path / "there").mkdir()
    file, link = tmp_path / "there" / "figures", tmp_path / "link"
    file.write_text("old")
    link.symlink_to(file)
    write(link, "new")
    assert link.is_symlink() and file.read_text() == "new"
    assert list((tmp_path / "there").iterdir()) == [file]


def test_a_write_leaves_what_is_no_file(tmp_path):
    fifo, folder, link = (tmp_path / name for name in ("fifo", "folder", "link"))
    os.mkfifo(fifo)
    folder.mkdir()
    link.symlink_to(fifo)
    for path in (fifo, folder, link):
        for refuse in (check_target, lambda path: write(path, "new")):
            with pytest.raises(MsqError, match=f"{path}: not a regular file; choose another -o"):
                refuse(path)
    assert stat.S_ISFIFO(fifo.stat().st_mode)
    assert sorted(tmp_path.iterdir()) == [fifo, folder, link]


def test_targets_that_cannot_be_written(tmp_path, monkeypatch):
    (tmp_path / "loop").symlink_to("loop")
    for name, text in (
        ("none/figures", f"no folder {tmp_path}/none; choose another -o"),
        ("loop", "Too many levels of symbolic links; choose another -o"),
        ("n" * 300, "File name too long; choose another -o"),
    ):
        with pytest.raises(MsqError, match=text):
            check_target(tmp_path / name)
    assert check_target(tmp_path / "figures") == tmp_path / "figures"
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(MsqError, match=f"folder {tmp_path} cannot be written"):
        check_target(tmp_path / "figures")


def test_a_folder_that_holds_only_files_of_others_is_refused(tmp_path):
    (tmp_path / "thesis.tex").touch()
    text = "holds files of others; give a new or empty folder"
    with pytest.raises(MsqError, match=text), output_folder(tmp_path):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_files_of_others_beside_ours_are_no_matter(tmp_path):
    with output_folder(tmp_path):
        (tmp_path / "notes").touch()
    with output_folder(tmp_path):
        pass
    assert (tmp_path / "notes").exists()


@pytest.mark.parametrize("name", ["report", "deploy"])
def test_files_in_the_place_of_folders_are_refused_before_the_build(tmp_path, name):
    (tmp_path / "summary.json").write_text("earlier")
    (tmp_path / name).touch()
    with pytest.raises(MsqError, match=f"{name} is no folder"), output_folder(tmp_path):
        pass
    assert {path.name for path in tmp_path.iterdir()} == {"summary.json", name}


@pytest.mark.parametrize("name", ["summary.json", "model.onnx", "dataflow.onnx", "report.html"])
def test_folders_in_the_place_of_files_are_refused_before_the_build(tmp_path, name):
    with output_folder(tmp_path):
        pass
    (tmp_path / name).mkdir()
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(MsqError, match=f"{name} is no file"), output_folder(tmp_path):
        pass
    assert sorted(tmp_path.rglob("*")) == before
