import errno

import pytest

from msq_finn.build.output import output_folder, write
from msq_finn.errors import MsqError


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
