"""The page that a build leaves."""

from __future__ import annotations

import re

import pytest

from msq_finn.build.node_summary import NodeSummary
from msq_finn.build.report.drawing import draw
from msq_finn.build.report.layout import lay_out
from msq_finn.build.report.page import render
from msq_finn.build.summary import FaultRecord, LayerSummary, Summary, TieRecord

from .. import browser


def node(name, what, *feeds, **more):
    return NodeSummary(name=name, what=what, feeds=feeds, **{"cycles": 600, "bits": 16} | more)


#: A residual block: the fork's second branch meets the first behind two layers.
NODES = [
    node("DuplicateStreams_rtl_0", "fork", "FIFO_0", "FIFO_1"),
    node("FIFO_0", "FIFO", "Window", depth=37),
    node("Window", "window generator", "MVAU_MSQ_rtl_0"),
    node("MVAU_MSQ_rtl_0", "matrix-vector layer", "Dwc", layer="conv1", cycles=1200,
         lut_sites=800, ff=900, dsp=4, bram36=1.5, longest_path_ps=8000),
    node("Dwc", "width converter", "Add", bits=64),
    node("FIFO_1", "FIFO", "Add", depth=12345),
    node("Add", "sum of two streams", cycles=64),
]  # fmt: skip


def blocks(number):
    """Residual blocks one behind the other, as in a ResNet, with the sum of each to the next."""
    found = []
    for block in range(number):
        behind = [f"{block + 1}.{NODES[0].name}"] if block + 1 < number else []
        for part in NODES:
            feeds = tuple(f"{block}.{name}" for name in part.feeds) or tuple(behind)
            found.append(part.model_copy(update={"name": f"{block}.{part.name}", "feeds": feeds}))
    return found


def spaced(text):
    return text.replace("\N{NO-BREAK SPACE}", " ")


def summary(**changes):
    layer = LayerSummary(
        name="conv1", node="MVAU_MSQ_rtl_0", op="MVAU_MSQ_rtl", mw=27, mh=16,
        rows={"sp2_4": 9, "fixed_8": 4, "sp2_4|fixed_4": 3}, rows_sp2=9, rows_fixed=7,
        lanes={"sp2_4_lut": 2, "fixed_8_dsp": 2}, predicted_lut_sites=790, pe_lut=2, pe_dsp=2,
        simd=9, cycles=1200, lut_sites=800, ff=900, dsp=4, bram36=1.5,
    )  # fmt: skip
    given = {
        "model": "net.onnx", "board": "Pynq-Z1", "part": "xc7z020clg400-1", "clk_ns": 10.0,
        "seed": 0, "predicted_cycles_per_image": 1200, "slowest_node": "MVAU_MSQ_rtl_0",
        "finn_seconds": 150.0, "msq_seconds": 10.5,
        "images_simulated": 8, "rtl_mismatches": 0, "cycles_per_image": 1201.0,
        "fps_at_clock": 83263.9, "lut_sites": 5320, "ff": 900, "dsp": 22, "bram36": 1.5,
        "versions": {"msq-finn": "0"}, "layers": [layer], "nodes": NODES,
        "stage_seconds": {"step_streamline": 1.5, "step_quick": 0.01},
    }  # fmt: skip
    return Summary(**given | changes)


def test_it_says_how_long_our_transformations_took_beside_finns_work():
    text = " ".join(render(summary(), 200.0).split())
    assert "FINN's work took 150.0 s and the transformations of msq-finn 10.5 s" in text
    assert "(7.0 % of FINN's)" in text


def test_resources_are_shares_of_the_boards():
    text = render(summary(), 200.0)
    assert "<td>5,320</td><td>of 53,200</td>\n<td>10.0 %</td>" in text
    assert "<td>22</td><td>of 220</td>\n<td>10.0 %</td>" in text


def test_every_node_has_its_cycles_and_its_share_of_the_image():
    text = render(summary(cycles_per_image=1200.0), 200.0)
    assert "<td>600</td><td>50 %</td>" in text and "FIFO of 12,345 words" in text
    slowest = re.search(r'<tr class="slowest"><td>MVAU_MSQ_rtl_0.*?</tr>', text, re.DOTALL)[0]
    assert "matrix-vector layer conv1" in slowest and "<td>100 %</td>" in slowest
    assert "<td>8.0</td>" in slowest and "8.0 ns, that is 125 MHz, for a clock of\n100 MHz" in text


def test_a_layer_stands_beside_what_the_cost_model_says_of_it():
    text = spaced(render(summary(), 200.0))
    assert "<td>800</td><td>790</td><td>900</td>" in text
    assert "2 SP2(4) LUT, 2 Fixed(8) DSP" in text


def test_steps_that_took_time_are_listed():
    text = render(summary(), 200.0)
    assert "<td>step_streamline</td><td>1.5</td>" in text and "step_quick" not in text


def test_ties_and_faults_are_counted_and_listed():
    tie = TieRecord(image=4, node="/3/Quant", index=[0, 7, 1], value=9.5, rtl=9, reference=10)
    fault = FaultRecord(image=5, node="MVAU_MSQ_rtl_1", values=12, why="sums differ")
    found = {"rtl_mismatches": 2, "rtl_ties": 1, "rtl_faults": 12, "ties": [tie], "faults": [fault]}
    text = " ".join(render(summary(**found), 200.0).split())
    assert "<b>2 differ</b>, with 1 ties and <b>12 faults</b> in their values" in text
    assert "/3/Quant</td><td>[0, 7, 1]</td><td>9.5</td><td>9</td><td>10</td>" in text
    assert '<td>5</td><td class="text">MVAU_MSQ_rtl_1</td><td>12</td>' in text
    assert "sums differ" in text


def test_a_build_that_failed_says_how_far_it_came():
    gone = dict.fromkeys(("images_simulated", "rtl_mismatches", "cycles_per_image", "fps_at_clock"))
    gone |= dict.fromkeys(("lut_sites", "ff", "dsp", "bram36"))
    gone["nodes"] = [NODES[-1]]
    text = render(summary(failed="the design starves", **gone), 200.0)
    assert "<b>The build did not come to its end: the design starves</b>" in text
    assert "images through" not in text and "Resources of" not in text and "None" not in text


def test_accuracies_may_lack_that_of_floats():
    text = " ".join(render(summary(accuracy_quant=0.5, accuracy_rtl=0.25), 200.0).split())
    assert "Accuracy: quantized 0.500, RTL 0.250." in text


def test_names_are_text():
    text = render(summary(model="<script>a&b</script>"), 200.0)
    assert "<script>a" not in text and "&lt;script&gt;a&amp;b&lt;/script&gt;" in text


def test_rows_are_counted_per_scheme():
    text = spaced(render(summary(), 200.0))
    assert ">sp2_4 9, fixed_8 4, sp2_4 or fixed_4 3</td>" in text


def test_lines_break_between_the_rows_of_two_schemes_only():
    text = render(summary(), 200.0)
    assert "sp2_4\N{NO-BREAK SPACE}9, fixed_8\N{NO-BREAK SPACE}4, sp2_4" in text


def test_a_device_without_figures_has_no_shares():
    text = render(summary(board="ZCU102", part="xczu9eg-ffvb1156-2-e"), 200.0)
    assert "<td>LUT sites</td><td>5,320</td></tr>" in text
    assert "<td>DSP slices</td><td>22</td></tr>" in text
    assert "<td>of " not in text


def test_what_only_passes_words_on_is_text_on_the_stream():
    drawn = str(draw(NODES, summary().layers, "MVAU_MSQ_rtl_0"))
    assert drawn.count("<g class=") == 4 and "MVAU_MSQ_rtl_0, matrix-vector layer" in drawn
    assert "16 bit, FIFO 37" in drawn and "16 bit, to 64 bit" in drawn
    assert drawn.count("(slowest)") == 1


def test_branches_stand_side_by_side():
    chain = {"fork": ["a", "b"], "a": ["c"], "b": ["sum"], "c": ["sum"], "sum": []}
    layout = lay_out(chain)
    assert layout.places["a"].row == layout.places["b"].row == 1
    assert layout.places["a"].column != layout.places["b"].column
    assert layout.places["sum"].row == 3
    assert layout.lanes == {("b", "sum"): layout.places["b"].column}
    assert len(set(layout.places.values())) == len(chain)


@pytest.mark.parametrize("width", [1300, 800])
def test_a_browser_shows_it_without_overlaps(width, tmp_path):
    tie = TieRecord(image=4, node="/3/Quant", index=[0, 7, 1], value=9.5, rtl=9, reference=10)
    fault = FaultRecord(image=5, node="MVAU_MSQ_rtl_1", values=12, why="sums differ")
    layers = [
        summary().layers[0].model_copy(update={"node": f"{n}.MVAU_MSQ_rtl_0"}) for n in "0123"
    ]
    found = {"rtl_mismatches": 2, "ties": [tie], "faults": [fault]}
    # Its drawing is taller than the window, and what is scrolled out of it covers no text below.
    page = render(summary(nodes=blocks(4), layers=layers, **found), 200.0)
    seen = browser.look(page, tmp_path, width)
    assert seen["texts"] > 300 and seen["overlaps"] == []
    assert seen["wide"] <= seen["window"]
    assert (tmp_path / f"page_{width}.png").stat().st_size > 20_000


def test_overlaps_are_seen(tmp_path):
    page = render(summary(), 200.0).replace(
        "h2 { margin-top: 2.5rem; }", "h2 { margin-bottom: -3rem; }"
    )
    assert browser.look(page, tmp_path, 800)["overlaps"]
