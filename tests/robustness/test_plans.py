"""Plan files and checkpoints that are refused in one line, at every key."""

from __future__ import annotations

import copy

import pytest
import torch
import yaml

from msq_finn.plan.frontend.network import Layer, Network
from msq_finn.plan.making import make_plan

from . import models as m

pytestmark = pytest.mark.usefixtures("checks_only")

NETWORK = Network("tiny", (Layer("conv", 16, 8, 64), Layer("fc", 8, 4, 1, steps=0)))
MADE = make_plan(NETWORK, "Pynq-Z1", "xc7z020clg400-1", "DSP48E1", target_fps=40_000)
PLAN = MADE.plan.model_dump()


def keys(content, at=()):
    """Paths to every mapping's keys; of the layers, only the first."""
    if isinstance(content, dict):
        for key, value in content.items():
            yield (*at, key)
            if key != "not_planned":
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


@pytest.mark.parametrize("where", KEYS, ids=lambda w: ".".join(map(str, w)))
def test_keys_given_twice(refused, tmp_path, where):
    """The second one holds what the first one does, so that only the repetition is wrong."""
    *outer, key = where
    if not isinstance(key, str):
        return
    content = copy.deepcopy(PLAN)
    place = content
    for step in outer:
        place = place[step]
    place["twice"] = place[key]
    text = yaml.safe_dump(content, sort_keys=False).replace("twice:", f"{key}:")
    (tmp_path / "model.onnx").write_bytes(m.as_bytes(m.valid()))
    (tmp_path / "plan.yaml").write_text(text)
    text = f"plan.yaml: {key} is given twice, again in line "
    refused("build", "model.onnx", "--plan", "plan.yaml", "-o", "out", text=text)


NEEDED = [
    *("version", "network", "board", "part", "clk_ns", "budget", "layers"),
    *(f"budget.{key}" for key in ("lut", "dsp", "bram")),
]
OF_LAYERS = ["mw", "mh", "vectors", "simd", "lanes", "rows"]


@pytest.mark.parametrize("key", [*NEEDED, *(f"layers.{key}" for key in OF_LAYERS)])
def test_missing_keys(refused, tmp_path, key):
    content = copy.deepcopy(PLAN)
    *outer, last = key.split(".")
    place = content
    for step in outer:
        place = place[step][0] if step == "layers" else place[step]
    del place[last]
    (tmp_path / "model.onnx").write_bytes(m.as_bytes(m.valid()))
    (tmp_path / "plan.yaml").write_text(yaml.safe_dump(content))
    text = f"plan.yaml: {key.replace('layers.', 'layer conv: ')}: "
    text += "None is not supported" if key == "version" else "field required"
    refused("build", "model.onnx", "--plan", "plan.yaml", "-o", "out", text=text)


def test_texts_of_other_encodings(refused, tmp_path):
    (tmp_path / "model.onnx").write_bytes(m.as_bytes(m.valid()))
    for encoding in ("utf-16", "latin-1"):
        content = yaml.safe_dump({**PLAN, "network": "é"}, allow_unicode=True)
        (tmp_path / "plan.yaml").write_bytes(content.encode(encoding))
        text = "plan.yaml: not UTF-8 text; give a plan"
        refused("build", "model.onnx", "--plan", "plan.yaml", "-o", "out", text=text)


@pytest.mark.parametrize("name", ["missing", "tmp", "/dev/zero", "x" * 300])
def test_what_is_no_plan_to_read(refused, tmp_path, name):
    (tmp_path / "model.onnx").write_bytes(m.as_bytes(m.valid()))
    refused("build", "model.onnx", "--plan", name, "-o", "out")


class Code:
    def __reduce__(self):
        return open, ("pwned", "w")


def test_code_in_a_checkpoint_is_not_run(refused, tmp_path):
    torch.save({"weight": Code()}, tmp_path / "model.pt")
    refused("inspect", "model.pt", text="not a checkpoint of tensors")
    assert not (tmp_path / "pwned").exists()
