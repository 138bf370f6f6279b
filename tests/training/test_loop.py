"""The training loop on exclusive or: do the first two coordinates differ in sign?"""

import pytest
import torch
from brevitas.nn import QuantLinear
from torch import nn

from msq_finn.errors import MsqError
from msq_finn.quant import MSQWeightPerChannelFloat
from msq_finn.training.loop import accuracy, train


def problem():
    x = torch.randn(200, 4, generator=torch.Generator().manual_seed(7))
    return x, (x[:, 0] * x[:, 1] < 0).long()


def net():
    torch.manual_seed(0)
    return nn.Sequential(
        QuantLinear(4, 16, bias=True, weight_quant=MSQWeightPerChannelFloat),
        nn.ReLU(),
        nn.Dropout(0.1),
        nn.Linear(16, 2),
    )


def test_training_learns_and_reports():
    x, y = problem()
    model = net()
    before = accuracy(model, x, y)
    seen = []
    losses = train(
        model, x, y, 40, lr=0.02, on_epoch=lambda epoch, loss: seen.append((epoch, loss))
    )
    assert before < 0.7
    assert accuracy(model, x, y) > 0.9
    assert losses[-1] < losses[0]
    assert seen == list(enumerate(losses, start=1))
    assert not model.training


def test_accuracy_counts_every_sample():
    x = torch.eye(3)[torch.tensor([0, 1, 2, 0, 1])]
    y = torch.tensor([0, 1, 2, 1, 1])
    assert accuracy(nn.Identity(), x, y, batch_size=2) == 4 / 5


def test_same_seed_same_weights():
    x, y = problem()
    runs = []
    for seed in (3, 3, 4):
        model = net()
        threads = torch.get_num_threads()
        train(model, x, y, 3, seed=seed)
        assert torch.get_num_threads() == threads
        runs.append(torch.cat([p.flatten() for p in model.parameters()]))
    assert torch.equal(runs[0], runs[1])
    assert not torch.equal(runs[0], runs[2])


def test_regularization_is_minimised_too():
    x, y = problem()
    norms = []
    for weight in (0.0, 1.0):
        model = net()
        last = model[3].weight
        train(
            model, x, y, 10, lr=0.02, regularization=lambda w=weight, p=last: w * p.square().sum()
        )
        norms.append(last.norm().item())
    assert norms[1] < 0.5 * norms[0]


def test_augmentation_gets_the_batches():
    x, y = problem()
    sizes = []

    def augment(batch, generator):
        sizes.append((len(batch), torch.randint(100, (1,), generator=generator).item()))
        return batch

    train(net(), x, y, 1, batch_size=64, augment=augment)
    assert [size for size, _ in sizes] == [64, 64, 64]


def test_divergence_is_an_error_that_names_the_parameter():
    x, y = problem()
    model = net()
    with pytest.raises(MsqError, match=r"epoch 1: the loss is nan, parameter 0\.weight"):
        train(model, x * float("inf"), y, 2)


def test_too_few_samples_are_refused():
    x, y = problem()
    with pytest.raises(MsqError, match="10 samples do not fill one batch of 64"):
        train(net(), x[:10], y[:10], 1)
