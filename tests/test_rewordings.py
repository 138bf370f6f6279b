"""Rewordings against the FINN that is installed."""

from pathlib import Path

import pytest

from msq_finn.errors import MsqError
from msq_finn.rewordings import for_verilator


@pytest.fixture(scope="module")
def library(finn):
    from finn.util.settings import get_settings

    return {p.name: p.read_text() for p in Path(get_settings().finn_rtllib).rglob("*.sv")}


@pytest.mark.parametrize("name", ["add_multi.sv", "fifo.sv", "skid.sv"])
def test_known_files_keep_every_word_but_the_rejected_ones(library, name):
    text = library[name]
    reworded = for_verilator(name, text)
    assert reworded != text
    assert for_verilator(name, reworded) == reworded
    added = {"add_multi.sv": [], "fifo.sv": ["packed"], "skid.sv": ["FEED_STAGES"]}[name]

    def words(source):
        return sorted(source.replace(",", " ").replace(")", " ").split())

    assert words(reworded) == sorted(words(text) + added)


def test_other_files_stay_as_they_are(library):
    for name, text in library.items():
        if name not in ("add_multi.sv", "fifo.sv", "skid.sv"):
            assert for_verilator(name, text) is text
    assert for_verilator("fifo.sv", "module fifo; endmodule") == "module fifo; endmodule"


def test_a_rejected_form_that_is_not_known_is_an_error(library):
    changed = library["add_multi.sv"].replace("uwire [SUM_WIDTH-1:0]  sum0", "wire sum0")
    with pytest.raises(MsqError, match=r"add_multi\.sv: this FINN's file"):
        for_verilator("add_multi.sv", changed)
