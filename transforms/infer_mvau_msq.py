"""Turn FINN's MVAU nodes whose rows have lanes into MVAU_MSQ nodes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.base import Transformation

from msq_finn import schemes
from msq_finn.errors import MsqError
from msq_finn.lanes import DENSE, kinds
from msq_finn.lanes.demand import PAIR
from msq_finn.transforms.make_weights_negatable import trained_bits
from msq_finn.transforms.msq_node import lanes_take, replace_by_msq
from msq_finn.transforms.row_annotation import check_annotation
from msq_finn.transforms.row_schemes import row_schemes

IntArray = NDArray[np.int64]

#: Largest weight of the paper's pair of schemes.
_SMALL = max(schemes.get(name).grid_max for name in PAIR)

#: Bits of the type that the 4-bit grids are exported with.
_GRID_BITS = _SMALL.bit_length() + 1

#: Share of a layer's rows that must have 4-bit codes.
NARROW_ROWS = 0.5


class InferMVAUMSQ(Transformation):
    """Replace every MVAU whose weights lie on the 4-bit grids by an MVAU_MSQ.

    Layers with rows on larger grids follow where most rows have 4-bit codes (RMSMP's powers of two
    and fixed point, with a few rows of 8 bits). In layers of SP2(5), and of 4-bit integers with a
    -8, all rows take the lanes of Fixed(5). Other layers with larger weights (an 8-bit first layer,
    say), or with activations that the lanes do not take, stay FINN's. Run it between FINN's
    ``step_convert_to_hw`` and ``SpecializeLayers``.
    """

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        """Replace the nodes; no second pass is needed."""
        for node in list(model.graph.node):
            if node.op_type == "MVAU" and lanes_take(model, node):
                weights = model.get_initializer(node.input[1]).astype(np.int64)
                bits = trained_bits(model, node.input[1])
                if (rows := rows_of(weights, bits, node.name)) is not None:
                    check_annotation(model, node.input[1], weights, node.name)
                    replace_by_msq(model, node, rows)
        return model, False


def rows_of(weights: IntArray, bits: int, layer: str) -> list[tuple[str, ...]] | None:
    """Per row the schemes that hold it; None where the layer is better off as FINN's.

    Args:
        weights: integers, shape (MW, MH).
        bits: of the exported type, which tells 4-bit integers, and small weights of a wide type,
            from those of a layer that was to have 4-bit codes.
        layer: its name, for the error.

    Raises:
        MsqError: a row in the type of the 4-bit grids has no 4-bit code.
    """
    narrow = row_schemes(weights, PAIR)
    if all(narrow):
        return narrow
    further = _further_schemes()
    wide = row_schemes(weights, further)
    if np.abs(weights).max() <= _SMALL:
        uniform = tuple(name for name in further if all(name in row for row in wide))
        if weights.max() < _SMALL or bits != _GRID_BITS or "sp2_5" in uniform:
            return [uniform] * len(narrow)
        row = narrow.index(())
        raise MsqError(
            f"no scheme holds row {row}, whose weights are "
            f"{np.unique(weights[:, row]).tolist()} (tried {', '.join(PAIR)}); train the "
            "layer with a quantizer of msq_finn.quant, or with 4-bit integers",
            where=layer,
        )
    rows = [few or many for few, many in zip(narrow, wide, strict=True)]
    if not all(rows):
        return None
    codes = [schemes.get(names[0]).bits for names in rows]
    return rows if np.mean(np.array(codes) == 4) >= NARROW_ROWS else None


def _further_schemes() -> list[str]:
    """Schemes beyond the pair that lanes take: the narrowest codes first, fixed point before sums
    of powers of two, since it has DSP lanes too.
    """
    found = dict.fromkeys(kind.scheme for kind in kinds(DENSE) if not kind.constant)
    order = sorted(found, key=lambda s: (s.bits, not isinstance(s, schemes.Fixed)))
    return [scheme.name for scheme in order if scheme.name not in PAIR]
