"""Run notebooks and keep what they print and draw in the files, for those who read them on the web.

``python -m tests.store_notebooks [NAME ...]`` runs those whose names begin so, by default all.
"""

from __future__ import annotations

import hashlib
import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))
LIMIT_S = 1200  # for a cell that hangs; a machine that does other things needs some patience

#: Of a notebook's metadata: the fingerprint of the code whose results it holds.
STORED = "msq_finn_results_of"


def fingerprint(notebook):
    """Of a notebook's code; its text may change without a new run."""
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    return hashlib.sha256("\0".join(code).encode()).hexdigest()[:16]


def run(path, folder):
    """The notebook with its results, from a clean kernel that works in a folder."""
    notebook = nbformat.read(path, as_version=4)
    resources = {"metadata": {"path": str(folder)}}
    NotebookClient(
        notebook, timeout=LIMIT_S, kernel_name="python3", resources=resources, record_timing=False
    ).execute()
    return notebook


def store(path):
    with tempfile.TemporaryDirectory() as folder:
        notebook = run(path, Path(folder))
    notebook.metadata[STORED] = fingerprint(notebook)
    notebook.metadata.language_info = {"name": "python"}
    nbformat.write(notebook, path)


if __name__ == "__main__":
    for path in NOTEBOOKS:
        if not sys.argv[1:] or path.name.startswith(tuple(sys.argv[1:])):
            print(path.name, file=sys.stderr)
            store(path)
