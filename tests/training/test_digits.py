"""The digits and the pair of networks trained on them."""

import pytest
import torch

from msq_finn.training.assign import row_schemes
from msq_finn.training.augment import shift
from msq_finn.training.digits import finetune, load_split, pretrain
from msq_finn.training.loop import accuracy


def test_split_is_stratified_and_complete(split):
    assert (len(split.x_train), len(split.x_test)) == (1437, 360)
    assert split.x_train.shape[1:] == (1, 8, 8)
    for x in (split.x_train, split.x_test):
        assert (x.min(), x.max()) == (0, 1)
        assert torch.equal(x * 16, (x * 16).round())
    shares = [torch.bincount(y, minlength=10) / len(y) for y in (split.y_train, split.y_test)]
    assert (shares[0] - shares[1]).abs().max() < 0.003
    rows = {bytes(image.numpy()) for image in torch.cat([split.x_train, split.x_test])}
    assert len(rows) == 1797
    assert torch.equal(load_split(0).x_test, split.x_test)
    assert not torch.equal(load_split(1).x_test, split.x_test)


def test_shift_moves_each_image_by_up_to_one_pixel():
    x = torch.rand(90, 1, 8, 8)
    moved = shift(x, torch.Generator().manual_seed(0))
    padded = torch.nn.functional.pad(x, (1, 1, 1, 1))
    corners = [(y, z) for y in range(3) for z in range(3)]
    found = [
        [torch.equal(padded[i, :, y : y + 8, z : z + 8], moved[i]) for y, z in corners].index(True)
        for i in range(90)
    ]
    assert set(found) == set(range(9))


@pytest.fixture(scope="module")
def split():
    return load_split(0)


@pytest.fixture(scope="module")
def float_model(split):
    return pretrain(split, epochs=12)


@pytest.mark.parametrize(
    "options", [{"rows": {"conv2": 20}}, {"rows": 0.5, "strategy": "mse", "admm": True}], ids=str
)
def test_quantized_network_keeps_the_float_networks_accuracy(split, float_model, options):
    before = [p.clone() for p in float_model.parameters()]
    epochs = []
    model = finetune(
        float_model, split, epochs=12, on_epoch=lambda e, _: epochs.append(e), **options
    )
    assert all(map(torch.equal, before, float_model.parameters()))
    assert epochs == list(range(1, 13))
    accuracies = [accuracy(m, split.x_test, split.y_test) for m in (float_model, model)]
    assert min(accuracies) >= 0.97
    assert abs(accuracies[0] - accuracies[1]) <= 0.02
    counts = [row_schemes(conv).count("sp2_4") for conv in (model.conv1, model.conv2)]
    assert counts == ([8, 20] if "admm" not in options else [8, 16])


def test_hessian_is_of_the_training_loss(split, float_model):
    model = finetune(float_model, split, epochs=0, rows=0.25, strategy="hessian")
    by_variance = finetune(float_model, split, epochs=0, rows=0.25)
    for name in ("conv1", "conv2", "conv3"):
        chosen = row_schemes(model.get_submodule(name))
        assert chosen.count("sp2_4") == len(chosen) // 4
    conv2 = [row_schemes(m.conv2) for m in (model, by_variance)]
    assert conv2[0] != conv2[1]


def test_same_seed_same_networks(split):
    first, second = (pretrain(split, epochs=1, seed=5) for _ in range(2))
    assert torch.equal(first(split.x_test), second(split.x_test))
    quantized = [finetune(first, split, epochs=1, seed=5) for _ in range(2)]
    assert torch.equal(quantized[0](split.x_test), quantized[1](split.x_test))
