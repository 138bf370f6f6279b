"""Good folding files and plans with something changed at a random place."""

from __future__ import annotations

import copy
import json

import pytest
import yaml
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from msq_finn.cli import main

from . import models as m
from .conftest import REACHED
from .test_plans import PLAN

pytestmark = pytest.mark.usefixtures("checks_only")

FOLDING = {
    "Defaults": {"ram_style": ["auto", ["MVAU_MSQ_rtl"]]},
    "MVAU_MSQ_rtl_0": {"SIMD": 3, "PE": 2, "ram_style": "block", "inFIFODepths": [2, 3]},
    "StreamingFIFO_rtl_0": {"depth": 32, "impl_style": "rtl"},
}

#: Characters that mean something in JSON and YAML.
SIGNS = [bytes([sign]) for sign in b"{}[]:,&*!-\n"]

#: The same examples in every run.
FEW = settings(
    max_examples=100,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
values = st.recursive(
    scalars | st.integers(0, 40),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=4,
)


def places(content):
    """Every list and mapping with each of its keys."""
    keys = content if isinstance(content, dict) else range(len(content))
    for key in keys:
        yield content, key
        if isinstance(content[key], dict | list):
            yield from places(content[key])


@st.composite
def mutated(draw, good):
    """One to three values replaced, or entries taken away or renamed."""
    content = copy.deepcopy(good)
    for _ in range(draw(st.integers(1, 3))):
        at, key = draw(st.sampled_from(list(places(content)) or [({"": 0}, "")]))
        how = draw(st.sampled_from(["replace", "replace", "drop", "rename"]))
        if how == "replace":
            at[key] = draw(values)
        elif how == "drop":
            del at[key]
        elif isinstance(at, dict):
            at[draw(st.text(max_size=6))] = at.pop(key)
    return content


@st.composite
def garbled(draw, text):
    """A few characters overwritten, inserted or cut out, with any bytes."""
    spoiled = bytearray(text.encode())
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(spoiled) - 1))
        end = start + draw(st.integers(0, 8))
        spoiled[start:end] = draw(st.binary(max_size=4) | st.sampled_from(SIGNS))
    return bytes(spoiled)


@pytest.fixture
def judged(tmp_path, monkeypatch):
    """Start a build with an option's file of any content; whether it was accepted, or one line."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model.onnx").write_bytes(m.as_bytes(m.valid()))

    def run(option, name, content):
        (tmp_path / name).write_bytes(content)
        done = CliRunner().invoke(main, ["build", "model.onnx", option, name, "-o", "out"])
        lines = done.stderr.splitlines()
        assert done.exit_code == 2 and len(lines) == 1 and not done.stdout, done.output
        assert lines[0].isprintable()
        accepted = lines[0] == f"msq-finn: {REACHED}"
        assert accepted or lines[0].startswith(f"msq-finn: {name}: "), lines[0]
        assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["model.onnx", name])

    return run


@FEW
@given(mutated(FOLDING))
def test_values_of_foldings(judged, content):
    judged("--folding-config", "folding.json", json.dumps(content).encode())


@FEW
@given(garbled(json.dumps(FOLDING)))
def test_texts_of_foldings(judged, content):
    judged("--folding-config", "folding.json", content)


@FEW
@given(mutated(PLAN))
def test_values_of_plans(judged, content):
    judged("--plan", "plan.yaml", yaml.safe_dump(content).encode())


@FEW
@given(garbled(yaml.safe_dump(PLAN, sort_keys=False)))
def test_texts_of_plans(judged, content):
    judged("--plan", "plan.yaml", content)
