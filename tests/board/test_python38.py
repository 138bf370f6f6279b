"""The board's sources are held to what the oldest image has: Python 3.8 and NumPy 1.17."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from msq_finn.build import board

FOLDER = Path(board.__file__).parent

#: What a package carries to the board, and what stands for the board in tests there.
SOURCES = sorted(
    [*FOLDER.glob("*.py"), *(Path(__file__).with_name(n) for n in ("fake_pynq.py", "on_board.py"))]
)

#: What a package carries may import, beside itself.
MODULES = {
    *("__future__", "argparse", "collections", "dataclasses", "hashlib", "json", "pathlib", "re"),
    *("sys", "time", "typing", "xml", "numpy", "pynq"),
}

#: Methods of built-in types and of Path that came with Python 3.9 or later. Vermin sees them where
#: it can tell the type, which it rarely can.
NEWER_METHODS = {
    *("removeprefix", "removesuffix", "is_relative_to", "with_stem", "readlink", "hardlink_to"),
    *("with_segments", "bit_count", "walk"),
}

#: Names that can be indexed from Python 3.9 on.
GENERIC = {"list", "dict", "tuple", "set", "frozenset", "type", "Callable"}

#: Names that NumPy 1.17 has, by its reference; look one up before it is added.
NUMPY = {
    *(
        "abs",
        "allclose",
        "arange",
        "argmax",
        "array_equal",
        "errstate",
        "argsort",
        "argwhere",
        "array",
        "asarray",
        "ascontiguousarray",
    ),
    *("concatenate", "dtype", "empty", "exp", "expand_dims", "flip", "float32", "float64"),
    *("frombuffer", "full", "int64", "intp", "load", "log", "maximum", "minimum", "moveaxis"),
    *("ndarray", "packbits", "rint", "clip", "savez", "searchsorted", "squeeze", "take", "tanh"),
    *(
        "take_along_axis",
        "transpose",
        "uint32",
        "uint64",
        "uint8",
        "unpackbits",
        "version",
        "where",
        "zeros",
    ),
}

#: Functions whose integers have 32 bits on armv7l, unless a type is given.
DEFAULT_INTEGERS = {"arange", "prod", "cumsum", "cumprod", "ones", "full", "zeros", "empty"}


def annotations(tree):
    """Parts of the tree that Python does not evaluate, where annotations are postponed."""
    for node in ast.walk(tree):
        for field in ("annotation", "returns"):
            if (part := getattr(node, field, None)) is not None:
                yield from ast.walk(part)


def names(tree):
    """Of ``np.x`` the x."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and getattr(node.value, "id", None) == "np":
            yield node.attr


def faults(text):
    """What Python 3.8 or NumPy 1.17 lacks, as far as it shows in the text."""
    tree = ast.parse(text, feature_version=(3, 8))
    postponed = "from __future__ import annotations" in text
    unevaluated = {id(node) for node in annotations(tree)} if postponed else set()
    for node in ast.walk(tree):
        if id(node) in unevaluated:
            continue
        if isinstance(node, ast.Subscript) and getattr(node.value, "id", None) in GENERIC:
            yield f"line {node.lineno}: {ast.unparse(node)} is evaluated"
        if isinstance(node, ast.Attribute) and node.attr in NEWER_METHODS:
            yield f"line {node.lineno}: {node.attr}"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            typed = any(keyword.arg == "dtype" for keyword in node.keywords)
            if node.func.attr in DEFAULT_INTEGERS and not typed and len(node.args) < 3:
                yield f"line {node.lineno}: {node.func.attr} of no type"
    for name in set(names(tree)) - NUMPY:
        yield f"np.{name}"


def vermin(*paths):
    command = [Path(sys.executable).with_name("vermin"), "--target=3.8-", "--no-tips", "-vvv"]
    return subprocess.run([*command, *paths], capture_output=True, text=True)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_nothing_is_newer_than_the_oldest_image(path):
    assert list(faults(path.read_text())) == []


def test_no_library_name_is_newer():
    done = vermin(*SOURCES)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "text",
    [
        "match x:\n    case 1: pass",
        "with (open(a) as b, open(c) as d): pass",
        "A = dict[str, int]",
        "def f(a: list[int]): pass",
        "name.removeprefix('a')",
        "np.take(a, np.arange(3))",
        "size = np.prod(shape)",
        "np.lib.stride_tricks.sliding_window_view(a, 3)",
    ],
)
def test_the_check_sees(text):
    try:
        found = list(faults(text))
    except SyntaxError:
        return
    assert found


@pytest.mark.parametrize("text", ["zip([], [], strict=True)", "import math\nmath.lcm(1, 2)"])
def test_vermin_sees(text, tmp_path):
    (path := tmp_path / "newer.py").write_text(text)
    done = vermin(path)
    assert done.returncode == 1
    assert "requires !2, 3." in done.stdout


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.name)
def test_nothing_is_imported_but_numpy_and_pynq(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            imported = {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            imported = {node.module.split(".")[0]}
        else:
            continue
        assert imported <= MODULES
