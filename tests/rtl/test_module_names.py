"""Names of modules, which must differ from FINN's in the same design, and columns of sources."""

import re
from importlib.util import find_spec
from pathlib import Path

import msq_finn

MODULE = re.compile(r"^\s*(?:module|package)\s+(\w+)", re.MULTILINE)


def names(folder, pattern="*.*v"):
    return {name for file in folder.rglob(pattern) for name in MODULE.findall(file.read_text())}


def test_no_module_has_the_name_of_one_of_finns():
    finn = names(Path(next(iter(find_spec("finn").submodule_search_locations))) / "finn-rtllib")
    ours = names(Path(msq_finn.__file__).parent)
    assert {"mvu", "fifo", "memstream"} <= finn
    assert {"mvau_msq", "lut_lane", "stream_pool"} <= ours
    assert not finn & ours


def test_no_line_of_a_source_is_over_100_columns():
    sources = [p for p in Path(msq_finn.__file__).parent.rglob("*.*v") if p.suffix in (".v", ".sv")]
    assert len(sources) > 30
    long = [
        f"{path.name}:{number}"
        for path in sources
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if len(line) > 100
    ]
    assert not long
