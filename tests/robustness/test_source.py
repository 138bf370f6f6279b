"""Nothing in the package runs what a file or a name holds."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = [path for part in ("msq_finn", "transforms") for path in (ROOT / part).rglob("*.py")]
UNPICKLERS = {"pickle", "cloudpickle", "dill", "marshal", "shelve", "joblib"}


def dangers(source):
    """What must not be there, by line."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            modules = [getattr(node, "module", None) or "", *(name.name for name in node.names)]
            if any(module.split(".")[0] in UNPICKLERS for module in modules):
                yield node.lineno, "unpickles"
        elif isinstance(node, ast.Call):
            options = {k.arg: getattr(k.value, "value", None) for k in node.keywords}
            called = ast.unparse(node.func)
            if called in {"eval", "exec", "os.system", "os.popen"} or options.get("shell"):
                yield node.lineno, "runs text"
            if called == "torch.load" and options.get("weights_only") is not True:
                yield node.lineno, "unpickles"
            if options.get("allow_pickle"):
                yield node.lineno, "unpickles"
            if called in {"yaml.load", "yaml.unsafe_load", "yaml.full_load"}:
                yield node.lineno, "makes objects that a file names"


@pytest.mark.parametrize(
    "line",
    [
        "import pickle",
        "from pickle import loads",
        "eval(text)",
        "subprocess.run(text, shell=True)",
        "torch.load(path)",
        "np.load(path, allow_pickle=True)",
        "yaml.load(text, Loader)",
    ],
)
def test_dangers_are_found(line):
    assert list(dangers(line))


def test_nothing_runs_what_a_file_holds():
    assert len(SOURCES) > 100
    found = {str(path): list(dangers(path.read_text())) for path in SOURCES}
    assert not {path: lines for path, lines in found.items() if lines}
