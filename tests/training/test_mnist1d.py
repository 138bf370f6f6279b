"""MNIST-1D as generated here, and what a short training makes of it."""

import builtins
import random

import numpy as np
import pytest
import torch

from msq_finn.errors import MissingToolError
from msq_finn.training.loop import accuracy
from msq_finn.training.mnist1d import RECIPE, load_split

pytest.importorskip("mnist1d")


def test_split_is_the_authors_and_depends_on_the_seed():
    random.seed(1)
    np.random.seed(1)
    expected = random.random(), np.random.rand()
    random.seed(1)
    np.random.seed(1)
    split = load_split()
    assert (random.random(), np.random.rand()) == expected
    assert split.x_train.shape == (4000, 1, 40)
    assert split.x_test.shape == (1000, 1, 40)
    everything = torch.cat([split.x_train, split.x_test])
    assert everything.mean().item() == pytest.approx(0, abs=1e-5)
    assert everything.std().item() == pytest.approx(1, abs=1e-3)
    classes = torch.cat([split.y_train, split.y_test])
    assert classes.bincount().tolist() == [500] * 10
    assert torch.equal(load_split().x_test, split.x_test)
    assert not torch.equal(load_split(1).x_test, split.x_test)


def test_quantized_network_learns_from_the_float_network():
    split = load_split()
    float_model = RECIPE.pretrain(split, epochs=3)
    model = RECIPE.finetune(float_model, split, epochs=2, rows=2 / 3)
    assert accuracy(float_model, split.x_test, split.y_test) > 0.6
    assert accuracy(model, split.x_test, split.y_test) > 0.6


def test_missing_package_is_named(monkeypatch):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name.startswith("mnist1d"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingToolError, match="pip install mnist1d"):
        load_split()
