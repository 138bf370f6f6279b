"""A sound design is complained of nowhere, and each check makes its own complaint."""

from __future__ import annotations

import re

import pytest

from msq_finn.build.rehearsal.findings import RULES, Log
from msq_finn.build.rehearsal.marker import NO_BITFILE, is_marker
from msq_finn.build.rehearsal.stand_in import tool
from msq_finn.build.rehearsal.stand_in.component import read
from msq_finn.rtl.literals import remarked

from .scripts import DESIGN, rehearsed

STREAM = "connect_bd_intf_net [get_bd_intf_pins dma_0/out0_V] [get_bd_intf_pins first_0/in0_V]\n"
OTHER_CORE = """\
module core #(parameter WIDTH = 8) (
  input clk, input [WIDTH-1:0] d, input v, output [WIDTH-1:0] q, output w
);
endmodule
"""
RANGE = "-offset 0x40001000 -range 4096"

#: Per check: its rule, what is broken, and a part of what is said.
BROKEN = {
    "a script that is not there": (
        "tcl", [("stitch.tcl", None, "source nowhere.tcl\n")], "couldn't read file .nowhere.tcl",
    ),
    "unknown command": (
        "command", [("stitch.tcl", "save_bd_design\n", "save_bd_designs\n")],
        "unknown command save_bd_designs",
    ),
    "unknown option": (
        "command", [("stitch.tcl", "add_files -norecurse @/core", "add_files -force @/core")],
        "add_files has no option -force",
    ),
    "a word too much": (
        "command", [("stitch.tcl", "@/stitch -part", "@/a folder -part")],
        "create_project takes 1 to 2 words, not 3",
    ),
    "no such variable": (
        "tcl", [("stitch.tcl", "$cell/ap_clk", "$cells/ap_clk")],
        'can\'t read "cells": no such variable',
    ),
    "a source that is not there": (
        "file", [("stitch.tcl", "@/core.sv", "@/cores.sv")], "cores.sv is not there",
    ),
    "memory contents that are not there": (
        "file", [("core.sv", "memory.dat", "nothing.dat")], "reads .*nothing.dat, which is not",
    ),
    "memory contents by a relative path": (
        "file", [("core.sv", "@/memory.dat", "memory.dat")], "memory.dat: a relative path",
    ),
    "a repository that is not there": (
        "file", [("stitch.tcl", "project_dma_0/sol1", "project_dma_0/sol2")], "is not there",
    ),
    "a source that does not parse": (
        "compile", [("core.sv", "w <= v;", "w <= v")], r"core.sv:\d+: expected ';'",
    ),
    "SystemVerilog in a Verilog file": (
        "compile", [("first.v", "assign in0_V_TREADY =", "always_comb in0_V_TREADY =")],
        r"first.v:\d+",
    ),
    "a module that is nowhere": (
        "compile", [("core.sv", "module core", "module cores")], "unknown module 'core'",
    ),
    "bits cut off at a port": (
        "compile", [("first.v", ".WIDTH(WIDTH)", ".WIDTH(WIDTH-1)")], "truncates from 8 to 7",
    ),
    "a reference to no module": (
        "module", [("stitch.tcl", "-reference first", "-reference third")],
        "no source of the project declares third",
    ),
    "a reference to SystemVerilog": (
        "module", [("stitch.tcl", "-reference first", "-reference core")],
        "core is declared in core.sv: Vivado takes Verilog",
    ),
    "a packaged design that is none": (
        "module", [("stitch.tcl", "-module accel", "-module accels")], "no block design accels",
    ),
    "no such pin": (
        "port", [("stitch.tcl", "get_bd_pins dma_0/ap_clk", "get_bd_pins dma_0/clk")],
        "there is no pin dma_0/clk",
    ),
    "no such port": (
        "port", [("stitch.tcl", "get_bd_ports ap_clk_0", "get_bd_ports ap_clk_1")],
        "there is no port ap_clk_1",
    ),
    "two drivers": (
        "port", [("shell.tcl", "save_bd_design",
                  "connect_bd_net $clock [get_bd_pins reset_0/mb_reset]\nsave_bd_design")],
        "would drive one net",
    ),
    "an input that nothing drives": (
        "port", [("first.v", "input ap_rst_n,", "input ap_rst_n, input enable,")],
        "nothing drives /first_0/enable",
    ),
    "pins of different widths": (
        "width", [("stitch.tcl", "create_bd_pin -dir I -type clk",
                   "create_bd_pin -dir I -from 1 -to 0 -type clk")],
        "connected pins differ in width",
    ),
    "streams of different widths": (
        "width", [("first.v", "WIDTH = 8", "WIDTH = 16"),
                  ("top_dma_0.cpp", "ap_uint<8>", "ap_uint<16>")],
        "first_0/out0_V has 2 bytes a word, .* has 1",
    ),
    "a stream of no whole bytes": (
        "width", [("first.v", "WIDTH = 8", "WIDTH = 4"), ("second.v", "WIDTH = 8", "WIDTH = 4"),
                  ("top_dma_0.cpp", "ap_uint<8>", "ap_uint<4>")],
        "has 0.5 bytes a word",
    ),
    "no such parameter of a module": (
        "parameter", [("stitch.tcl", "validate_bd_design\n",
                       "set_property CONFIG.DEPTH 4 [get_bd_cells first_0]\n")],
        "module first has no parameter DEPTH",
    ),
    "no such parameter of an IP": (
        "parameter", [("shell.tcl", "CONFIG.NUM_MI", "CONFIG.NUM_MASTERS")], "NUM_MASTERS",
    ),
    "a parameter's value out of range": (
        "parameter", [("shell.tcl", "CONFIG.NUM_MI 2", "CONFIG.NUM_MI 65")],
        "takes 1 to 64, not 65",
    ),
    "no such interface": (
        "interface", [("shell.tcl", "accel_0/s_axilite_0] ", "accel_0/s_axilite_1] ")],
        "there is no interface pin accel_0/s_axilite_1",
    ),
    "interfaces of different kinds": (
        "interface", [("shell.tcl", "accel_0/m_axi_gmem0]", "accel_0/m_axis_0]")],
        "is axis, .* is aximm",
    ),
    "two masters": (
        "interface", [("stitch.tcl", STREAM, STREAM.replace("first_0/in0_V", "first_0/out0_V"))],
        "both give data",
    ),
    "a stream that is open": (
        "interface", [
            ("stitch.tcl", "make_bd_intf_pins_external [get_bd_intf_pins second_0/out0_V]\n"
             "set_property name m_axis_0 [get_bd_intf_ports out0_V_0]\n", ""),
            ("shell.tcl", "make_bd_intf_pins_external [get_bd_intf_pins accel_0/m_axis_0]\n", ""),
        ],
        "/second_0/second_0/out0_V is not connected",
    ),
    "a stream that is taken": (
        "interface", [("stitch.tcl", STREAM, STREAM + STREAM)], "is connected already",
    ),
    "a stream without its ready": (
        "interface", [("first.v", ", input out0_V_TREADY", ""),
                      ("first.v", "= out0_V_TREADY", "= 1'b1")],
        "first: out0_V: no tready",
    ),
    "an AXI-lite without a channel": (
        "interface", [("second.v", "s_axilite_RRESP", "s_axilite_RRES")], "s_axilite: no rresp",
    ),
    "no clock is said": (
        "clock", [("first.v", "ASSOCIATED_BUSIF in0_V:out0_V", "ASSOCIATED_BUSIF out0_V")],
        "no clock is associated with in0_V",
    ),
    "a clock that is open": (
        "clock", [("shell.tcl", "ps/M_AXI_GP0_ACLK ", "")], "nothing drives /ps/M_AXI_GP0_ACLK",
    ),
    "a reset that is open": (
        "reset", [("shell.tcl", "memory_0/aresetn", "")], "nothing drives /memory_0/aresetn",
    ),
    "two clocks": (
        "clock", [("shell.tcl", "connect_bd_net $clock [get_bd_pins accel_0/ap_clk]",
                   "create_bd_cell -type ip -vlnv xilinx.com:ip:clk_wiz:6.0 clk_0\n"
                   "set_property CONFIG.USE_RESET false [get_bd_cells clk_0]\n"
                   "connect_bd_net $clock [get_bd_pins clk_0/clk_in1]\n"
                   "connect_bd_net [get_bd_pins clk_0/clk_out1] [get_bd_pins accel_0/ap_clk]")],
        r"clocked by /(clk_0/clk_out1|ps/FCLK_CLK0), .* by /(clk_0/clk_out1|ps/FCLK_CLK0)",
    ),
    "no such IP": (
        "ip", [("shell.tcl", "us:finn:accel:1.0 accel_0", "us:finn:accels:1.0 accel_0")],
        "us:finn:accels:1.0: no repository",
    ),
    "an IP of Vivado's that is not known": (
        "ip", [("shell.tcl", "xilinx.com:ip:smartconnect:1.0", "xilinx.com:ip:smartconnect:9.9")],
        "nor does the stand-in know it",
    ),
    "an IP of two contents": (
        "name", [("shell.tcl", "[list @/ip]", "[list @/ip @/other]"),
                 ("shell.tcl", "create_bd_design", "file copy @/ip @/other\n"
                  "set f [open @/other/component.xml a]\nputs $f {<!-- -->}\nclose $f\n"
                  "create_bd_design")],
        "us:finn:accel:1.0 is in .* and, other, in .*other/component.xml",
    ),
    "an IP whose description is broken": (
        "ip", [("shell.tcl", "create_bd_design",
                "set f [open @/ip/component.xml a]\nputs $f <\nclose $f\ncreate_bd_design")],
        "component.xml is not well formed",
    ),
    "an IP that lacks a file": (
        "file", [("shell.tcl", "create_bd_design", "file delete @/ip/src/first.v\n"
                  "create_bd_design")],
        "lists src/first.v, which is not there",
    ),
    "a board of which there are no files": (
        "file", [("shell.tcl", "set_property board_part",
                  "file mkdir @/boards/other\nset f [open @/boards/other/board.xml w]\n"
                  "puts $f {<board vendor=\"v\" name=\"n\"/>}\nclose $f\n"
                  "set_property BOARD_PART_REPO_PATHS @/boards [current_project]\n"
                  "set_property board_part")],
        "no board.xml under .* is of www.digilentinc.com:pynq-z1",
    ),
    "a source of no known type": (
        "file", [("stitch.tcl", "@/core.sv", "@/top_dma_0.cpp")], "takes no such file as a source",
    ),
    "a report of no netlist": (
        "command", [("shell.tcl", "open_run impl_1\n", "")], "no run is open",
    ),
    "a run that was not launched": (
        "command", [("shell.tcl", "launch_runs -jobs 2 -to_step write_bitstream impl_1\n", "")],
        "wait_on_run impl_1, which was not launched",
    ),
    "a cell's name that is taken": (
        "name", [("stitch.tcl", "second_0/s_axilite\nadd_files", "second_0/out0_V\nadd_files")],
        "/second_0/out0_V is the name of another",
    ),
    "a port's name that is taken": (
        "name", [("stitch.tcl", "set_property name ap_rst_n", "set_property name ap_clk")],
        "/ap_clk is the name of another",
    ),
    "a module of two contents": (
        "name", [("second.v", "endmodule\n", "endmodule\n" + OTHER_CORE)],
        "core is declared by .*core.sv and differently by .*second.v",
    ),
    "an address out of reach": (
        "address", [("shell.tcl", RANGE, "-offset 0x90000000 -range 4096")], "out of the processor",
    ),
    "addresses that overlap": (
        "address", [("shell.tcl", RANGE, "-offset 0x40000000 -range 4096")], "overlaps",
    ),
    "an address that is not aligned": (
        "address", [("shell.tcl", RANGE, "-offset 0x40001800 -range 4096")], "no multiple",
    ),
    "a range of no power of two": (
        "address", [("shell.tcl", RANGE, "-offset 0x40001000 -range 5000")], "a range of 5000",
    ),
    "no such segment": (
        "address", [("stitch.tcl", "SEG_m_axi_gmem0_Reg", "SEG_m_axi_gmem1_Reg")],
        "there is no address segment",
    ),
    "an AXI-lite without a memory map": (
        "address", [("stitch.tcl", "set_property slave_memory_map_ref $name", "#")],
        "has no memory map",
    ),
    "no such property": (
        "property", [("stitch.tcl", "CONFIG.FREQ_HZ", "CONFIG.FREQUENCY")],
        "no property CONFIG.FREQUENCY",
    ),
    "a frequency that is none": (
        "property", [("stitch.tcl", "FREQ_HZ 100000000", "FREQ_HZ 1e8")], "a clock of 1e8 Hz",
    ),
    "no part": (
        "property", [("stitch.tcl", "-part xc7z020clg400-1", "-part zynq")], "zynq is no part",
    ),
    "a literal of 40 bits without a size": (
        "literal", [("core.sv", "40'h12_3456_789A", "'h12_3456_789A")], "without a size",
    ),
    "a literal of 70,000 bits": (
        "literal", [("core.sv", "logic [39:0] KEY = 40'h12_3456_789A",
                     "logic [69999:0] KEY = 70000'h12_3456_789A")],
        "a literal of 70000 bits",
    ),
    "a text of 9,000 characters": (
        "literal", [("core.sv", "string CONTENTS =", f'string LONG = "{"x" * 9000}", CONTENTS =')],
        "a text of 9000 characters",
    ),
    "a name of 1,100 characters": (
        "literal", [("core.sv", "KEY", "K" * 1100)], "a name of 1100 characters",
    ),
    "a report outside the build": (
        "travel", [("shell.tcl", "@/report.xml", "/tmp/msq-finn-report.xml")],
        "/tmp/msq-finn-report.xml is in neither the build nor an installed package",
    ),
    "jobs of a larger machine": (
        "travel", [("shell.tcl", "-jobs 2", "-jobs 100000")], "of a machine with more cores",
    ),
    "jobs that are none": (
        "command", [("shell.tcl", "-jobs 2", "-jobs many")], "launch_runs -jobs many",
    ),
    "a design changed since it was validated": (
        "command", [("stitch.tcl", "save_bd_design\n",
                     "save_bd_design\ncreate_bd_cell -type hier late_0\n")],
        "accel was changed since its validation",
    ),
    "no top": (
        "module", [("shell.tcl", "set_property top top_wrapper [get_filesets sources_1]\n", "")],
        "the project has no top",
    ),
    "a top that is nowhere": (
        "module", [("shell.tcl", "set_property top top_wrapper", "set_property top tops")],
        "no source of the project declares it",
    ),
    "HLS of no such function": (
        "hls", [("hls.tcl", "set_top dma_0", "set_top dma_1")], "no source defines the top",
    ),
    "HLS of an interface that is no argument": (
        "hls", [("top_dma_0.cpp", "axis port=out0_V", "axis port=out1_V")], "which is no argument",
    ),
    "HLS of a header that is nowhere": (
        "hls", [("top_dma_0.cpp", '"ap_int.h"', '"dma.h"')], "includes dma.h, which is in none",
    ),
    "HLS of no source": (
        "file", [("hls.tcl", "@/top_dma_0.cpp", "@/top_dma_1.cpp")], "top_dma_1.cpp is not there",
    ),
}  # fmt: skip


def test_a_sound_design_is_complained_of_nowhere(tmp_path):
    assert rehearsed(tmp_path) == []
    bitfile = tmp_path / "link/link.runs/impl_1/top_wrapper.bit"
    assert is_marker(bitfile) and NO_BITFILE.startswith("THIS IS NO BITFILE")
    ip = read(tmp_path / "ip/component.xml")
    assert {bus.name: (bus.mode, bus.clock) for bus in ip.buses} == {
        "m_axi_gmem0": ("Master", "ap_clk"),
        "s_axi_control_0": ("Slave", "ap_clk"),
        "s_axilite_0": ("Slave", "ap_clk"),
        "m_axis_0": ("Master", "ap_clk"),
    }
    assert next(b for b in ip.buses if b.name == "s_axilite_0").config["ADDR_WIDTH"] == "8"


@pytest.mark.parametrize("name", BROKEN)
def test_each_check_makes_its_own_complaint(tmp_path, name):
    rule, changes, text = BROKEN[name]
    found = rehearsed(tmp_path, changes)
    # Where a fault shows at several places, each complaint is of it.
    assert found
    for complaint in found:
        assert complaint.rule == rule and re.search(text, complaint.text), str(complaint)
        assert complaint.script and complaint.line > 0 and str(complaint).endswith(f"[{rule}]")


def test_there_is_a_broken_script_for_every_rule():
    assert {rule for rule, *_ in BROKEN.values()} | {"flow"} == set(RULES)


def test_a_long_literal_of_which_the_source_says_so_is_none_of_the_complaints(tmp_path):
    long = "logic [69999:0] KEY = 70000'h12_3456_789A"
    source = (DESIGN / "core.sv").read_text()
    text = remarked(source.replace("logic [39:0] KEY = 40'h12_3456_789A", long))
    assert long in text and text.startswith("// A literal of 70000 bits")
    assert rehearsed(tmp_path, [("core.sv", None, text)]) == []
    _, unseen = Log(tmp_path / "log").read()
    assert "whether Vivado takes the literal of 70000 bits in core.sv" in [f.text for f in unseen]


def test_a_call_that_is_none_of_finns_is_complained_of(tmp_path, monkeypatch):
    monkeypatch.setenv(tool.LOG, str(tmp_path / "log"))
    assert tool.main(["vivado", "-mode", "gui", "-source", "stitch.tcl"]) == 1
    assert tool.main(["vivado", "-mode", "batch", "-source", "nowhere.tcl"]) == 1
    found = [(f.rule, f.text) for f in Log(tmp_path / "log").read()[0]]
    assert found == [
        ("command", "vivado called with -mode gui -source stitch.tcl"),
        ("file", "there is no script nowhere.tcl"),
    ]
