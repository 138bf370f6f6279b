"""QuantGRU against torch's, in training, and from checkpoint to checkpoint."""

import pytest
import torch
from brevitas.nn import QuantLSTM
from brevitas.quant import Int8ActPerTensorFloatMinMaxInit, Uint8ActPerTensorFloatMaxInit
from torch import nn

from msq_finn.nn import QuantGRU
from msq_finn.quant import MSQWeightPerChannelFloat
from msq_finn.training.assign import assign_rows, mixed_layers, row_schemes
from msq_finn.training.couple import coupled_layers

FLOAT = dict.fromkeys(
    f"{part}_quant" for part in ("weight", "bias", "io", "gate_acc", "sigmoid", "tanh")
)
LIMITS = {"sigmoid_quant": Uint8ActPerTensorFloatMaxInit, "sigmoid_max_val": 1.0}
for name, most in (("io", 1.0), ("tanh", 1.0), ("gate_acc", 4.0)):
    LIMITS |= {f"{name}_quant": Int8ActPerTensorFloatMinMaxInit}
    LIMITS |= {f"{name}_min_val": -most, f"{name}_max_val": most}
SHAPES = [
    {},
    {"num_layers": 2, "bidirectional": True},
    {"batch_first": True, "bias": False},
    {"batch_first": True, "bidirectional": True},
]


@pytest.mark.parametrize("shape", SHAPES)
def test_float_gru_is_torchs(shape):
    torch.manual_seed(0)
    theirs, ours = nn.GRU(5, 7, **shape), QuantGRU(5, 7, **shape, **FLOAT)
    ours.load_state_dict(theirs.state_dict())
    x, start = torch.randn(4, 3, 5), None
    for one, other in zip(ours(x, start), theirs(x, start), strict=True):
        assert torch.allclose(one, other, atol=1e-6)


@pytest.mark.parametrize("shape", SHAPES)
def test_quantized_gru_is_near_torchs(shape):
    torch.manual_seed(0)
    theirs, ours = nn.GRU(5, 7, **shape), QuantGRU(5, 7, **shape, **LIMITS)
    assert not ours.load_state_dict(theirs.state_dict(), strict=False).unexpected_keys
    x = torch.rand(4, 3, 5) * 2 - 1
    expected, found = theirs(x)[0], ours.eval()(x)[0]
    assert (found - expected).abs().max() < 0.06
    assert not torch.equal(found, expected)
    # With Brevitas's proxies around the quantizers it is the same.
    for layer in ours.layers:
        for direction in layer:
            direction.fast_mode = False
    assert torch.equal(ours(x)[0], found)


def test_states_are_on_the_grid_of_inputs():
    gru = QuantGRU(5, 7, io_bit_width=4, return_quant_tensor=True)
    gru(torch.randn(4, 3, 5))
    states, last = gru.eval()(torch.randn(4, 3, 5))
    assert states.bit_width == 4 and states.scale == gru.layers[0][0].io_quant.scale()
    assert torch.equal(states.value[-1:], last.value)


@pytest.mark.parametrize("kind", [QuantLSTM, QuantGRU])
def test_rows_train_and_outlive_checkpoints(kind):
    torch.manual_seed(0)
    make = {"weight_quant": MSQWeightPerChannelFloat, "num_layers": 2, "batch_first": True}
    model = nn.Sequential(kind(5, 8, **make))
    coupled = coupled_layers(model)
    gates = 4 if kind is QuantLSTM else 3
    assert [len(group) for group in coupled] == [gates, gates]
    assigned = assign_rows(model, 0.25, coupled=coupled)
    for group in coupled:
        assert len({tuple(assigned[name]) for name in group}) == 1
    before = {name: p.clone() for name, p in model.named_parameters()}
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(3):
        model(torch.randn(4, 6, 5))[0].square().sum().backward()
        optimizer.step()
    for name, parameter in model.named_parameters():
        if name.endswith("weight") or name.endswith("bias"):
            assert not torch.equal(parameter, before[name]), name
    again = nn.Sequential(kind(5, 8, **make))
    again.load_state_dict(model.state_dict())
    assert {n: row_schemes(m) for n, m in mixed_layers(again).items()} == assigned
    x = torch.randn(4, 6, 5)
    assert torch.equal(again.eval()(x)[0], model.eval()(x)[0])
