"""LSTMs and GRUs all the way, refused by name, and judged."""

from __future__ import annotations

import copy
import warnings
from dataclasses import replace

import brevitas.nn as qnn
import numpy as np
import pytest
import torch
from brevitas.export import export_qonnx
from brevitas.quant import (
    Int8ActPerTensorFloatMinMaxInit,
    Int8WeightPerChannelFloat,
    Uint8ActPerTensorFloat,
)
from qonnx.custom_op.registry import getCustomOp
from torch import nn

from msq_finn.build.differences import mismatches
from msq_finn.build.generate import generate
from msq_finn.build.simulate import (
    accelerator_inputs,
    executed,
    finished_by_host,
    reference_outputs,
)
from msq_finn.build.trial import random_images
from msq_finn.errors import MsqError
from msq_finn.lowering.host_side import Host
from msq_finn.lowering.lower import Target
from msq_finn.models import ActQuant, gru_classifier, lstm_classifier
from msq_finn.nn import QuantGRU
from msq_finn.plan.frontend.graph import network_of_file
from msq_finn.quant import FixedWeightPerTensorFloat, MSQWeightPerChannelFloat
from msq_finn.training.assign import assign_rows
from msq_finn.training.couple import coupled_layers

from .test_verdict import followed
from .whole import all_the_way

pytestmark = pytest.mark.usefixtures("finn")


class AllStates(nn.Module):
    """A recurrent layer of learned scales, whose states of all steps are classified together."""

    def __init__(self, kind, steps=3, hidden=4, layers=1, **options):
        super().__init__()
        options = {"weight_quant": MSQWeightPerChannelFloat, "batch_first": True} | options
        with warnings.catch_warnings():  # Brevitas warns of keywords for quantizers that are shared
            warnings.simplefilter("ignore")
            self.rnn = kind(6, hidden, layers, **options)
        hidden *= 2 if options.get("bidirectional") else 1
        last = {"bias": False, "weight_quant": FixedWeightPerTensorFloat}
        self.fc = qnn.QuantLinear(steps * hidden, 5, **last)

    def forward(self, x):
        states, _ = self.rnn(x)
        return self.fc(states.flatten(1))


class LastStates(nn.Module):
    """A layer in both directions, of which the last state of each is classified."""

    def __init__(self, kind):
        super().__init__()
        mixed = {"weight_quant": MSQWeightPerChannelFloat}
        self.rnn = kind(6, 4, batch_first=True, bidirectional=True, **mixed)
        self.fc = qnn.QuantLinear(8, 5, bias=False, weight_quant=FixedWeightPerTensorFloat)

    def forward(self, x):
        _, last = self.rnn(x)
        return self.fc(torch.cat([last[-2], last[-1]], 1))


def saved(model, path, shape, coupled=True):
    """Export a network whose statistics have settled, and whose rows are assigned."""
    torch.manual_seed(0)
    if coupled:
        assign_rows(model, 0.5, coupled=coupled_layers(model))
    model.train()
    for _ in range(12):
        model(torch.rand(8, *shape) * 2 - 1)
    example = torch.rand(1, *shape)
    export_qonnx(model.eval(), example, str(path), dynamo=False, opset_version=13)
    return path


def made(make, *args, **options):
    torch.manual_seed(3)
    return make(*args, **options)


NETWORKS = {
    "LSTM, last state": (lambda: made(lstm_classifier, hidden=6), (8, 8), 40_000),
    "GRU, all states": (lambda: made(AllStates, QuantGRU), (3, 6), 60_000),
    "LSTM, two layers": (lambda: made(AllStates, qnn.QuantLSTM, layers=2), (3, 6), 60_000),
    "GRU, last state": (lambda: made(gru_classifier, hidden=12), (8, 8), 20_000),
    "LSTM, 4 bits": (
        lambda: made(AllStates, qnn.QuantLSTM, io_bit_width=4, gate_acc_bit_width=6),
        (3, 6),
        60_000,
    ),
    "LSTM, both directions": (
        lambda: made(AllStates, qnn.QuantLSTM, bidirectional=True),
        (3, 6),
        60_000,
    ),
    "GRU, two layers of both directions": (
        lambda: made(AllStates, QuantGRU, layers=2, bidirectional=True),
        (3, 6),
        60_000,
    ),
    "GRU, last states of both directions": (
        lambda: made(LastStates, QuantGRU),
        (3, 6),
        60_000,
    ),
    "LSTM, several sequences in turn": (
        lambda: made(lstm_classifier, hidden=8),
        (8, 8),
        1_500_000,
    ),
}
QUICK = ("LSTM, last state",)


@pytest.mark.parametrize(
    "name", [n if n in QUICK else pytest.param(n, marks=pytest.mark.slow) for n in NETWORKS]
)
def test_bit_for_bit_all_the_way(name, tmp_path):
    make, shape, fps = NETWORKS[name]
    source = saved(make(), tmp_path / "model.onnx", shape)
    # Sequences that are taken in turn end a few at a time.
    network = all_the_way(source, tmp_path, fps, count=24 if "in turn" in name else 6)
    layers = [n for n in network.model.graph.node if n.op_type in ("LSTM_MSQ_rtl", "GRU_MSQ_rtl")]
    assert layers
    if "in turn" in name:
        assert getCustomOp(layers[0]).get_nodeattr("Sequences") > 1


class Twice(AllStates):
    def forward(self, x):
        states, last = self.rnn(x)
        return self.fc(states.flatten(1)), last


class LastOfAll(AllStates):
    """What a layer gives behind the sequence's last step, where the backward one begins."""

    def __init__(self, kind, **options):
        super().__init__(kind, steps=1, **options)

    def forward(self, x):
        states, _ = self.rnn(x)
        return self.fc(states[:, -1])


class Stacked(AllStates):
    """The last states of all layers, as they are given."""

    def forward(self, x):
        _, last = self.rnn(x)
        return last


class Rescaled(AllStates):
    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.rnn.layers[0][0].quantize_output_only = True
        self.quant = qnn.QuantIdentity(
            act_quant=Int8ActPerTensorFloatMinMaxInit,
            min_val=-3.0,
            max_val=3.0,
            return_quant_tensor=True,
        )

    def forward(self, x):
        return super().forward(self.quant(x))


LSTM = qnn.QuantLSTM
REFUSED = {
    "the last of all states, both directions": (
        lambda: LastOfAll(LSTM, bidirectional=True),
        r"rnn\.layers\.0\.1: its steps read a part of the sequence only; read the states of all",
    ),
    "last states, layers first": (
        lambda: Stacked(QuantGRU, layers=2),
        r"rnn\.layers\.0\.0: hardware gives the states of all steps .*, or the last",
    ),
    "all states and the last": (lambda: Twice(QuantGRU), r"read either, not both"),
    "inputs on another scale": (
        lambda: Rescaled(LSTM),
        r"rnn\.layers\.0\.0: its inputs have scale .* quantize both by one quantizer \(io_quant\)",
    ),
    "states without sign": (
        lambda: AllStates(QuantGRU, io_quant=Uint8ActPerTensorFloat),
        r"its states are quantized without sign",
    ),
    "wide sums": (
        lambda: AllStates(LSTM, gate_acc_bit_width=10),
        r"input_acc has integers -512 to 511; tables are read",
    ),
    "wide weights": (
        lambda: AllStates(LSTM, weight_quant=Int8WeightPerChannelFloat),
        r"its weights have no 4-bit codes; train it with a quantizer of msq_finn\.quant",
    ),
}


QUICKLY_REFUSED = ("the last of all states, both directions", "inputs on another scale")


@pytest.mark.parametrize(
    "name",
    [n if n in QUICKLY_REFUSED else pytest.param(n, marks=pytest.mark.slow) for n in REFUSED],
)
def test_the_plan_refuses_by_name(name, tmp_path):
    make, text = REFUSED[name]
    source = saved(made(make), tmp_path / "model.onnx", (3, 6))
    with pytest.raises(MsqError, match=text):
        network_of_file(source, "Pynq-Z1")


def test_rows_that_are_not_coupled_are_refused_by_name(tmp_path):
    model = made(AllStates, LSTM)
    source = saved(model, tmp_path / "model.onnx", (3, 6), coupled=False)
    with pytest.raises(MsqError, match=r"unit \d has rows of .*coupled=coupled_layers\(model\)"):
        network_of_file(source, "Pynq-Z1")


@pytest.mark.slow
def test_what_is_quantized_inside_is_judged(tmp_path):
    """What the layer quantizes in every step is compared with the exported quantizers."""
    source = saved(made(AllStates, LSTM, steps=2), tmp_path / "model.onnx", (2, 6))
    target = Target("Pynq-Z1", target_fps=100_000)
    network = generate(source, target, tmp_path, stop_before="step_msq_generate_rtl")
    images = (np.random.default_rng(0).random((2, 2, 6), np.float32) * 2 - 1).astype(np.float32)
    assert not any(result.fault for result in followed(source, network, images))
    wrong = replace(network, model=copy.deepcopy(network.model))
    (node,) = [n for n in wrong.model.graph.node if n.op_type == "LSTM_MSQ_rtl"]
    weights = wrong.model.get_initializer(node.input[1]).copy()
    weights[:, 0] = -weights[:, 0]
    wrong.model.set_initializer(node.input[1], weights)
    faults = [result.fault for result in followed(source, wrong, images) if result.fault]
    assert faults and {fault.node.split()[0] for fault in faults} == {node.name}
    assert all("input_acc_quant" in fault.node for fault in faults)


class Around(nn.Module):
    """A layer before, or a quantizer behind, or the last of all states, or steps first."""

    def __init__(self, form):
        super().__init__()
        mixed = {"weight_quant": MSQWeightPerChannelFloat}
        self.form, steps_first = form, form == "steps first"
        self.before, self.behind = nn.Identity(), nn.Identity()
        if form == "a layer before":
            pixels, relu = (k(act_quant=ActQuant) for k in (qnn.QuantIdentity, qnn.QuantReLU))
            layer = qnn.QuantLinear(6, 6, bias=False, **mixed)
            self.before = nn.Sequential(pixels, layer, relu)
        if form == "a quantizer behind":
            self.behind = qnn.QuantReLU(act_quant=ActQuant)
        kind = LSTM if steps_first else QuantGRU
        self.rnn = kind(6, 4, batch_first=not steps_first, **mixed)
        self.fc = qnn.QuantLinear(4, 5, bias=False, **mixed)

    def forward(self, x):
        x = self.before(x)
        if self.form == "steps first":
            return self.fc(self.rnn(x.transpose(0, 1))[0][-1])
        states = self.behind(self.rnn(x)[0])
        return self.fc(states[:, -1] if self.form == "the last of all states" else states)


@pytest.mark.slow
@pytest.mark.parametrize(
    "form", ["a layer before", "a quantizer behind", "the last of all states", "steps first"]
)
def test_what_stands_around_a_layer(form, tmp_path):
    source = saved(made(Around, form), tmp_path / "model.onnx", (3, 6))
    target = Target("Pynq-Z1", target_fps=100_000)
    network = generate(source, target, tmp_path, stop_before="step_msq_insert_streams")
    images = random_images(network, 6, seed=1)
    found = finished_by_host(network, executed(network, accelerator_inputs(network, images)))
    step = Host(network.parent).output_step()
    assert mismatches(found, reference_outputs(source, images), step) == 0
    assert np.ptp(found) > 0
