"""FINN's worker processes, which are to know our ops and the simulator.

finn-plus starts its workers with a fresh interpreter (``spawn``), in which nothing is registered.
What it hands to them are nodes of the graph. :func:`prepare` has nodes unpickled by this module, so
that a worker gets both before it looks at its first node, whichever transformation it is to run.
Workers that build a Zynq's kernels are handed names of files only; they call a function of ours.
"""

from __future__ import annotations

import importlib
from functools import cache
from multiprocessing.reduction import ForkingPickler
from typing import Any

from onnx import NodeProto

from msq_finn import ops
from msq_finn.sim import xsi

#: FINN's module for boards with a Zynq, its workers' function, and where that is kept.
_ZYNQ_FLOW = "finn.transformation.fpgadataflow.make_zynq_proj"
_BUILDER, _GENUINE = "_build_sdp_kernel", "_finns_build_sdp_kernel"


def prepare() -> None:
    """Register our ops in this process, and in every worker that it will start.

    Raises:
        MsqError: another package has taken an op's name.
    """
    ops.register()
    ForkingPickler.register(NodeProto, _reduced)
    flow = importlib.import_module(_ZYNQ_FLOW)
    if hasattr(flow, _BUILDER) and not hasattr(flow, _GENUINE):
        setattr(flow, _GENUINE, getattr(flow, _BUILDER))
        setattr(flow, _BUILDER, _build_kernel)


def _build_kernel(arguments: Any) -> Any:
    """Build a kernel as FINN does, in this process or in a worker that knows nothing yet."""
    _become_ready()
    flow = importlib.import_module(_ZYNQ_FLOW)
    return getattr(flow, _GENUINE, getattr(flow, _BUILDER))(arguments)


def _reduced(node: NodeProto) -> tuple[Any, tuple[bytes]]:
    return _restored, (node.SerializeToString(),)


def _restored(node: bytes) -> NodeProto:
    _become_ready()
    return NodeProto.FromString(node)


@cache
def _become_ready() -> None:
    xsi.install()
    ops.register()
