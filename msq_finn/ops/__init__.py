"""FINN hardware ops: row-mixed layers on LUT and DSP lanes, and RTL for HLS-only ops."""

from typing import Any


def register() -> None:
    """Make the ops known to FINN and QONNX; calling it again changes nothing.

    ``SpecializeLayers`` looks ops up in FINN's two ``custom_op`` dictionaries and nowhere else, so
    the ops live in FINN's own domains. Importing FINN's op packages needs ``finn.xsi`` to be
    usable first, see :func:`msq_finn.sim.finn_env.prepare`.

    Raises:
        MsqError: another package has taken one of the names.
    """
    from finn.custom_op.fpgadataflow import custom_op as abstract_ops
    from finn.custom_op.fpgadataflow.rtl import custom_op as rtl_ops

    from msq_finn.errors import MsqError
    from msq_finn.ops.mvau_msq import MVAU_MSQ
    from msq_finn.ops.mvau_msq_rtl import MVAU_MSQ_rtl
    from msq_finn.ops.recurrent.recurrent_rtl import RECURRENT_OPS, RECURRENT_RTL_OPS
    from msq_finn.ops.streaming import STREAMING_OPS
    from msq_finn.ops.streaming.lookup import StreamingTable
    from msq_finn.ops.streaming.reverse import ReverseSteps
    from msq_finn.ops.vvau_msq import VVAU_MSQ
    from msq_finn.ops.vvau_msq_rtl import VVAU_MSQ_rtl

    ours: list[tuple[Any, Any]] = [
        (abstract_ops, op)
        for op in (MVAU_MSQ, VVAU_MSQ, StreamingTable, ReverseSteps, *RECURRENT_OPS)
    ]
    ours += [
        (rtl_ops, op) for op in (MVAU_MSQ_rtl, VVAU_MSQ_rtl, *RECURRENT_RTL_OPS, *STREAMING_OPS)
    ]
    for registry, op in ours:
        if registry.setdefault(op.__name__, op) is not op:
            raise MsqError(f"FINN op {op.__name__} is already registered by another package")
