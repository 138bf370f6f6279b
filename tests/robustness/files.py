"""Malformed inputs, the same in every run: (name, contents, text that the error must have).

An empty text stands for inputs of which only the manner of refusal is known, such as flipped bytes.
"""

from __future__ import annotations

import io
import json
import random
import zipfile

import numpy as np

from . import models as m

SEED = 20261122


def damaged_files():
    """ONNX files cut off, overwritten, or of another kind."""
    whole = m.as_bytes(m.valid())
    rng = random.Random(SEED)
    for length in sorted({1, 2, 3, 5, 8, 13, *rng.sample(range(len(whole)), 34)} - {0}):
        yield f"cut at {length}", whole[:length], ""
    for index in range(40):
        spoiled = bytearray(whole)
        for _ in range(1 + index % 4):
            spoiled[rng.randrange(len(spoiled))] ^= 1 << rng.randrange(8)
        yield f"flips {index}", bytes(spoiled), ""
    for index in range(10):
        start = rng.randrange(len(whole) - 64)
        yield f"zeros {index}", whole[:start] + bytes(64) + whole[start + 64 :], ""
        yield f"hole {index}", whole[:start] + whole[start + 1 + index :], ""
    for length in (1, 10, 1000, 100_000):
        yield f"noise {length}", rng.randbytes(length), "not a complete ONNX file"
        yield f"nulls {length}", bytes(length), "not a complete ONNX file"
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("model.onnx", whole)
    yield "a zip of it", archive.getvalue(), "not a complete ONNX file"
    yield "empty", b"", "no ONNX model in it"
    yield "text", b"QuantConv2d(1, 8, 3)\n", "not a complete ONNX file"
    yield "utf-16 text", "model".encode("utf-16"), "not a complete ONNX file"
    yield "html", b"<!DOCTYPE html><html>404</html>", "not a complete ONNX file"
    yield "json", b'{"graph": []}', "not a complete ONNX file"
    yield "pickle", b"\x80\x04\x95\x0b\x00\x00\x00\x00\x00\x00\x00\x8c\x07os.exit\x94.", "not a"
    yield "git-lfs pointer", b"version https://git-lfs.github.com/spec/v1\n", "not a complete"
    yield "twice", whole + whole, ""
    yield "only a header", m.helper.make_model(m.helper.make_graph([], "", [], [])), "no ONNX model"
    yield "a name that is no UTF-8", whole.replace(b"relu", b"\xff\xfe\xff\xfe"), ""


def broken_arrays():
    """Images for a model whose input has the shape (1, 1, 4, 4)."""
    good = _npy(np.zeros((3, 1, 4, 4)))
    rng = random.Random(SEED)
    for length in (0, 1, 5, 6, 8, 10, 60, 127, 128, len(good) - 1):
        yield f"cut at {length}", good[:length], "not a NumPy array file"
    for shape in [(), (3,), (0, 1, 4, 4), (1, 1, 4, 4), (3, 4, 4), (3, 1, 4, 5), (3, 1, 4, 4, 1)]:
        yield f"shape {shape}", _npy(np.zeros(shape)), "the model wants (2 or more, *(1, 4, 4))"
    for value in (np.nan, np.inf, 1e300):
        yield f"{value}", _npy(np.full((2, 1, 4, 4), value)), "no finite numbers"
    for kind in ("S3", "U3", "?", "c16", "M8[s]", "V4", [("a", "f4")]):
        yield f"type {kind}", _npy(np.zeros((2, 1, 4, 4), kind)), "no finite numbers"
    yield "objects", _npy(np.full((2, 1, 4, 4), None)), "not a NumPy array file"
    archive = io.BytesIO()
    np.savez(archive, images=np.zeros((3, 1, 4, 4)))
    yield "an archive", archive.getvalue(), "arrays images, but the inputs are x"
    for index, text in enumerate(
        (
            "{'descr': '<f8', 'fortran_order': False, 'shape': (10000000000000, 1, 4, 4), }",
            "{'descr': '<f8', 'fortran_order': False, 'shape': (-3, 1, 4, 4), }",
            "{'descr': '<f8', 'fortran_order': False, 'shape': 'three', }",
            "{'descr': '<f8', 'fortran_order': False}",
            "{'descr': '<q99', 'fortran_order': False, 'shape': (3, 1, 4, 4), }",
            "__import__('os').mkdir('pwned')",
            "(" * 5000,
            "{'descr': '",
            "[]",
        )
    ):
        header = text.encode()
        size = len(header).to_bytes(2, "little")
        contents = b"\x93NUMPY\x01\x00" + size + header + bytes(384)
        yield f"header {index}", contents, "not a NumPy array file"
    for index in range(10):
        spoiled = bytearray(good)
        spoiled[rng.randrange(128)] ^= 1 << rng.randrange(8)
        yield f"flip {index}", bytes(spoiled), ""
    yield "text", b"0 1 2 3\n", "not a NumPy array file"
    yield "a pickle", b"\x80\x04\x95\x0b.", "not a NumPy array file"


def _npy(array):
    file = io.BytesIO()
    np.save(file, array, allow_pickle=True)
    return file.getvalue()


def broken_foldings():
    """Folding configurations that are refused before FINN sees them."""
    for text in ("", "{", "{]", "nul", "{'a': {}}", '{"a": {}} {}', "--- a: b", "\x00", "\ufeff{}"):
        yield repr(text), text.encode(), "not a JSON file"
    yield "no UTF-8", b'{"\xff": {}}', "not a JSON file"
    yield "nested", b"[" * 200_000, "not a JSON file"
    for value in (None, 3, "MVAU", [], [{}], True, 1e999):
        yield f"{value!r}", json.dumps(value).encode(), "is a JSON object"
        yield f"node: {value!r}", json.dumps({"MVAU": value}).encode(), "MVAU must be a JSON object"
    for name in ("SIMD", "PE"):
        for value in ("true", "1.5", '"4"', "null", "0", "-3", "[3]", "{}", "NaN", "1e999"):
            text = f'{{"MVAU": {{"{name}": {value}}}}}'
            yield text, text.encode(), f"MVAU: {name}={json.dumps(json.loads(value))}: give a whole"
    for value in ("true", "1.5", "null", "{}", "[null]", "[[1]]"):
        text = f'{{"MVAU": {{"ram_style": {value}}}}}'
        yield text, text.encode(), f"MVAU: ram_style={value}: give a whole number, a text"
    for name in ("depth", "inFIFODepths", "outFIFODepths"):
        for value in ("-1", "[-1]", '"2"'):
            text = f'{{"FIFO": {{"{name}": {value}}}}}'
            yield text, text.encode(), f"FIFO: {name}={value}: a depth is a whole number"
    for name in ("code_gen_dir_ipgen", "code_gen_dir_cppsim"):
        text = json.dumps({"MVAU": {name: "../../elsewhere"}})
        yield text, text.encode(), f'MVAU: {name}="../../elsewhere": a build chooses its own'
    yield "node twice", b'{"A": {"PE": 1}, "A": {"PE": 2}}', "'A' is given twice"
    yield "attribute twice", b'{"A": {"PE": 1, "PE": 2}}', "'PE' is given twice"
    for node, name, advice in (
        ("MVAU_MSQ_rtl_0", "SMID", "did you mean SIMD?"),
        ("StreamingFIFO_rtl_12", "deepth", "did you mean depth?"),
        ("Thresholding_rtl_3", "colour", "remove it"),
        ("VVAU_MSQ_rtl_0", "pe", "no attribute of it"),
    ):
        text = json.dumps({node: {name: 2}})
        yield text, text.encode(), advice
