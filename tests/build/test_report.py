"""The page that a build leaves."""

from __future__ import annotations

from msq_finn.build.report import render
from msq_finn.build.summary import FaultRecord, LayerSummary, Summary, TieRecord


def summary(**changes):
    layer = LayerSummary(
        name="MVAU_MSQ_rtl_0", op="MVAU_MSQ_rtl", mw=27, mh=16,
        rows={"sp2_4": 9, "fixed_8": 4, "sp2_4|fixed_4": 3}, rows_sp2=9, rows_fixed=7,
        pe_lut=2, pe_dsp=2, simd=9, cycles=1200, lut_sites=800, ff=900, dsp=4, bram36=1.5,
    )  # fmt: skip
    given = {
        "model": "net.onnx", "board": "Pynq-Z1", "part": "xc7z020clg400-1", "clk_ns": 10.0,
        "seed": 0, "predicted_cycles_per_image": 1200, "slowest_node": "FMPadding_rtl_1",
        "finn_seconds": 150.0, "msq_seconds": 10.5,
        "images_simulated": 8, "rtl_mismatches": 0, "cycles_per_image": 1201.0,
        "fps_at_clock": 83263.9, "lut_sites": 5320, "ff": 900, "dsp": 22, "bram36": 1.5,
        "versions": {"msq-finn": "0"}, "layers": [layer],
    }  # fmt: skip
    return Summary(**given | changes)


def test_it_says_how_long_our_transformations_took_beside_finns_work():
    text = " ".join(render(summary(), {}, {}, 200.0).split())
    assert "FINN's work took 150.0 s and the transformations of msq-finn 10.5 s" in text
    assert "(7.0 % of FINN's)" in text


def test_resources_are_shares_of_the_boards():
    text = render(summary(), {}, {}, 200.0)
    assert "<td>5320</td><td>of 53200</td>\n<td>10.0 %</td>" in text
    assert "<td>22</td><td>of 220</td>\n<td>10.0 %</td>" in text


def test_the_slowest_node_may_be_any():
    text = " ".join(render(summary(), {}, {}, 200.0).split())
    assert "Slowest node: FMPadding_rtl_1, 1200 cycles an image." in text


def test_ties_and_faults_are_counted_and_listed():
    tie = TieRecord(image=4, node="/3/Quant", index=[0, 7, 1], value=9.5, rtl=9, reference=10)
    fault = FaultRecord(image=5, node="MVAU_MSQ_rtl_1", values=12, why="sums differ")
    found = {"rtl_mismatches": 2, "rtl_ties": 1, "rtl_faults": 12, "ties": [tie], "faults": [fault]}
    text = " ".join(render(summary(**found), {}, {}, 200.0).split())
    assert "<b>2 differ</b> from the exported model, with 1 ties and <b>12 faults</b>" in text
    assert "<td>4</td><td>/3/Quant</td><td>[0, 7, 1]</td><td>9.5</td><td>9</td><td>10</td>" in text
    assert "<td>5</td><td>MVAU_MSQ_rtl_1</td><td>12</td><td>sums differ</td>" in text


def test_a_build_that_failed_says_how_far_it_came():
    gone = dict.fromkeys(("images_simulated", "rtl_mismatches", "cycles_per_image", "fps_at_clock"))
    gone |= dict.fromkeys(("lut_sites", "ff", "dsp", "bram36"))
    text = render(summary(failed="the design starves", **gone), {}, {}, 200.0)
    assert "<b>The build did not come to its end: the design starves</b>" in text
    assert "images through" not in text and "Resources of" not in text and "None" not in text


def test_accuracies_may_lack_that_of_floats():
    text = " ".join(render(summary(accuracy_quant=0.5, accuracy_rtl=0.25), {}, {}, 200.0).split())
    assert "Accuracy: quantized 0.500, RTL 0.250." in text


def test_names_are_text():
    text = render(summary(model="<script>a&b</script>"), {}, {}, 200.0)
    assert "<script>" not in text and "&lt;script&gt;a&amp;b&lt;/script&gt;" in text


def test_rows_are_counted_per_scheme():
    text = render(summary(), {}, {}, 200.0)
    assert "<td>sp2_4 9, fixed_8 4, sp2_4 or fixed_4 3</td>" in text


def test_a_device_without_figures_has_no_shares():
    text = render(summary(board="ZCU102", part="xczu9eg-ffvb1156-2-e"), {}, {}, 200.0)
    assert "<td>LUT sites</td><td>5320</td></tr>" in text and "<td>DSP</td><td>22</td></tr>" in text
    assert "<td>of " not in text
