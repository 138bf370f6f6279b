"""The page that a build leaves."""

from __future__ import annotations

from msq_finn.build.report import render
from msq_finn.build.summary import Layer, Summary


def summary(**changes):
    layer = Layer(
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
