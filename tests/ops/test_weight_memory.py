"""The memory beside a layer: a plain one, or FINN's where weights are written or pumped."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from qonnx.custom_op.registry import getCustomOp

from msq_finn.errors import MsqError

from . import test_mvau_msq_rtl as dense
from . import test_vvau_msq_rtl as depthwise
from .test_mvau_msq_rtl import PART, VERSAL, ZYNQ_US

pytestmark = pytest.mark.usefixtures("finn")

WRITTEN = {"runtime_writeable_weights": 1}
MAKERS = {
    "MVAU_MSQ": lambda rng, **more: dense.layer(rng, 12, 6, (0, 0, 4), 2, "UINT4", **more),
    "VVAU_MSQ": lambda rng, **more: depthwise.layer(rng, 1, (0, 0, 4), 2, "UINT4", **more),
}


@pytest.fixture(params=MAKERS)
def made(request, rng):
    """Makes a layer of its kind with further attributes."""
    return lambda **more: MAKERS[request.param](rng, **more)[0]


def memory(model, part, folder):
    """The wrapper that a layer's memory gets."""
    op = getCustomOp(model.graph.node[0])
    op.set_nodeattr("code_gen_dir_ipgen", str(folder))
    op.generate_hdl_memstream(part)
    return (folder / f"{op.onnx_node.name}_memstream_wrapper.v").read_text()


def vivado(model):
    """The op after code generation, Vivado's commands, and the files that they add, by name."""
    from finn.transformation.fpgadataflow.prepare_ip import PrepareIP

    op = getCustomOp(model.transform(PrepareIP(PART, 10)).graph.node[0])
    commands = op.code_generation_ipi()
    files = [Path(c.split()[-1]) for c in commands if c.startswith("add_files")]
    assert all(file.is_file() for file in files)
    return op, commands, {file.name: file for file in files}


def test_a_memory_that_is_only_read_has_no_other_port(made):
    op, commands, files = vivado(made())
    name = op.onnx_node.name
    assert "weight_rom.sv" in files
    wrapper = files[f"{name}_memstream_wrapper.v"].read_text()
    assert re.search(r"\n  weight_rom #\(", wrapper)
    assert 'memblock.dat"' in wrapper and "axilite" not in wrapper
    pins = {pin for c in commands for pin in re.findall(rf"/{name}_wstrm/(\w+)\]", c)}
    ports = set(re.findall(r"(?:in|out)put (?:\[.*\] )?(\w+)", wrapper))
    streams = {f"m_axis_0_t{signal}" for signal in ("data", "valid", "ready")}
    assert pins == {"ap_clk", "ap_clk2x", "ap_rst_n", "m_axis_0"}
    assert ports == pins - {"m_axis_0"} | streams


def test_a_memory_that_is_written_is_finns(made):
    op, commands, files = vivado(made(**WRITTEN))
    assert "weight_rom.sv" not in files
    assert "memstream_axi #(" in files[f"{op.onnx_node.name}_memstream_wrapper.v"].read_text()
    assert any("s_axilite" in command for command in commands)


def test_a_memory_at_twice_the_clock_is_finns(rng, tmp_path):
    text = memory(MAKERS["MVAU_MSQ"](rng, pumpedMemory=1)[0], PART, tmp_path)
    assert "memstream_axi #(" in text
    assert re.search(r"PUMPED_MEMORY = 1\b", text)


def test_upstreams_main_has_finns_from_vivados_catalogue(made, tmp_path, monkeypatch):
    monkeypatch.setattr("msq_finn.ops.lanes_rtl.is_main", lambda: True)
    assert "weight_rom" not in memory(made(), PART, tmp_path)


def test_ultra_ram_that_starts_empty_must_be_written(made, tmp_path):
    message = f"UltraRAM of {ZYNQ_US} has no initial contents; set runtime_writeable_weights"
    with pytest.raises(MsqError, match=message):
        memory(made(ram_style="ultra"), ZYNQ_US, tmp_path)
    text = memory(made(ram_style="ultra", **WRITTEN), ZYNQ_US, tmp_path)
    assert re.search(r'INIT_FILE = ""', text)


@pytest.mark.parametrize("more", [{}, WRITTEN], ids=["read", "written"])
def test_ultra_ram_of_versal_has_its_contents(made, tmp_path, more):
    text = memory(made(ram_style="ultra", **more), VERSAL, tmp_path)
    assert f'"{tmp_path / "memblock.dat"}"' in text
