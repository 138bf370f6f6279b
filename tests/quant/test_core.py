"""Projection modules against the NumPy schemes, and the straight-through estimator's contract."""

import numpy as np
import pytest
import torch
from brevitas.core.function_wrapper import Identity, TensorClamp
from brevitas.core.scaling import ParameterScaling
from brevitas.core.zero_point import ZeroZeroPoint
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from msq_finn import schemes
from msq_finn.errors import MsqError
from msq_finn.quant.core import MAX_GRID_BITS, RescalingSchemeQuant, SchemeIntQuant
from msq_finn.quant.nearest import NearestLevel

NAMES = [name for name in schemes.names() if schemes.get(name).grid_bits <= MAX_GRID_BITS]


def quantizer(names, kinds, rows, alpha=1.0):
    int_quant = SchemeIntQuant(
        [schemes.get(name) for name in names],
        None if kinds is None else torch.tensor(kinds),
        (rows, 1),
        Identity(),
        TensorClamp(),
    )
    scaling = ParameterScaling(torch.tensor(alpha).view(-1, 1).expand(rows, 1).clone(), (rows, 1))
    return RescalingSchemeQuant(int_quant, scaling, ZeroZeroPoint(), power_of_two_scale=False)


@pytest.mark.parametrize("name", NAMES)
@given(y=arrays(np.float32, 20, elements=st.floats(-1.25, 1.25, width=32)))
def test_nearest_level_is_the_schemes_projection(name, y):
    scheme = schemes.get(name)
    scaled = y * np.float32(scheme.grid_max)
    got = NearestLevel(scheme)(torch.from_numpy(scaled))
    assert got.tolist() == scheme.project_ints(scaled, scheme.grid_max).tolist()


@pytest.mark.parametrize("name", NAMES)
def test_nearest_level_takes_halfway_as_the_scheme_does(name):
    scheme = schemes.get(name)
    grid = scheme.grid().astype(np.float64)
    halfway = (grid[1:] + grid[:-1]) / 2
    got = NearestLevel(scheme)(torch.tensor(halfway, dtype=torch.float32))
    assert got.tolist() == scheme.project_ints(halfway, scheme.grid_max).tolist()


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.float16])
def test_nearest_level_survives_a_change_of_type(dtype):
    y = torch.linspace(-9, 9, 73)
    nearest = NearestLevel(schemes.get("sp2_4"))
    expected = nearest(y)
    got = nearest.to(dtype)(y.to(dtype))
    assert got.dtype == dtype
    assert torch.equal(got.float(), expected)


def test_nan_stays_nan():
    quant = quantizer(["sp2_4"], None, 1)
    assert quant(torch.tensor([[float("nan"), 1.0]]))[0].isnan().tolist() == [[True, False]]


def test_rows_are_projected_each_on_its_grid():
    torch.manual_seed(0)
    names = ["sp2_4", "fixed_4", "pot_4"]
    kinds = [2, 0, 1, 0]
    alpha = torch.tensor([0.5, 1.0, 2.0, 3.0])
    w = torch.randn(4, 200)
    value, scale, zero_point, bit_width = quantizer(names, kinds, 4, alpha)(w)
    assert zero_point == 0
    assert bit_width == 8
    for row, kind in enumerate(kinds):
        scheme = schemes.get(names[kind])
        assert scale[row].item() == pytest.approx(alpha[row].item() / scheme.grid_max)
        ints = (value[row] / scale[row]).round().long().tolist()
        assert ints == scheme.project_ints(w[row], alpha[row].item()).tolist()


def test_bit_width_follows_the_rows():
    quant = quantizer(["sp2_4", "fixed_4"], [0, 1], 2)
    w = torch.randn(2, 5)
    assert quant(w)[3] == 5
    quant.int_quant.set_rows(torch.tensor([1, 1]))
    assert quant(w)[3] == 4


def test_gradients_are_the_straight_through_estimators():
    """Rounding passes gradients on: y rounded to n counts as y + (n - y) with n - y constant."""
    torch.manual_seed(1)
    kinds, alpha = [0, 1], torch.tensor([0.9, 1.3], dtype=torch.float64)
    quant = quantizer(["sp2_4", "fixed_4"], kinds, 2, alpha).double()
    tops = torch.tensor([[8.0], [7.0]], dtype=torch.float64)
    w = torch.randn(2, 50, dtype=torch.float64, requires_grad=True)
    upstream = torch.randn(2, 50, dtype=torch.float64)
    (quant(w)[0] * upstream).sum().backward()

    y = w.detach() / (alpha[:, None] / tops)
    error = quant(w)[0].detach() / (alpha[:, None] / tops) - y.clamp(-tops, tops)

    def surrogate(w, alpha):
        scale = alpha[:, None] / tops
        return (((w / scale).clamp(-tops, tops) + error) * scale * upstream).sum()

    inside = y.abs() < tops
    assert 5 < (~inside).sum() < 50
    assert torch.allclose(w.grad, torch.where(inside, upstream, 0.0))
    for row in range(2):
        step = torch.zeros(2, dtype=torch.float64)
        step[row] = 1e-6
        slope = (surrogate(w, alpha + step) - surrogate(w, alpha - step)) / 2e-6
        assert quant.scaling_impl.value.grad[row, 0].item() == pytest.approx(slope.item(), rel=1e-6)


def test_power_of_two_scale_keeps_scales_powers_of_two():
    quant = quantizer(["sp2_4", "fixed_4", "apot_4"], [0, 1, 2], 3)
    quant.power_of_two_scale = True
    assert quant(torch.randn(3, 4))[1].flatten().tolist() == [1 / 8, 1 / 8, 1 / 16]


def test_compiles_without_graph_breaks():
    torch.manual_seed(0)
    quant = quantizer(["sp2_4", "fixed_4"], [0, 1], 2)
    compiled = torch.compile(quant, backend="aot_eager", fullgraph=True)
    w = torch.randn(2, 50, requires_grad=True)
    assert torch.equal(compiled(w)[0], quant(w)[0])
    compiled(w)[0].sum().backward()
    assert w.grad.any()


def test_set_rows_refuses_what_is_not_an_assignment():
    quant = quantizer(["sp2_4", "fixed_4"], [0, 1], 2).int_quant
    with pytest.raises(MsqError, match=r"shape \(3,\) for a layer of 2 rows"):
        quant.set_rows(torch.tensor([0, 1, 1]))
    with pytest.raises(MsqError, match=r"must index \('sp2_4', 'fixed_4'\)"):
        quant.set_rows(torch.tensor([0, 2]))
    with pytest.raises(MsqError, match="every row is sp2_4 here"):
        quantizer(["sp2_4"], None, 2).int_quant.set_rows(torch.tensor([0, 0]))


@pytest.mark.parametrize(("name", "bits"), [("pot_7", 64), ("pot_8", 128)])
def test_grids_beyond_32_bits_are_refused(name, bits):
    with pytest.raises(MsqError, match=f"{name}: its grid needs {bits} bits"):
        quantizer([name], None, 2)
