"""Checkpoints, models and pictures that `msq-finn inspect` cannot take."""

from __future__ import annotations

import io
import os
import random
import time
import warnings

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from msq_finn.cli import main

from . import models as m
from .conftest import LIMIT_S, contents
from .files import SEED, damaged_files
from .graphs import wrong_graphs
from .test_checks import NAMES

KINDS = "fc.weight_quant.tensor_quant.int_quant.row_kinds"
LEARNED = "fc.weight_quant.tensor_quant.scaling_impl.value"
SQUARE, TWO = torch.ones(2, 2), torch.tensor([0, 1])


def as_saved(content, **options):
    file = io.BytesIO()
    torch.save(content, file, **options)
    return file.getvalue()


def state(weight=SQUARE, kinds=TWO, **others):
    return {"fc.weight": weight, KINDS: kinds, **others}


def checkpoints():
    """(name, contents, text of the error)."""
    whole = as_saved(state())
    rng = random.Random(SEED)
    for length in (4, 5, 30, 100, *rng.sample(range(len(whole)), 12), len(whole) - 1):
        yield f"cut at {length}", whole[:length], "not a checkpoint of tensors"
    for name, content in {
        "an empty state_dict": {},
        "an empty one within": {"state_dict": {}},
        "nothing": None,
        "a number": 3,
        "a tensor": SQUARE,
        "a list": [SQUARE],
        "keys that are no names": {3: SQUARE, (1, 2): TWO},
    }.items():
        yield name, as_saved(content), "no row-mixed layers in it"
    yield "a scripted module", _scripted(), "not a checkpoint of tensors"
    yield "an archive of arrays", _archive(), "not a checkpoint of tensors"
    finite = "holds values that are no finite numbers"
    for value in (torch.nan, torch.inf, -torch.inf):
        for name, content in {
            "weights": state(SQUARE * value),
            "kinds": state(kinds=TWO + value),
            "scales": state(**{LEARNED: torch.tensor([1.0, value])}),
        }.items():
            yield f"{name}: {value}", as_saved(content), finite
    for kind in (torch.complex64, torch.complex128):
        yield f"weights: {kind}", as_saved(state(SQUARE.to(kind))), f"is a {kind} tensor"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of layouts in beta
        for name, tensor in {
            "torch.sparse_coo": SQUARE.to_sparse(),
            "torch.sparse_csr": SQUARE.to_sparse_csr(),
            "nested": torch.nested.nested_tensor([SQUARE, SQUARE]),
            "meta": SQUARE.to("meta"),
        }.items():
            yield f"weights: {name}", as_saved(state(tensor)), f"fc.weight is a {name} tensor"
    # Hardly any bytes, whose shape says terabytes.
    one = torch.ones(1, dtype=torch.int8)
    for shape in ((2, 10**12), (10**6, 10**6), (2, 2**40, 3, 3)):
        content = state(one.expand(*shape), one.expand(shape[0]))
        yield f"shape {shape}", as_saved(content), "is too large for an accelerator's layer"
    yield "a long list of kinds", as_saved(state(SQUARE, one.expand(10**12))), "is too large"


def _scripted():
    file = io.BytesIO()
    torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), file)
    return file.getvalue()


def _archive():
    file = io.BytesIO()
    np.savez(file, weight=np.ones(3))
    return file.getvalue()


CASES = [pytest.param(*rest, id=name) for name, *rest in checkpoints()]


@pytest.mark.parametrize(("content", "text"), CASES)
def test_checkpoints(refused, tmp_path, content, text):
    (tmp_path / "model.pt").write_bytes(content)
    assert refused("inspect", "model.pt", "-o", "rows.png", text=text).startswith(
        "msq-finn: model.pt: "
    )


TYPES = [torch.bool, torch.int8, torch.uint8, torch.float16, torch.bfloat16, torch.float8_e4m3fn]


@pytest.mark.parametrize("kind", TYPES, ids=str)
def test_weights_of_other_types_are_looked_at(tmp_path, kind):
    torch.save(state(SQUARE.to(kind)), tmp_path / "model.pt")
    done = CliRunner().invoke(main, ["inspect", str(tmp_path / "model.pt")])
    assert done.exit_code == 0 and "7 to 8" in done.stdout


def inspected(folder, name):
    """Inspect what may be accepted, and check that a refusal is one line; return the exit code."""
    before, started = contents(folder), time.monotonic()
    done = CliRunner().invoke(main, ["inspect", str(folder / name)])
    lines = done.stderr.splitlines()
    if done.exit_code:
        assert done.exit_code == 2 and len(lines) == 1 and not done.stdout, done.output
        assert lines[0].startswith("msq-finn: ") and lines[0].isprintable()
    else:
        assert not lines and done.stdout
    assert time.monotonic() - started < LIMIT_S
    assert contents(folder) == before
    return done.exit_code


def test_flipped_bits_of_checkpoints(tmp_path):
    whole = as_saved(state())
    rng = random.Random(SEED)
    codes = []
    for _ in range(60):
        spoiled = bytearray(whole)
        spoiled[rng.randrange(len(spoiled))] ^= 1 << rng.randrange(8)
        (tmp_path / "model.pt").write_bytes(spoiled)
        codes.append(inspected(tmp_path, "model.pt"))
    assert set(codes) == {0, 2}


def test_damaged_and_wrong_models(tmp_path):
    """Those that a build refuses: what is wrong with some does not matter here."""
    codes = []
    for _, content, _ in (*damaged_files(), *wrong_graphs()):
        (tmp_path / "model.onnx").write_bytes(m.as_bytes(content))
        codes.append(inspected(tmp_path, "model.onnx"))
    assert codes.count(2) > 0.5 * len(codes) > 100


@pytest.mark.parametrize("name", NAMES)
def test_strange_names(refused, tmp_path, name):
    path = tmp_path / name
    refused("inspect", path, text="no such file")
    path.write_bytes(b"PK\x03\x04")
    refused("inspect", path, text="not a checkpoint of tensors")
    for content in (as_saved(state()), m.as_bytes(m.valid())):
        path.write_bytes(content)
        assert inspected(tmp_path, name) == 0
    path.unlink()
    path.mkdir()
    refused("inspect", path, text="not a file")


PICTURES = [
    *(("rows", "no type of picture"), ("rows.pngg", "no type of picture"), (".png", "no type of")),
    *(("no/rows.png", "no folder"), ("file/rows.png", "Not a directory")),
    *(("tmp", "is a directory"), ("x" * 300 + ".png", "File name too long")),
    *(("/proc/rows.png", "cannot write to /proc"), ("/dev/full", "no type of picture")),
]


@pytest.mark.parametrize(("picture", "text"), PICTURES)
def test_pictures(refused, tmp_path, picture, text):
    (tmp_path / "model.onnx").write_bytes(m.as_bytes(m.valid()))
    (tmp_path / "file").touch()
    refused("inspect", "model.onnx", "-o", picture, text=text)


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_picture_in_a_locked_folder(refused, tmp_path):
    (tmp_path / "model.onnx").write_bytes(m.as_bytes(m.valid()))
    (tmp_path / "locked").mkdir(mode=0o500)
    refused("inspect", "model.onnx", "-o", "locked/rows.png", text="cannot be written; choose")
