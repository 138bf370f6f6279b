"""Plan files and checkpoints that are refused in one line, at every key."""

from __future__ import annotations

import copy

import pytest
import torch
import yaml

from msq_finn.plan.making import make_plan
from msq_finn.plan.network import Layer, Network

from . import models as m

pytestmark = pytest.mark.usefixtures("checks_only")

NETWORK = Network("tiny", (Layer("conv", 16, 8, 64), Layer("fc", 8, 4, 1, steps=0)))
PLAN = make_plan(NETWORK, "Pynq-Z1", "xc7z020clg400-1", "DSP48E1", target_fps=40_000).model_dump()


def keys(content, at=()):
    """Paths to every mapping's keys; of the layers, only the first."""
    if isinstance(content, dict):
        for key, value in content.items():
            yield (*at, key)
            if key not in {"next_best", "not_planned"}:
                yield from keys(value, (*at, key))
    elif isinstance(content, list) and content:
        yield from keys(content[0], (*at, 0))


KEYS = list(keys(PLAN))
BOMB = "a0: &a0 [x]\n" + "".join(f"a{i}: &a{i} [{f'*a{i - 1},' * 9}]\n" for i in range(1, 30))
TEXTS = ["", "version: 1", "version: 2", "- 1", "a: [", "!!python/object/apply:os.getcwd []", BOMB]


@pytest.mark.parametrize("where", KEYS, ids=lambda w: ".".join(map(str, w)))
def test_wrong_types(refused, tmp_path, where):
    (tmp_path / "model.onnx").write_bytes(m.as_bytes(m.valid()))
    for value in ({"a": 1}, object, [[]], float("nan"), -1, 10**400):
        content = copy.deepcopy(PLAN)
        place = content
        for key in where[:-1]:
            place = place[key]
        if value is object:
            place["unknown"] = 1
        else:
            place[where[-1]] = value
        (tmp_path / "plan.yaml").write_text(yaml.safe_dump(content))
        refused("build", "model.onnx", "--plan", "plan.yaml", "-o", "out", text="plan.yaml: ")


@pytest.mark.parametrize("text", TEXTS, ids=lambda t: t[:12])
def test_no_plans(refused, tmp_path, text):
    (tmp_path / "model.onnx").write_bytes(m.as_bytes(m.valid()))
    (tmp_path / "plan.yaml").write_text(text)
    refused("build", "model.onnx", "--plan", "plan.yaml", "-o", "out", text="plan.yaml: ")


class Code:
    def __reduce__(self):
        return open, ("pwned", "w")


def test_code_in_a_checkpoint_is_not_run(refused, tmp_path):
    torch.save({"weight": Code()}, tmp_path / "model.pt")
    refused("inspect", "model.pt", text="not a checkpoint of tensors")
    assert not (tmp_path / "pwned").exists()
