"""Simulation models of primitives: what they refuse. benchmarks/vendor_models.py compares them."""

from __future__ import annotations

import pytest

from msq_finn.errors import MsqError
from msq_finn.sim import primitives
from tests.icarus import run


@pytest.mark.parametrize(
    ("kind", "parameters", "complaint"),
    [
        ("DSP48E1", '.USE_SIMD("TWO24")', "DSP48E1: SIMD and pattern detection are not modelled"),
        (
            "DSP48E2",
            '.USE_WIDEXOR("TRUE")',
            "DSP48E2: SIMD, pattern detection and wide XOR are not",
        ),
        ("RAMB18E1", ".READ_WIDTH_A(9), .DOA_REG(1)", "RAMB18E1: output registers are not"),
        ("RAMB36E1", '.RAM_EXTENSION_A("LOWER")', "RAMB36E1: initial files, cascades and ECC are"),
        ("RAMB18E2", ".DOA_REG(0), .DOB_REG(0), .READ_WIDTH_B(36)", "RAMB18E2: widths 0, 0, 36, 0"),
        ("RAMB36E2", '.EN_ECC_READ("TRUE")', "RAMB36E2: initial files, cascades, ECC and address"),
        ("URAM288", '.OREG_A("TRUE")', "URAM288: pipeline registers are not modelled"),
        ("FDRE", ".IS_C_INVERTED(1'b1)", "FDRE: inverted pins are not modelled"),
    ],
)
def test_what_is_not_modelled_is_refused(tmp_path, kind, parameters, complaint):
    (tmp_path / "bench.v").write_text(f"module bench; {kind} #({parameters}) dut (); endmodule\n")
    (tmp_path / "models.v").write_text(primitives.models([f"  {kind} #(\n"]))
    printed = run([tmp_path / "bench.v", tmp_path / "models.v"], ["bench"], tmp_path)
    assert f"FATAL: {tmp_path}" in printed and complaint in printed, printed
    assert "status 1" in printed


def test_a_primitive_without_a_model_is_named():
    with pytest.raises(MsqError, match="no simulation model of PLLE9_ADV"):
        primitives.models(["  PLLE9_ADV #(\n", "  FDRE #(\n"])
