"""FINN's worker processes, which are to know our ops and the simulator.

finn-plus starts its workers with a fresh interpreter (``spawn``), in which nothing is registered.
What it hands to them are nodes of the graph. :func:`prepare` has nodes unpickled by this module, so
that a worker gets both before it looks at its first node, whichever transformation it is to run.
"""

from __future__ import annotations

from functools import cache
from multiprocessing.reduction import ForkingPickler
from typing import Any

from onnx import NodeProto

from msq_finn import ops
from msq_finn.sim import xsi


def prepare() -> None:
    """Register our ops in this process, and in every worker that it will start.

    Raises:
        MsqError: another package has taken an op's name.
    """
    ops.register()
    ForkingPickler.register(NodeProto, _reduced)


def _reduced(node: NodeProto) -> tuple[Any, tuple[bytes]]:
    return _restored, (node.SerializeToString(),)


def _restored(node: bytes) -> NodeProto:
    _become_ready()
    return NodeProto.FromString(node)


@cache
def _become_ready() -> None:
    xsi.install()
    ops.register()
