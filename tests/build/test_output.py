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


def test_a_write_replaces_the_file_whole(tmp_path):
    path = tmp_path / "figures"
    write(path, "old")
    write(path, b"new")
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]
