"""What msq_finn does otherwise on upstream FINN, on graphs and texts that need no checkout."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from onnx import helper
from qonnx.core.onnx_exec import execute_onnx

from msq_finn import finn_compat
from msq_finn.errors import MissingToolError
from msq_finn.finn_compat import frontend, nodes

from .test_stand_ins import MAP, SAME, THRESHOLDS, model_of, node, quantizer

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
GENERAL = "qonnx.custom_op.general"


def quant(source, output, signed):
    return node("Quant", [source, "s", "z0", "b"], output, domain=GENERAL, signed=signed, narrow=0,
                rounding_mode="ROUND")  # fmt: skip


QUANT = {"s": 0.5, "z0": 0.0, "b": 4.0}


@pytest.mark.parametrize(("signed", "relus"), [(0, 1), (1, 0)])
def test_unsigned_quantizers_get_a_relu_that_changes_nothing(signed, relus):
    model = model_of([quant("x", "z", signed)], MAP, SAME, QUANT)
    changed = model.transform(frontend.RectifyUnsignedQuants())
    assert len(changed.get_nodes_by_op_type("Relu")) == relus
    feed = {"x": np.random.default_rng(0).normal(0, 4, (1, 4, 4, 3)).astype(np.float32)}
    assert np.array_equal(execute_onnx(changed, feed)["z"], execute_onnx(model, feed)["z"])


def test_a_relu_that_is_there_is_enough():
    model = model_of([node("Relu", ["x"], "m"), quant("m", "z", 0)], MAP, SAME, QUANT)
    changed = model.transform(frontend.RectifyUnsignedQuants())
    assert [n.op_type for n in changed.graph.node] == ["Relu", "Quant"]


def test_thresholds_are_laid_out_as_what_they_read():
    model = model_of([quantizer("x", "z")], MAP, SAME, THRESHOLDS)
    model.set_tensor_layout("x", ["N", "H", "W", "C"])
    assert not model.get_tensor_layout("z")
    changed = model.transform(frontend.LayOutThresholds())
    assert changed.get_tensor_layout("z") == ["N", "H", "W", "C"]


class Op:
    """A node of ours, as far as ports are concerned."""

    def __init__(self, kind, outputs):
        self.onnx_node = helper.make_node(kind, ["x", "w"], [f"y{i}" for i in range(outputs)])


TEXT = "in0_V_TDATA in1_V_TDATA out0_V_TVALID ASSOCIATED_BUSIF in1_V:in0_V:out0_V pout0_V_TDATA"
MAIN_TEXT = (
    "in0_V_TDATA weights_V_TDATA out_V_TVALID ASSOCIATED_BUSIF weights_V:in0_V:out_V pout0_V_TDATA"
)


@pytest.mark.parametrize(
    ("main", "kind", "outputs", "expected"),
    [
        (True, "MVAU_MSQ_rtl", 1, MAIN_TEXT),
        (True, "AddStreams_rtl", 1, MAIN_TEXT.replace("weights_V", "in1_V")),
        (True, "DuplicateStreams_rtl", 2, TEXT),
        (False, "MVAU_MSQ_rtl", 1, TEXT),
    ],
)
def test_ports_have_the_lines_names(monkeypatch, main, kind, outputs, expected):
    monkeypatch.setattr(nodes, "is_main", lambda: main)
    assert nodes.rename_ports(TEXT, Op(kind, outputs)) == expected


def test_an_error_names_what_is_missing_and_where(finn, monkeypatch):
    lacking = ImportError("cannot import name 'x' from 'finn.y'", name="finn.y")
    assert str(finn_compat.missing(lacking)).startswith("finn-plus 1.6.1 lacks what msq_finn needs")
    monkeypatch.setattr(finn_compat, "version", lambda: "upstream FINN in /finn")
    other = finn_compat.missing(ModuleNotFoundError("No module named 'bar'", name="bar"))
    assert (
        str(other) == "upstream FINN in /finn needs bar, which is missing (No module named 'bar')"
    )
    monkeypatch.setattr(finn_compat, "version", lambda: None)
    assert str(finn_compat.missing(lacking)) == "no FINN; pip install finn-plus psutil"


BUILT = {
    "images": 3, "mismatches": 0, "package_mismatches": 0, "cycles_per_image": 98304.0,
    "predicted_cycles_per_image": 98304, "seconds": 61.5,
    "seconds_per_stage": {"conversion to RTL": 20.5, "FIFO sizes": 31.0, "simulation": 10.0},
}  # fmt: skip
DIFFERS, PACKAGE = BUILT | {"mismatches": 2}, BUILT | {"package_mismatches": 1}
STOPPED = {"error": "MsqError: no RTL"}


@pytest.mark.parametrize(
    ("answers", "code", "told"),
    [
        ({"tfc": BUILT}, 0, ["tfc: 0 of 3 images differ, 0 in the package; 61.5 s (20.5 "]),
        ({"tfc": BUILT, "cnv": DIFFERS}, 1, ["tfc: 0 of 3", "cnv: 2 of 3 images differ"]),
        ({"tfc": PACKAGE}, 1, ["tfc: 0 of 3 images differ, 1 in the package; 61.5 s"]),
        ({"cnv": STOPPED, "tfc": BUILT}, 1, ["cnv: MsqError: no RTL", "tfc: 0 of 3 images"]),
    ],
    ids=["fits", "differs", "package", "stopped"],
)
def test_a_checkout_is_told_of_network_by_network(
    tmp_path, monkeypatch, capsys, answers, code, told
):
    monkeypatch.syspath_prepend(BENCHMARKS)
    import upstream_finn

    (tmp_path / "src" / "finn").mkdir(parents=True)
    monkeypatch.setattr(
        upstream_finn,
        "ask",
        lambda name, images, finn, *, sized: answers.get(name, {"FINN": "upstream"}),
    )
    asked = [part for name in answers for part in ("--network", name)]
    monkeypatch.setattr(sys, "argv", ["upstream_finn.py", "--finn", str(tmp_path), *asked])
    monkeypatch.setenv("COLUMNS", "200")
    assert upstream_finn.main() == code
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "FINN: upstream"
    for line, start in zip(lines[1 : 1 + len(told)], told, strict=True):
        assert line.startswith(start)


CHILD = """
import json, finn
from msq_finn import finn_compat
from finn.marker import PLACE
try:
    root, error = str(finn_compat.rtl_library()), None
except Exception as problem:
    root, error = None, f"{type(problem).__name__}: {problem}"
print(json.dumps([finn_compat.version(), PLACE, root, error, finn_compat.is_main()]))
"""


@pytest.mark.parametrize("library", [True, False])
def test_a_checkout_is_laid_over(tmp_path, library, monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    from upstream_finn import lay_over

    checkout, overlay = tmp_path / "checkout", tmp_path / "overlay"
    package = checkout / "src" / "finn"
    package.mkdir(parents=True)
    overlay.mkdir()
    (package / "marker.py").write_text("PLACE = __file__")
    if library:
        (checkout / "finn-rtllib").mkdir()
    done = subprocess.run(
        [sys.executable, "-c", CHILD],
        env=lay_over(checkout, overlay), capture_output=True, text=True, check=True,
    )  # fmt: skip
    version, place, root, error, main = json.loads(done.stdout.splitlines()[-1])
    assert version == f"upstream FINN in {package}" and place == str(package / "marker.py")
    assert main  # it has no finn.xsi
    if library:
        assert root == str(checkout / "finn-rtllib") and error is None
    else:
        assert error.startswith(f"{MissingToolError.__name__}: no finn-rtllib in {checkout}")


@pytest.mark.usefixtures("finn")
def test_ops_tell_their_resources_with_a_part_and_without():
    """finn-plus names the part; upstream does not."""
    from finn.custom_op.fpgadataflow import custom_op
    from finn.custom_op.fpgadataflow.rtl import custom_op as rtl

    told = set()
    for op in (*custom_op.values(), *rtl.values()):
        for resource in ("bram", "bram_efficiency", "lut", "uram", "uram_efficiency"):
            method = getattr(op, f"{resource}_estimation", None)
            if getattr(method, "__module__", "").startswith("msq_finn."):
                told.add(op.__name__)
                for arguments in ((), ("xc7z020clg400-1",)):
                    inspect.signature(method).bind(op, *arguments)
    assert told >= {"MVAU_MSQ_rtl", "VVAU_MSQ_rtl", "LSTM_MSQ_rtl", "GRU_MSQ_rtl"}
