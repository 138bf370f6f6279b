"""Make thresholds, or a table, of a function and the quantizer behind it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto, helper
from qonnx.core.datatype import DataType
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.base import Transformation
from qonnx.transformation.infer_shapes import InferShapes

from msq_finn.errors import MsqError
from msq_finn.transforms.activation_chains import (
    Chain,
    FloatArray,
    IntArray,
    chains,
)
from msq_finn.transforms.constant_tensors import constant_of
from msq_finn.transforms.quantizer_nodes import levels_of

_HARDWARE = "finn.custom_op.fpgadataflow"

#: Most bits of what a table is read with.
MOST_TABLE_BITS = 8

#: What moves integers between a quantizer and a function, and keeps them as they are.
_MOVES = {
    *("Flatten", "Identity", "MaxPool", "Pad", "Reshape", "Resize", "Slice", "Split", "Squeeze"),
    *("Transpose", "Unsqueeze", "Upsample"),
}

#: Stands for a threshold that is never reached, or by everything; scaled, it stays one.
_FAR = np.float32(2.0**100)

#: Per octave, and octaves around 1, of the numbers at which a function is looked at first.
_PER_OCTAVE, _OCTAVES = 64, 40

_LAYOUTS = {2: "NC", 3: "NCW", 4: "NCHW"}


class AbsorbActivations(Transformation):
    """Turn every function before a quantizer into thresholds, or a table.

    Where levels only rise, or only fall, with what the function is of, they are thresholds: the
    least 32-bit floats (greatest, where they fall) at which the exported nodes give each level.
    Otherwise what the function is of must be integers of at most 8 bits, which a table in hardware
    is read with. FINN's own conversion knows Relu only. Run it on the exported graph, behind
    NoteQuantizers and before FINN's first step.
    """

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        """Change the graph at once; no second pass is needed.

        Raises:
            MsqError: a function that is neither; it is named.
        """
        shaped = model.transform(InferShapes())
        found = list(chains(shaped))
        if not found:
            return model, False
        for chain in found:
            _absorb(shaped, chain)
        return shaped, False


def _absorb(model: ModelWrapper, chain: Chain) -> None:
    channels = chain.channels
    if not channels:
        raise _refused(chain, "it has constants that differ from pixel to pixel")
    if (integers := _integers(model, chain.source)) is not None:
        low, high, scale, zero = integers
        numbers = np.arange(low, high + 1)
        values = ((numbers - zero).astype(np.float32) * scale).astype(np.float32)
        levels = chain.levels(np.repeat(values[:, None], channels, 1))
        # Halfway between two integers is as good as any threshold between them.
        middles = (values[:-1].astype(np.float64) + values[1:]) / 2
        made = _between(levels, np.repeat(middles[:, None], channels, 1), chain)
        if made is not None:
            _replace_by_thresholds(model, chain, *made)
            return
        if channels > 1:
            raise _refused(chain, "a table in hardware is one for all channels")
        _replace_by_table(model, chain, levels[:, 0], low - zero, scale)
        return
    grid = np.repeat(_grid()[:, None], channels, 1)
    levels = chain.levels(grid)
    made = _between(levels, grid[:-1].astype(np.float64), chain)
    if made is None:
        raise _refused(
            chain,
            "it neither rises nor falls throughout, and what it is of are no integers of at most "
            f"{MOST_TABLE_BITS} bits; put qnn.QuantIdentity(bit_width={MOST_TABLE_BITS}) before it",
        )
    _, signs = made
    _replace_by_thresholds(model, chain, _exact(chain, grid, levels, signs), signs)


def _refused(chain: Chain, why: str) -> MsqError:
    return MsqError(f"no hardware for this function: {why}", where=chain.described)


def _integers(model: ModelWrapper, tensor: str) -> tuple[int, int, np.float32, int] | None:
    """Least and greatest integer, scale and zero point of a tensor that a quantizer made."""
    node = model.find_producer(tensor)
    while node is not None and node.op_type in _MOVES:
        node = model.find_producer(node.input[0])
    if node is None or node.op_type != "Quant":
        return None
    scale, zero, bits = (np.asarray(constant_of(model, name)) for name in node.input[1:4])
    if scale.size > 1 or zero.size > 1 or bits.max() > MOST_TABLE_BITS:
        return None
    low, high = levels_of(node, int(bits.max()))
    return low, high, np.float32(scale.max()), int(zero.max())


def _grid() -> FloatArray:
    """Numbers of every magnitude and sign, ascending."""
    powers = np.arange(-_OCTAVES * _PER_OCTAVE, _OCTAVES * _PER_OCTAVE + 1) / _PER_OCTAVE
    positive = np.exp2(powers).astype(np.float32)
    return np.concatenate([-positive[::-1], [0], positive]).astype(np.float32)


def _between(
    levels: IntArray, places: NDArray[np.float64], chain: Chain
) -> tuple[NDArray[np.float64], IntArray] | None:
    """Thresholds between neighbours, and signs; None where levels rise and fall.

    Args:
        levels: [numbers, channels], of ascending numbers.
        places: [numbers - 1, channels], a threshold between two numbers each.

    Returns:
        thresholds [channels, steps], ascending, of numbers times the channel's sign.
    """
    steps = np.diff(levels, axis=0)
    rises, falls = (steps >= 0).all(0), (steps <= 0).all(0)
    if not (rises | falls).all():
        return None
    signs = np.where(rises, 1, -1)
    wanted = np.arange(chain.low + 1, chain.high + 1)
    thresholds = np.empty((levels.shape[1], len(wanted)))
    for channel, sign in enumerate(signs):
        ascending = levels[::sign, channel]
        between = sign * places[::sign, channel]
        ends = np.concatenate([[-float(_FAR)], between, [float(_FAR)]])
        thresholds[channel] = ends[np.searchsorted(ascending, wanted)]
    return thresholds, signs


def _exact(
    chain: Chain, grid: FloatArray, levels: IntArray, signs: IntArray
) -> NDArray[np.float64]:
    """The least floats, of the channel's sign, that give each level.

    Args:
        chain: of them.
        grid: ascending numbers, [numbers, channels].
        levels: of the numbers.
        signs: of the channels, -1 where levels fall.
    """
    wanted = np.arange(chain.low + 1, chain.high + 1)
    shape = (len(wanted), len(signs))
    below, above = np.full(shape, -_FAR, np.float32), np.full(shape, _FAR, np.float32)
    for channel, sign in enumerate(signs):
        numbers = sign * grid[::sign, channel]
        ascending = levels[::sign, channel]
        index = np.searchsorted(ascending, wanted)
        below[:, channel] = np.concatenate([[-_FAR], numbers])[index]
        above[:, channel] = np.concatenate([numbers, [_FAR]])[index]
    fixed = (np.abs(below) == _FAR) | (np.abs(above) == _FAR)
    low, high = _ordered(below), _ordered(above)
    while ((high - low > 1) & ~fixed).any():
        middle = (low + high) // 2
        reached = chain.levels(_floats(middle) * signs.astype(np.float32)) >= wanted[:, None]
        high, low = np.where(reached, middle, high), np.where(reached, low, middle)
    # What no number of the grid reaches has no threshold; what all do is below them all.
    never, always = np.abs(above) == _FAR, np.abs(below) == _FAR
    found = np.where(never, _FAR, np.where(always, -_FAR, _floats(high)))
    return np.sort(found.T.astype(np.float64), axis=1)


def _ordered(values: FloatArray) -> IntArray:
    """Integers in the order of floats."""
    bits = np.ascontiguousarray(values, np.float32).view(np.int32).astype(np.int64)
    return np.where(bits < 0, -(bits & 0x7FFFFFFF), bits)


def _floats(ordered: IntArray) -> FloatArray:
    bits = np.where(ordered < 0, (-ordered) | 0x80000000, ordered).astype(np.uint32)
    return bits.view(np.float32)


def _replace_by_thresholds(
    model: ModelWrapper, chain: Chain, thresholds: NDArray[np.float64], signs: IntArray
) -> None:
    rank = len(model.get_tensor_shape(chain.source))
    shape = model.get_tensor_shape(chain.source)
    source, new = chain.source, []
    if (signs < 0).any():
        turned = model.make_new_valueinfo_name()
        model.set_tensor_shape(turned, shape)
        factor = signs.astype(np.float32)
        factor = factor.reshape(-1, *[1] * (rank - 2)) if len(signs) > 1 else factor.reshape(())
        new.append(_with_constant(model, "Mul", source, factor, turned))
        source = turned
    counted = model.make_new_valueinfo_name()
    model.set_tensor_shape(counted, shape)
    name = f"{counted}_thresholds"
    model.set_initializer(name, thresholds.astype(np.float32))
    bits = int(chain.high - chain.low).bit_length()
    new.append(
        helper.make_node(
            "MultiThreshold",
            [source, name],
            [counted],
            domain="qonnx.custom_op.general",
            out_dtype=f"UINT{bits}",
            data_layout=_LAYOUTS[rank],
            name=f"MultiThreshold_{chain.quantizer.name}",
        )
    )
    model.set_tensor_datatype(counted, DataType[f"UINT{bits}"])
    _finish(model, chain, new, counted, chain.low - chain.zero)


def _replace_by_table(
    model: ModelWrapper, chain: Chain, levels: IntArray, first: int, scale: np.float32
) -> None:
    shape = model.get_tensor_shape(chain.source)
    integers, made = (model.make_new_valueinfo_name() for _ in range(2))
    for name in (integers, made):
        model.set_tensor_shape(name, shape)
    entries = (levels - chain.zero).tolist()
    ends = min(entries), max(entries)
    least = DataType.get_smallest_possible(ends[0] if ends[0] < 0 else ends[1])
    kind = least if least.allowed(ends[1]) else DataType[f"INT{ends[1].bit_length() + 1}"]
    width = max(-first - 1, first + len(entries) - 1).bit_length() + (first < 0)
    source = DataType[f"{'INT' if first < 0 else 'UINT'}{width}"]
    new = [
        _with_constant(model, "Div", chain.source, scale, integers),
        helper.make_node(
            "StreamingTable",
            [integers],
            [made],
            domain=_HARDWARE,
            backend="fpgadataflow",
            Shape=shape,
            First=first,
            Entries=entries,
            inputDataType=source.name,
            outputDataType=kind.name,
            name=f"StreamingTable_{chain.quantizer.name}",
        ),
    ]
    model.set_tensor_datatype(made, kind)
    _finish(model, chain, new, made, 0)


def _finish(
    model: ModelWrapper, chain: Chain, new: list[NodeProto], counted: str, bias: int
) -> None:
    """Bring counts back to the quantizer's values, and put the new nodes in the old ones' place."""
    result, scale = chain.quantizer.output[0], chain.scale
    if bias:
        shifted = model.make_new_valueinfo_name()
        model.set_tensor_shape(shifted, model.get_tensor_shape(counted))
        new.append(_with_constant(model, "Add", counted, np.float32(bias), shifted))
        counted = shifted
    new.append(_with_constant(model, "Mul", counted, scale, result))
    index = list(model.graph.node).index(chain.quantizer)
    model.graph.node.remove(chain.quantizer)
    for offset, node in enumerate(new):
        model.graph.node.insert(index + offset, node)
    for node in reversed(chain.nodes):
        used = [model.find_consumers(name) for name in node.output]
        results = {info.name for info in model.graph.output}
        if not any(used) and not results.intersection(node.output):
            model.graph.node.remove(node)


def _with_constant(
    model: ModelWrapper, op_type: str, source: str, value: NDArray[np.float32] | np.float32, to: str
) -> NodeProto:
    name = f"{to}_{op_type.lower()}_constant"
    model.set_initializer(name, np.asarray(value, np.float32))
    return helper.make_node(op_type, [source, name], [to], name=f"{op_type}_{to}")
