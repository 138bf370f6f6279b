"""The digits and the pair of networks trained on them."""

import torch

from msq_finn.training.assign import row_schemes
from msq_finn.training.digits import load_split, shift, train_pair
from msq_finn.training.loop import accuracy


def test_split_is_stratified_and_complete():
    split = load_split(0)
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


def test_quantized_network_keeps_the_float_networks_accuracy():
    split = load_split(0)
    stages = []
    pair = train_pair(
        split, epochs=12, rows={"conv2": 20}, on_epoch=lambda *args: stages.append(args)
    )
    float_accuracy, accuracy_quant = (accuracy(m, split.x_test, split.y_test) for m in pair)
    assert float_accuracy >= 0.97
    assert accuracy_quant >= 0.97
    assert abs(float_accuracy - accuracy_quant) <= 0.02
    assert [stage[:2] for stage in stages] == [
        (stage, epoch) for stage in ("float", "quantized") for epoch in range(1, 13)
    ]
    counts = [row_schemes(conv).count("sp2_4") for conv in (pair[1].conv1, pair[1].conv2)]
    assert counts == [8, 20]


def test_same_seed_same_networks():
    split = load_split(0)
    pairs = [train_pair(split, epochs=1, seed=5) for _ in range(2)]
    for first, second in zip(*pairs, strict=True):
        assert torch.equal(first(split.x_test), second(split.x_test))
