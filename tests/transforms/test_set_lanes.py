import itertools

import pytest

from msq_finn.transforms.set_lanes import Folding, foldings

from .graphs import two_layers

SP2, FIXED, EITHER = ("sp2_4",), ("fixed_4",), ("sp2_4", "fixed_4")


def brute_force(mw, rows):
    """Every (SIMD, SP2 lanes, fixed lanes) whose lanes can be filled with these rows exactly."""
    mh = len(rows)
    legal = set()
    for simd, sp2, fixed in itertools.product(range(1, mw + 1), range(mh + 1), range(mh + 1)):
        pe = sp2 + fixed
        if not pe or mw % simd or mh % pe:
            continue
        fold = mh // pe
        choices = itertools.product(*[[name[0] for name in row] for row in rows])
        if any(sum(c == "s" for c in choice) == sp2 * fold for choice in choices):
            legal.add((simd, sp2, fixed))
    return legal


@pytest.mark.parametrize(
    "rows",
    [
        [SP2] * 4 + [FIXED] * 4,
        [SP2] * 3 + [FIXED] * 5,
        [SP2] * 2 + [EITHER] * 3 + [FIXED] * 1,
        [EITHER] * 6,
        [FIXED] * 8,
        [SP2] * 8,
    ],
)
def test_foldings_are_legal_and_use_the_fewest_sp2_lanes(rows):
    legal = brute_force(6, rows)
    found = [f for f in foldings(6, rows, packing=4) if not f.pe_embedded]
    fewest = {}
    for simd, sp2, fixed in legal:
        key = (simd, sp2 + fixed)
        fewest[key] = min(fewest.get(key, sp2), sp2)
    assert {(f.simd, f.pe_sp2_lut, f.pe_fixed_lut + f.pe_fixed_dsp) for f in found} == {
        (simd, sp2, pe - sp2) for (simd, pe), sp2 in fewest.items()
    }
    assert all(f.pe_fixed_dsp % 4 == 0 for f in found)
    assert len(set(found)) == len(found)


@pytest.mark.parametrize(("sp2", "packs"), [(6, [0]), (4, [0, 4]), (0, [0, 4, 8])])
def test_embedded_lanes_take_what_is_not_on_full_dsp_packs(sp2, packs):
    rows = [SP2] * sp2 + [FIXED] * (8 - sp2)
    found = [f for f in foldings(4, rows, packing=4) if f.pe_embedded]
    for f in found:
        fold = 8 // (f.pe_embedded + f.pe_fixed_dsp)
        assert fold * 4 // f.simd <= 16
        assert f.pe_fixed_dsp * fold <= 8 - sp2
    # With a row a lane: SIMD 1, 2 and 4 take 4, 2 and 1 cycles.
    whole = [f for f in found if f.pe_embedded + f.pe_fixed_dsp == 8]
    assert {f.pe_fixed_dsp for f in whole} == {
        p for p in packs if p in (0, 4 * ((8 - sp2) // 4))
    } - {8}
    assert {f.simd for f in whole} == {1, 2, 4}


WIDE, POWERS = ("fixed_7", "fixed_8"), ("pot_4", "fixed_8")


def test_wide_rows_lie_in_luts_or_in_dsps():
    found = list(foldings(4, [FIXED] * 4 + [WIDE] * 2 + [POWERS] * 2, packing=4))
    whole = {f.lanes["fixed_4_dsp"]: f for f in found if f.simd == 1 and sum(f.counts) == 8}
    assert set(whole) == {0, 4}
    assert {f.others for f in found if sum(f.counts) == 8 and not f.pe_embedded} == {
        (("fixed_8_lut", 2), ("pot_4_lut", 2)),
        (("fixed_7_dsp", 2), ("pot_4_lut", 2)),
    }
    # Two rows fill no lane of four.
    assert {sum(f.counts) for f in found if not f.pe_embedded} == {4, 8}
    order = ["sp2_4_lut", "fixed_4_lut", "pot_4_lut", "fixed_4_dsp", "fixed_7_dsp", "embedded_lut"]
    assert any(list(f.lanes) == order for f in found)


def test_multipliers_count_all_lanes():
    assert Folding(simd=3, pe_sp2_lut=2, pe_fixed_lut=1, pe_fixed_dsp=4).multipliers == 21


@pytest.mark.usefixtures("finn")
@pytest.mark.parametrize(("budget", "dsp_lanes"), [(220, 4), (5, 0)])
def test_the_target_is_met_within_the_dsp_budget(rng, budget, dsp_lanes):
    from qonnx.custom_op.registry import getCustomOp

    from msq_finn.transforms.infer_mvau_msq import InferMVAUMSQ
    from msq_finn.transforms.set_lanes import SetLanes

    model = two_layers(rng, ["sp2"] * 4 + ["fixed"] * 4, mw=384).transform(InferMVAUMSQ())
    model = model.transform(SetLanes(24, "xc7z020clg400-1", budget))
    op = getCustomOp(model.graph.node[0])
    assert op.get_exp_cycles() <= 24
    assert op.layout().count("fixed_4_dsp") == dsp_lanes
    assert op.get_nodeattr("mem_mode") == "internal_decoupled"


@pytest.mark.usefixtures("finn")
def test_few_cycles_a_vector_embed_the_weights(rng):
    from qonnx.custom_op.registry import getCustomOp

    from msq_finn.transforms.infer_mvau_msq import InferMVAUMSQ
    from msq_finn.transforms.set_lanes import SetLanes

    model = two_layers(rng, ["sp2"] * 4 + ["fixed"] * 4, mw=12).transform(InferMVAUMSQ())
    model = model.transform(SetLanes(2, "xc7z020clg400-1", 220))
    op = getCustomOp(model.graph.node[0])
    assert op.get_exp_cycles() <= 2
    assert op.layout().count("embedded_lut") == op.get_nodeattr("PE")
    assert op.get_nodeattr("mem_mode") == "internal_embedded"
