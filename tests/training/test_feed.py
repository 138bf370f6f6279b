"""What is taken as inputs of what data loaders give."""

from collections import OrderedDict, UserDict

import pytest
import torch
from brevitas.nn import QuantIdentity
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from msq_finn.errors import MsqError
from msq_finn.training.calibrate import calibrate
from msq_finn.training.feed import feed

X, MASK, Y = torch.rand(4, 3) + 1, torch.ones(4, 3), torch.full((4,), 1e9)
NAN = torch.full((4, 3), torch.nan)


class One(nn.Module):
    def __init__(self):
        super().__init__()
        self.quant = QuantIdentity()

    def forward(self, x):
        return self.quant(x)


class Optional(One):
    def forward(self, x, mask=None, *, scale=1.0):
        return self.quant(x * scale if mask is None else x * mask)


class Two(One):
    def forward(self, left, right):
        return self.quant(left + right)


class Any(One):
    def forward(self, *tensors, **named):
        return self.quant(sum((*tensors, *named.values())))


class Whole(One):
    def forward(self, batch):
        return self.quant(batch["image"])


TAKEN = {
    "tensor": (One, X, X),
    "input and target": (One, (X, Y), X),
    "list": (One, [X, Y], X),
    "input alone": (One, [X], X),
    "dict with target": (One, {"x": X, "label": Y}, X),
    "mapping": (One, UserDict(x=X, label=Y), X),
    "ordered dict": (One, OrderedDict(x=X), X),
    "target beside an option": (Optional, (X, Y), X),
    "option by name": (Optional, {"x": X, "mask": MASK * 2, "y": Y}, X * 2),
    "keyword that is no tensor": (Optional, {"x": X, "scale": 3.0}, X * 3),
    "two inputs and target": (Two, (X, MASK, Y), X + 1),
    "two inputs inside": (Two, ((X, MASK), Y), X + 1),
    "dict inside": (Two, ({"left": X, "right": MASK}, Y), X + 1),
    "two by name": (Two, {"right": MASK, "y": Y, "left": X}, X + 1),
    "all": (Any, (X, MASK), X + 1),
    "all by name": (Any, {"a": X, "b": MASK}, X + 1),
    "the dict itself": (Whole, {"image": X, "label": Y}, X),
    "the dict itself, inside": (Whole, ({"image": X}, Y), X),
}


@pytest.mark.parametrize("kind", TAKEN)
@pytest.mark.parametrize("wrap", [lambda m: m, nn.DataParallel], ids=["bare", "wrapped"])
def test_the_inputs_are_found(kind, wrap):
    make, batch, expected = TAKEN[kind]
    model = make()
    model.quant = nn.Identity()
    assert torch.equal(feed(wrap(model), batch), expected)


@pytest.mark.parametrize("kind", TAKEN)
def test_calibration_takes_it(kind):
    """The scale is that of the inputs, not of the targets."""
    make, batch, expected = TAKEN[kind]
    model, reference = make(), One()
    calibrate(model, [batch, batch])
    calibrate(reference, [expected, expected])
    assert model.quant.act_quant.scale() == reference.quant.act_quant.scale()
    assert not model.training


LOADED = {
    "loader": lambda: DataLoader(TensorDataset(X, Y), batch_size=2),
    "generator": lambda: (x for x in X.split(2)),
    "bare tensor": lambda: X,
}


@pytest.mark.parametrize("correct_bias", [False, True])
@pytest.mark.parametrize("kind", LOADED)
def test_batches_come_from_loaders_and_generators(kind, correct_bias):
    model, reference = One(), One()
    calibrate(model, LOADED[kind](), correct_bias)
    calibrate(reference, [X] if kind == "bare tensor" else list(X.split(2)), correct_bias)
    assert model.quant.act_quant.scale() == reference.quant.act_quant.scale()


class Nested(nn.Module):
    def __init__(self):
        super().__init__()
        self.blocks = nn.Sequential(nn.Linear(3, 4), nn.Linear(5, 4))

    def forward(self, x):
        return self.blocks(x)


REFUSED = {
    "an array": (One, X.numpy(), "not a ndarray"),
    "nothing": (One, None, "not a NoneType"),
    "no items": (One, [], "a batch of 0 items, but One.forward needs x"),
    "one of two": (Two, [X], "a batch of 1 items, but Two.forward needs left, right"),
    "one of two by name": (Two, {"left": X}, "a batch of left, but Two.forward needs right"),
    "NaN": (One, NAN, "the batch holds NaN"),
    "NaN inside": (Two, {"left": X, "right": NAN}, "the batch holds NaN"),
    "another shape": (Nested, X, r"layer blocks\.1 does not take the batch: .*4x4 and 5x4"),
    "text": (One, ["hello", Y], "does not take the batch"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_does_not_fit_is_refused_by_layer_and_reason(kind):
    make, batch, reason = REFUSED[kind]
    with pytest.raises(MsqError, match=f"batch 1: .*{reason}") as caught:
        calibrate(make(), [batch])
    assert "\n" not in str(caught.value)


def test_scales_that_overflow_are_refused_by_the_layers_name():
    with pytest.raises(MsqError, match="layer quant: act_quant: its scale is not finite"):
        calibrate(One(), [X / 0])
