"""Choose the parallelism of the streaming RTL ops for a cycle target."""

from __future__ import annotations

from typing import Any

from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp

from msq_finn.errors import MsqError
from msq_finn.lanes.divisors import divisors
from msq_finn.ops.streaming.backend import StreamingRTL
from msq_finn.ops.streaming.pool import Pool_rtl


def fold_streaming(model: ModelWrapper, target_cycles: int) -> ModelWrapper:
    """Give every streaming RTL op the least PE (or SIMD) that meets the target, else is fastest.

    FINN's SetFolding does this for nodes that it knows by name (set_folding.py, ``pe_ops`` and
    ``simd_ops``), the HLS ones. As there, the depthwise window generator before a pool gets the
    pool's PE as SIMD and has to meet the target as well.

    Args:
        model: graph after SpecializeLayers.
        target_cycles: cycles per frame that each node may take.

    Returns:
        the model given.

    Raises:
        MsqError: a pool's windows come from something else than a depthwise window generator.
    """
    for node in model.graph.node:
        op = getCustomOp(node)
        if not isinstance(op, StreamingRTL):
            continue
        generator = _window_generator(model, op) if isinstance(op, Pool_rtl) else None
        elements = op.parallel_elements()
        cycles = {}
        for pe in divisors(elements):
            _set_pe(op, generator, pe)
            cycles[pe] = max(part.get_exp_cycles() for part in (op, generator) if part is not None)
        goal = max(target_cycles, min(cycles.values()))
        _set_pe(op, generator, next(pe for pe, taken in cycles.items() if taken <= goal))
    return model


def _set_pe(op: Any, generator: Any, pe: int) -> None:
    op.set_nodeattr(op.parallelism, pe)
    if generator is not None:
        generator.set_nodeattr("SIMD", pe)
        generator.set_nodeattr("parallel_window", 0)


def _window_generator(model: ModelWrapper, pool: Pool_rtl) -> Any:
    """The generator of a pool's windows, None where windows are single pixels."""
    producer = model.find_producer(pool.onnx_node.input[0])
    if producer is not None and producer.op_type.startswith("ConvolutionInputGenerator"):
        generator = getCustomOp(producer)
        if generator.get_nodeattr("depthwise"):
            return generator
    if pool.window() > 1:
        raise MsqError(
            f"its input {pool.onnx_node.input[0]} must come from a "
            "ConvolutionInputGenerator with depthwise=1; fold before streams are inserted",
            where=pool.onnx_node.name,
        )
    return None
