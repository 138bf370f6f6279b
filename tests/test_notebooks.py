"""Every notebook runs from a clean kernel, and is stored with the results of its code."""

from __future__ import annotations

import re

import nbformat
import pytest

from .store_notebooks import NOTEBOOKS, STORED, fingerprint, run

#: Those that take a minute or more, for `make notebooks`.
LONG = (
    "2_train_row_mixed_digits",
    "4_build_simulate_resources",
    "5_from_a_finn_model",
    "6_post_training",
)


def pictures(notebook):
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return sum("image/png" in output.get("data", {}) for output in outputs)


def test_there_are_notebooks():
    assert len(NOTEBOOKS) >= 6 and {path.stem for path in NOTEBOOKS} >= set(LONG)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_stored_with_the_results_of_its_code(path):
    """`make notebooks` stores them anew."""
    notebook = nbformat.read(path, as_version=4)
    assert notebook.metadata.get(STORED) == fingerprint(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert pictures(notebook) >= 2
    # Nothing that only the machine has on which they ran.
    assert not re.search(r"/(tmp|home|root|work)/", path.read_text())


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_text_is_text(path):
    """Headings only where a notebook means them, and links to files that are there."""
    text = [c.source for c in nbformat.read(path, as_version=4).cells if c.cell_type == "markdown"]
    headings = [line for cell in text for line in cell.splitlines() if line.startswith("# ")]
    assert len(headings) == 1 and headings[0].startswith(f"# {path.stem[0]}. ")
    links = re.findall(r"\]\((?!http)([^)]+)\)", "\n".join(text))
    assert all((path.parent / link).exists() for link in links), links
    assert links or path == NOTEBOOKS[-1]


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(path, id=path.stem, marks=[pytest.mark.slow] if path.stem in LONG else [])
        for path in NOTEBOOKS
    ],
)
def test_runs(path, tmp_path):
    """The notebooks hold assertions of their own."""
    notebook = run(path, tmp_path)
    assert pictures(notebook) >= 2
    errors = [o for c in notebook.cells for o in c.get("outputs", []) if o.get("name") == "stderr"]
    assert not errors, errors
    assert not list(tmp_path.iterdir())
