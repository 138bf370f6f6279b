"""Weights from a float network into a quantized one."""

import pytest
import torch
from torch import nn

from msq_finn.errors import MsqError
from msq_finn.models import digits_cnn
from msq_finn.quant import MSQWeightPerChannelFloat
from msq_finn.training.assign import row_schemes
from msq_finn.training.checkpoint import start_from


def test_weights_and_statistics_are_copied_and_rows_assigned_by_them():
    torch.manual_seed(1)
    float_model, model = digits_cnn(None), digits_cnn()
    float_model(torch.rand(8, 1, 8, 8))
    start_from(model, float_model)
    for name, tensor in float_model.state_dict().items():
        assert torch.equal(model.state_dict()[name], tensor), name
    variance = float_model.conv2.weight.flatten(1).var(1)
    sp2 = torch.tensor([scheme == "sp2_4" for scheme in row_schemes(model.conv2)])
    assert variance[sp2].max() < variance[~sp2].min()


def test_another_network_is_refused():
    with pytest.raises(MsqError, match=r"parameter conv1\.weight is not in the float network"):
        start_from(digits_cnn(), nn.Sequential())
    larger = digits_cnn(None)
    larger.add_module("extra", nn.Linear(10, 10))
    with pytest.raises(MsqError, match=r"parameter extra\.weight is not in the quantized network"):
        start_from(digits_cnn(), larger)
    other = digits_cnn(None)
    other.fc = nn.Linear(64, 10, bias=False)
    with pytest.raises(MsqError, match=r"does not fit: .*fc\.weight"):
        start_from(digits_cnn(), other)


def test_weights_that_are_not_finite_are_refused_by_name():
    diverged = digits_cnn(None)
    with torch.no_grad():
        diverged.conv2.weight[3, 1, 0, 0] = float("nan")
    with pytest.raises(MsqError, match=r"parameter conv2\.weight is not finite"):
        start_from(digits_cnn(), diverged)


class Masked(nn.Module):
    """A network with what float networks carry beside weights."""

    def __init__(self, weight_quant):
        super().__init__()
        self.body = digits_cnn(weight_quant)
        self.bias = nn.Parameter(torch.zeros(3))
        mask = torch.full((4, 4), -torch.inf).triu(1)
        for name, buffer in {
            "mask": mask,
            "allowed": mask.bool(),
            "positions": torch.arange(5),
            "byte": torch.arange(3, dtype=torch.uint8),
            "angles": torch.polar(torch.ones(2), torch.ones(2)),
            "halves": torch.full((2,), torch.inf, dtype=torch.float16),
            "epochs": torch.tensor(0),
        }.items():
            self.register_buffer(name, buffer)
        self.notes = "none"

    def get_extra_state(self):
        return {"notes": self.notes}

    def set_extra_state(self, state):
        self.notes = state["notes"]


def wrapped(model):
    return [model, nn.DataParallel(model), torch.compile(model, backend="eager")]


@pytest.mark.parametrize("which", range(3), ids=["bare", "data parallel", "compiled"])
def test_masks_integers_and_statistics_are_copied(which):
    float_model, model = Masked(None), Masked(MSQWeightPerChannelFloat)
    float_model.body(torch.rand(8, 1, 8, 8))
    float_model.epochs += 7
    float_model.allowed[0, 1] = False
    float_model.notes = "trained"
    start_from(wrapped(model)[which], wrapped(float_model)[which - 1])
    assert model.body.bn1.num_batches_tracked == 1 and model.notes == "trained"
    for name, tensor in float_model.state_dict().items():
        if isinstance(tensor, torch.Tensor):
            assert torch.equal(model.state_dict()[name], tensor), name


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("bias", torch.nan, "parameter bias is not finite"),
        ("bias", -torch.inf, "parameter bias is not finite"),
        ("mask", torch.nan, "buffer mask holds NaN"),
        ("angles", torch.nan, "buffer angles holds NaN"),
        ("body.bn2.running_var", torch.nan, r"buffer body\.bn2\.running_var holds NaN"),
    ],
)
def test_divergence_is_told_from_masks(name, value, message):
    float_model, model = Masked(None), Masked(MSQWeightPerChannelFloat)
    before = model.body.conv1.weight.clone()
    float_model.state_dict()[name].fill_(value)
    with pytest.raises(MsqError, match=message):
        start_from(model, float_model)
    assert torch.equal(model.body.conv1.weight, before)
