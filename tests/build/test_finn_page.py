"""The page on FINN, followed to the letter."""

from __future__ import annotations

import pytest

from ..pages import blocks, commands, run, run_python, text_of
from .networks import exported, mixed_to_the_end

PAGE = text_of("docs/how-to/finn.md")


@pytest.fixture
def folder(tmp_path):
    exported(mixed_to_the_end(), tmp_path / "model.onnx", (1, 2, 4, 4))
    return tmp_path


def test_the_script(folder):
    (script,) = blocks(PAGE, "python")
    run_python(script, folder)
    assert (folder / "out/report/estimate_layer_cycles.json").exists()


def test_the_command_line(folder):
    (yaml,) = blocks(PAGE, "yaml")
    (folder / "build.yaml").write_text(yaml)
    (command,) = (words for words in commands(PAGE) if words[1:3] == ["finn", "build"])
    run(command, folder)
    assert (folder / "out/deploy/driver/settings.json").exists()
