"""What `msq-finn inspect` says of models whose weights are known."""

from __future__ import annotations

import argparse
import fractions
import json
import os
import subprocess
import sys
from collections import OrderedDict

import brevitas.nn as qnn
import numpy as np
import pytest
import torch
from brevitas.export import export_qonnx
from brevitas.nn import QuantLinear
from click.testing import CliRunner
from matplotlib.image import imread

from msq_finn.cli import main
from msq_finn.inspect import inspect, projection_errors
from msq_finn.quant import MSQWeightPerChannelFloat, SP2WeightPerChannelFloat

from .robustness import models as m

SP2 = [-8, -6, -5, -4, -2, -1, 0, 1, 2, 4, 5, 6, 8]
CONV = np.array([[7, 3, 0, 1], [8, -5, 2, 0], [4, -2, 1, 0], [8, 7, 0, 1]])


def saved(tmp_path, edit=lambda model: None):
    model = m.valid()
    edit(model)
    path = tmp_path / "model.onnx"
    path.write_bytes(m.as_bytes(model))
    return path


def with_rows(model):
    """Row 0 must be fixed, row 1 must be SP2, row 2 may be either, row 3 is in no scheme."""
    weights = np.zeros((4, 1, 3, 3))
    weights[:, 0, 0, :], weights[:, 0, 1, 0] = CONV[:, :3], CONV[:, 3]
    m.set_tensor(model, "conv_w", weights / 8)


def test_rows_are_held_by_the_schemes_that_have_their_integers(tmp_path):
    conv, fc = inspect(saved(tmp_path, with_rows)).layers
    assert [row.schemes for row in conv.rows] == [["fixed_4"], ["sp2_4"], ["sp2_4", "fixed_4"], []]
    assert "".join(row.letter for row in conv.rows) == "FSE-"
    assert (conv.name, conv.op, conv.columns) == ("conv", "Conv", 9)
    assert (conv.smallest, conv.largest) == (-5, 8)
    assert (fc.name, fc.op, fc.columns, len(fc.rows)) == ("fc", "MatMul", 64, 3)


def test_scales_of_rows_are_divided_out(tmp_path):
    def edit(model):
        with_rows(model)
        scales = np.array([1, 3, 0.01, 7e-4]).reshape(4, 1, 1, 1) / 8
        m.set_tensor(model, "conv_w", m.array(model, "conv_w") * scales * 8)
        m.set_tensor(model, "conv_s", scales)

    conv = inspect(saved(tmp_path, edit)).layers[0]
    assert "".join(row.letter for row in conv.rows) == "FSE-"
    expected = (CONV * [[1], [3], [0.01], [7e-4]] / 8).astype(np.float32)
    for row, values in zip(conv.rows, expected, strict=True):
        values = np.concatenate([values, np.zeros(5)])
        assert row.variance == pytest.approx(values.var(), rel=1e-5)


def test_weights_that_the_quantizer_still_rounds_are_rounded(tmp_path):
    def edit(model):
        with_rows(model)
        m.set_tensor(model, "conv_w", m.array(model, "conv_w") + 0.04)

    conv = inspect(saved(tmp_path, edit)).layers[0]
    assert (conv.smallest, conv.largest) == (-5, 8)
    assert "".join(row.letter for row in conv.rows) == "FSE-"
    assert 0 < conv.rows[1].errors["sp2_4"] < 0.1


def test_errors_are_those_of_the_nearest_levels(rng):
    rows = rng.normal(size=(6, 40))
    alphas = [rng.uniform(0.5, 3, (6, 1)) for _ in range(4)]
    for scheme, grid in (("sp2_4", np.array(SP2) / 8), ("fixed_4", np.arange(-7, 8) / 7)):
        errors = [
            [min(sum(min((w - a * g) ** 2 for g in grid) for w in row) for a in trials)]
            for row, trials in zip(rows, np.hstack(alphas), strict=True)
        ]
        expected = np.ravel(errors) / (rows**2).sum(axis=1)
        np.testing.assert_allclose(projection_errors(rows, scheme, alphas), expected)


def test_a_gaussian_costs_sp2_half_as_much_again(rng):
    """1.30 % and 1.92 % with the best alpha, up to the noise of 20,000 weights."""
    rows = rng.normal(size=(1, 20_000))
    trials = [np.array([[t]]) for t in np.linspace(1.5, 4, 60)]
    assert projection_errors(rows, "fixed_4", trials)[0] == pytest.approx(0.0130, abs=0.0006)
    assert projection_errors(rows, "sp2_4", trials)[0] == pytest.approx(0.0192, abs=0.0008)


def test_an_exported_row_costs_its_own_scheme_nothing(tmp_path):
    conv = inspect(saved(tmp_path)).layers[0]
    for index, row in enumerate(conv.rows):
        own, other = ("sp2_4", "fixed_4") if index % 2 else ("fixed_4", "sp2_4")
        assert row.errors[own] < 1e-12
        assert row.errors[other] > 1e-3


def test_output_channels_are_found_behind_transposes_and_in_gemm(tmp_path):
    def transposed(model):
        m.set_tensor(model, "fc_w", m.array(model, "fc_w").T)
        m.between(model, "Transpose", "fc_q", perm=[1, 0])

    def gemm(model, transposes):
        m.node(model, "fc").op_type = "Gemm"
        if transposes:
            m.set_tensor(model, "fc_w", m.array(model, "fc_w").T)
            m.set_attribute(model, "fc", transB=1)

    plain = inspect(saved(tmp_path)).layers[1]
    edits = [transposed, lambda g: gemm(g, False), lambda g: gemm(g, True)]
    for edit in edits:
        assert inspect(saved(tmp_path, edit)).layers[1].rows == plain.rows


def test_the_figure_shows_rows_in_the_colours_of_their_schemes(tmp_path):
    inspect(saved(tmp_path), tmp_path / "rows.png")
    pixels = imread(tmp_path / "rows.png")[..., :3].reshape(-1, 3)
    for colour in ("2a6f97", "e07a5f"):
        rgb = np.array([int(colour[i : i + 2], 16) for i in (0, 2, 4)]) / 255
        assert (np.abs(pixels - rgb).max(axis=1) < 0.01).sum() > 1000
    unused = np.array([0x6A, 0x99, 0x4E]) / 255
    assert not (np.abs(pixels - unused).max(axis=1) < 0.01).any()


def msq_finn(*arguments):
    return CliRunner().invoke(main, [str(a) for a in arguments])


def test_the_command_prints_rows_or_json(tmp_path):
    path = saved(tmp_path, with_rows)
    text = msq_finn("inspect", path, "-o", tmp_path / "rows.svg").stdout
    assert "F1 S1 E1 -1" in text and "4 x 9" in text and "rows.svg" in text
    assert "FSE-" not in text and "FSE-" in msq_finn("inspect", path, "-v").stdout
    assert (tmp_path / "rows.svg").read_text().startswith("<?xml")
    data = json.loads(msq_finn("inspect", path, "--json").stdout)
    assert data["schema_version"] == 1
    assert data["layers"][0]["rows"][1]["schemes"] == ["sp2_4"]


@pytest.mark.parametrize(
    ("picture", "text"),
    [("rows.exe", "no type of picture; choose from .eps"), ("no/rows.png", "cannot write to")],
)
def test_pictures_that_cannot_be_made(tmp_path, picture, text):
    result = msq_finn("inspect", saved(tmp_path), "-o", tmp_path / picture)
    assert result.exit_code == 2 and text in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["model.onnx"]


def test_a_model_without_quantized_weights(tmp_path):
    def edit(model):
        m.set_end(model, "conv", "input", "conv_w", 1)
        m.set_end(model, "fc", "input", "fc_w", 1)
        for name in ("conv", "fc"):
            model.graph.node.remove(m.node(model, f"quant_{name}_q"))

    result = msq_finn("inspect", saved(tmp_path, edit))
    assert result.exit_code == 2 and "no quantized weights" in result.stderr


def test_finn_and_torch_are_not_needed(tmp_path):
    path = saved(tmp_path)
    code = (
        "import sys; from pathlib import Path; from msq_finn.inspect import inspect; "
        f"inspect(Path({str(path)!r})); "
        "print([n for n in ('finn', 'torch', 'brevitas') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("scaling", ["stats", "parameter_from_stats"])
def test_a_checkpoint_says_what_its_export_says(tmp_path, scaling):
    torch.manual_seed(0)
    model = torch.nn.Sequential(
        OrderedDict(
            conv=qnn.QuantConv2d(
                2, 8, 3, bias=False, weight_quant=MSQWeightPerChannelFloat,
                weight_scaling_impl_type=scaling,
            ),
            up=qnn.QuantConvTranspose2d(
                8, 6, 3, bias=False, weight_quant=MSQWeightPerChannelFloat
            ),
        )
    ).eval()  # fmt: skip
    image = torch.zeros(1, 2, 8, 8)
    model(image)
    export_qonnx(model, image, str(tmp_path / "model.onnx"), dynamo=False, opset_version=13)
    torch.save({"epoch": 3, "state_dict": model.state_dict()}, tmp_path / "model.pt")
    exported, saved = (inspect(tmp_path / name).layers for name in ("model.onnx", "model.pt"))
    assert [layer.name for layer in saved] == ["conv", "up"]
    for a, b in zip(exported, saved, strict=True):
        assert (a.columns, a.smallest, a.largest) == (b.columns, b.smallest, b.largest)
        assert [row.schemes for row in a.rows] == [row.schemes for row in b.rows]
    # An export holds weights that are quantized already, a checkpoint those in training.
    assert 0.001 < saved[0].mean_error("sp2_4") < 0.1


def test_checkpoints_that_cannot_be_read(tmp_path):
    path = tmp_path / "model.pt"
    for content, text in (
        (torch.nn.Linear(2, 2), "not a checkpoint of tensors"),
        ({"weight": torch.zeros(2, 2)}, "no row-mixed layers in it"),
        (
            {
                "fc.weight": torch.zeros(2, 2),
                "fc.weight_quant.tensor_quant.int_quant.row_kinds": torch.tensor([0, 2]),
            },
            "rows of fc have more schemes than sp2_4, fixed_4",
        ),
    ):
        torch.save(content, path)
        result = msq_finn("inspect", path)
        assert result.exit_code == 2 and text in result.stderr
        assert len(result.stderr.splitlines()) == 1
    path.write_bytes(path.read_bytes()[:200])
    assert "not a checkpoint of tensors" in msq_finn("inspect", path).stderr


KINDS = "fc.weight_quant.tensor_quant.int_quant.row_kinds"
LEARNED = "fc.weight_quant.tensor_quant.scaling_impl.value"


def state(weight, kinds, **others):
    found = {"fc.weight": weight, KINDS: kinds, **others}
    return {name: value for name, value in found.items() if value is not None}


TWO, SQUARE = torch.tensor([0, 1]), torch.ones(2, 2)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (state(None, TWO), "no fc.weight in it; save the whole model.state_dict()"),
        (state(torch.tensor(1.0), TWO), "fc.weight of shape () does not fit row_kinds of shape"),
        (state(torch.ones(0, 2), TWO[:0]), "fc.weight of shape (0, 2) does not fit row_kinds"),
        (state(torch.ones(2, 0), TWO), "fc.weight of shape (2, 0) does not fit row_kinds"),
        (state(torch.ones(3, 3), TWO), "fc.weight of shape (3, 3) does not fit row_kinds"),
        (state(SQUARE, torch.tensor(0)), "does not fit row_kinds of shape ()"),
        (state(SQUARE, TWO + 0.5), "row_kinds holds other values than 0 and 1"),
        (state(SQUARE, -TWO), "row_kinds holds other values than 0 and 1"),
        (state(SQUARE, TWO * torch.nan), "row_kinds holds values that are no finite numbers"),
        (state(SQUARE * torch.inf, TWO), "fc.weight holds values that are no finite numbers"),
        (state(SQUARE.to("meta"), TWO), "fc.weight is a meta tensor; save one of real numbers"),
        (state(SQUARE.to_sparse(), TWO), "fc.weight is a torch.sparse_coo tensor; save one of"),
        (state(SQUARE * 1j, TWO), "fc.weight is a torch.complex64 tensor; save one of real"),
        (state("weights", TWO), "fc.weight is a str, not a tensor; save it again"),
        (state(SQUARE, "kinds"), "row_kinds is a str, not a tensor; save it again"),
        (state(SQUARE, TWO, **{LEARNED: torch.ones(3)}), "of shape (3,) does not fit 2 rows"),
        ({"state_dict": None}, "no row-mixed layers in it"),
        (state(torch.ones(3, 2), TWO), "fc.weight of shape (3, 2) does not fit row_kinds"),
    ],
)
def test_checkpoints_whose_tensors_do_not_fit(tmp_path, content, text):
    torch.save(content, tmp_path / "model.pt")
    assert_one_line(msq_finn("inspect", tmp_path / "model.pt"), text)


def saved_net(scheme=MSQWeightPerChannelFloat, **options):
    torch.manual_seed(0)
    return QuantLinear(8, 6, bias=False, weight_quant=scheme, **options)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda net: torch.nn.Sequential(net).state_dict(),
        lambda net: net.state_dict(),
        lambda net: {"model": torch.nn.Sequential(net).state_dict(), "epoch": 3},
        lambda net: {"model_state_dict": net.state_dict(), "args": argparse.Namespace(lr=0.1)},
        lambda net: {"net": net.state_dict(), "best": np.float64(0.9), "counts": np.arange(3)},
        lambda net: {
            "state": {"net": net.state_dict()},
            "optimizer": {"state": {0: torch.ones(2)}},
        },
        lambda net: {"model": net.state_dict(), "ema": net.state_dict()},
        lambda net: {f"module.0.{key}": value for key, value in net.state_dict().items()},
        lambda net: torch.compile(torch.nn.Sequential(net)).state_dict(),
    ],
)
def test_what_scripts_save_is_read(tmp_path, wrap):
    path = tmp_path / "model.pt"
    net = saved_net(weight_row_mix=("pot_4", "fixed_3"), weight_mix_ratios=(0.5, 0.5))
    torch.save(wrap(net), path)
    (layer,) = inspect(path).layers
    assert layer.name in {"0", "weight"}
    ints = net.quant_weight().int()
    assert (layer.smallest, layer.largest) == (ints.min(), ints.max())


def test_layers_of_one_scheme_are_read(tmp_path):
    net = saved_net(SP2WeightPerChannelFloat, weight_bit_width=3)
    torch.save(net.state_dict(), tmp_path / "model.pt")
    (layer,) = inspect(tmp_path / "model.pt").layers
    assert (layer.smallest, layer.largest) == (-2, 2)


def test_checkpoints_of_several_networks_and_of_objects_are_named(tmp_path):
    path, state = tmp_path / "model.pt", saved_net().state_dict()
    torch.save({"first": state, "second": state}, path)
    assert_one_line(msq_finn("inspect", path), "several networks in it: first, second")
    torch.save({"model": state, "when": fractions.Fraction(1, 3)}, path)
    assert_one_line(msq_finn("inspect", path), "holds an object of fractions.Fraction")
    state["weight_quant.tensor_quant.int_quant._extra_state"] = torch.tensor([1e9])
    torch.save(state, path)
    assert_one_line(msq_finn("inspect", path), "its names of schemes are damaged")


def assert_one_line(result, text):
    assert result.exit_code == 2, result.output
    assert text in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_quantizers_that_do_not_fit_their_weights(tmp_path):
    def rounding(model, mode):
        m.set_attribute(model, "quant_conv_q", rounding_mode=mode)

    for edit, text in (
        (lambda g: m.set_tensor(g, "conv_s", np.ones((3, 1, 1, 1))), "scale of shape (3, 1, 1, 1)"),
        (lambda g: rounding(g, b"\xff"), "rounding_mode"),
        (lambda g: rounding(g, b"SIDEWAYS"), "unknown rounding_mode b'SIDEWAYS'; use ROUND"),
    ):
        assert_one_line(msq_finn("inspect", saved(tmp_path, edit)), text)


def test_a_bit_width_that_does_not_fit(tmp_path):
    def edit(model):
        name = m.node(model, "quant_conv_q").input[3]
        m.set_tensor(model, name, np.full(5, 4.0))

    assert_one_line(msq_finn("inspect", saved(tmp_path, edit)), "bit width of shape (5,)")


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert_one_line(msq_finn("inspect", tmp_path / "pipe"), "not a file; give a file's name")


def test_a_picture_does_not_take_the_place_of_a_pipe(tmp_path):
    os.mkfifo(tmp_path / "rows.png")
    result = msq_finn("inspect", saved(tmp_path), "-o", tmp_path / "rows.png")
    assert_one_line(result, "rows.png: not a regular file; choose another -o")
    assert (tmp_path / "rows.png").is_fifo()


def test_a_layer_named_like_markup(tmp_path):
    def edit(model):
        m.node(model, "conv").name = "[/x]"

    result = msq_finn("inspect", saved(tmp_path, edit))
    assert result.exit_code == 0 and "[/x]" in result.stdout
