"""Random networks are bit for bit what was exported, or refused before training, by name."""

from __future__ import annotations

import pytest

from msq_finn.build.differences import mismatches
from msq_finn.build.simulate import (
    reference_outputs,
)
from msq_finn.errors import MsqError
from msq_finn.lowering.host_side import Host
from msq_finn.lowering.lower import Target, lower
from msq_finn.lowering.rtl_nodes import check_rtl
from msq_finn.plan.frontend.graph import network_of_model

from .joined_networks import Joined
from .networks import exported
from .random_networks import Random, network
from .whole import STALLS, rtl_outputs, same_in_python

#: What FINN's steps say of what they stumble over.
CRASH = "refused the model"


def tried(seed, folder, make=Random):
    """Whether a network was built (in Python, or in RTL) and is right; False if it was refused."""
    model, shape = network(seed, make)
    source = exported(model, folder / "model.onnx", (1, *shape))
    try:
        lowered = lower(source, Target("Pynq-Z1"), folder)
        check_rtl(lowered.model)
        network_of_model(lowered.model, "random")
    except MsqError as error:
        assert CRASH not in str(error), f"seed {seed}"
        return False
    same_in_python(lowered, source, 5)
    return True


def test_twenty_networks(tmp_path):
    results = []
    for seed in range(20):
        (folder := tmp_path / str(seed)).mkdir()
        results.append(tried(seed, folder))
    assert sum(results) >= 12


#: Networks that were wrong, crashed in FINN's steps, or were refused for no reason.
ONCE_WRONG = [
    *((Joined, seed) for seed in (48, 49, 69, 91, 94)),
    *((Random, seed) for seed in (102, 111, 121)),
]


@pytest.mark.parametrize("make, seed", ONCE_WRONG)
def test_networks_that_went_wrong_once(tmp_path, make, seed):
    assert tried(seed, tmp_path, make)


@pytest.mark.slow
@pytest.mark.parametrize("make", [Random, Joined])
@pytest.mark.parametrize("start", range(20, 200, 20))
def test_two_hundred_networks(tmp_path, start, make):
    for seed in range(start, start + 20):
        (folder := tmp_path / str(seed)).mkdir()
        tried(seed, folder, make)


@pytest.mark.slow
@pytest.mark.parametrize("make", [Random, Joined])
@pytest.mark.parametrize("seed", range(0, 200, 20))
def test_some_in_rtl(tmp_path, seed, make):
    model, shape = network(seed, make)
    source = exported(model, tmp_path / "model.onnx", (1, *shape))
    try:
        lowered, images, outputs = rtl_outputs(source, tmp_path, 100_000, **STALLS)
    except MsqError as error:
        assert CRASH not in str(error)
        return
    reference, step = reference_outputs(source, images), Host(lowered.parent).output_step()
    assert mismatches(outputs, reference, step) == 0
