"""Weight files as FINN's MVAU writes them, and those of layers that FINN does not know."""

import numpy as np
import pytest
from qonnx.custom_op.registry import getCustomOp

from msq_finn.errors import MsqError

from .test_mvau_msq_rtl import layer

pytestmark = pytest.mark.usefixtures("finn")
MODES = ["decoupled_npy", "decoupled_verilog_dat", "decoupled_runtime"]


def read(path):
    return np.load(path) if path.suffix == ".npy" else path.read_text().lower().split()


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("simd", "lanes", "pumped"),
    [(8, (2, 0, 2), 0), (8, (2, 0, 2), 1), (3, (1, 0, 1), 0), (3, (1, 0, 1), 1), (1, (2, 1, 0), 0)],
)
def test_like_finns(rng, tmp_path, mode, simd, lanes, pumped):
    from finn.custom_op.fpgadataflow.matrixvectoractivation import MVAU

    model, weights = layer(rng, 24, simd, lanes, 2, "UINT4", pumpedMemory=pumped)
    op = getCustomOp(model.graph.node[0])
    suffix = ".npy" if mode == "decoupled_npy" else ".dat"
    ours, theirs = tmp_path / f"ours{suffix}", tmp_path / f"theirs{suffix}"
    op.make_weight_file(weights, mode, str(ours))
    MVAU.make_weight_file(op, op.lanes().encode(weights), mode, str(theirs))
    assert np.array_equal(read(ours), read(theirs))


def test_embedded_lanes_are_left_out(rng, tmp_path):
    model, weights = layer(rng, 4, 2, (0, 0, 1, 2), 1, "UINT4")
    op = getCustomOp(model.graph.node[0])
    op.make_weight_file(weights, "decoupled_verilog_dat", str(tmp_path / "w.dat"))
    first, second, third, fourth = (int(w) % 16 for w in weights[:, 0])
    assert read(tmp_path / "w.dat") == [f"{second:x}{first:x}", f"{fourth:x}{third:x}"]


def test_odd_words_cannot_be_pumped(rng, tmp_path):
    model, weights = layer(rng, 3, 1, (0, 0, 1), 1, "UINT4", pumpedMemory=1)
    op = getCustomOp(model.graph.node[0])
    with pytest.raises(MsqError, match="pumped weight memory needs an even number"):
        op.make_weight_file(weights, "decoupled_verilog_dat", str(tmp_path / "w.dat"))


def test_unknown_modes_are_refused(rng, tmp_path):
    model, weights = layer(rng, 4, 2, (0, 0, 2), 1, "UINT4")
    with pytest.raises(MsqError, match="mode 'hls_header' do not exist for MVAU_MSQ"):
        getCustomOp(model.graph.node[0]).make_weight_file(weights, "hls_header", "w.h")
