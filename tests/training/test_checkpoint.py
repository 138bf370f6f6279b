"""Weights from a float network into a quantized one."""

import pytest
import torch
from torch import nn

from msq_finn.errors import MsqError
from msq_finn.models import digits_cnn
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
