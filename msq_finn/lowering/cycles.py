"""Cycles per frame of every node, where FINN's own estimate is exact only for large images."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from qonnx.custom_op.registry import getCustomOp

from msq_finn.ops.streaming.backend import StreamingRTL

IntArray = NDArray[np.int64]

#: Up to so many cycles a window generator is followed clock by clock. Beyond, what FINN's estimate
#: counts twice, reading while nothing can be written, is no hundredth of a frame.
_FOLLOWED = 200_000


def predicted_interval(model: Any) -> int:
    """Cycles per frame of the slowest node, at full rate.

    Args:
        model: graph of hardware nodes, at least one.
    """
    return node_cycles(getCustomOp(slowest_node(model)))


def slowest_node(model: Any) -> Any:
    """The node that a network's throughput is that of; of several, the first.

    Args:
        model: graph of hardware nodes, at least one.
    """
    return max(model.graph.node, key=lambda node: node_cycles(getCustomOp(node)))


def node_cycles(op: Any) -> int:
    """Cycles from one frame of a node to the next.

    They are what the op's ``get_exp_cycles`` says, but for FINN's window generators that write one
    word a cycle: its estimate for these is too large for small images.

    Args:
        op: the node's custom op.
    """
    estimate = int(op.get_exp_cycles())
    is_window = op.onnx_node.op_type.startswith("ConvolutionInputGenerator")
    if not is_window or isinstance(op, StreamingRTL):
        return estimate
    serial = not op.get_nodeattr("dynamic_mode") and op.select_impl_style() == "default"
    return _window_cycles(op) if serial and estimate <= _FOLLOWED else estimate


def _window_cycles(op: Any) -> int:
    """Follow FINN's window generator (finn-rtllib/swg/swg_template_default.sv) through a frame.

    It reads a word a cycle into a circular buffer where that overwrites nothing still needed, and
    gives a word a cycle where that has arrived; frames do not overlap. Its neighbours never wait.
    """
    (height, width), (k_h, k_w) = op.get_nodeattr("IFMDim"), op.get_nodeattr("ConvKernelDim")
    (dilation_h, dilation_w), stride = op.get_nodeattr("Dilation"), op.get_nodeattr("Stride")
    folds = op.get_nodeattr("IFMChannels") // op.get_nodeattr("SIMD")
    span_h, span_w = (k_h - 1) * dilation_h + 1, (k_w - 1) * dilation_w + 1
    corners = (
        np.arange(0, height - span_h + 1, stride[0])[:, None] * width
        + np.arange(0, width - span_w + 1, stride[1])
    ).ravel()
    taps = (
        np.arange(k_h)[:, None] * dilation_h * width + np.arange(k_w) * dilation_w
    ).ravel() * folds
    if op.get_nodeattr("depthwise"):
        starts = (corners[:, None] * folds + np.arange(folds)).ravel()
        offsets = taps
    else:
        starts = corners * folds
        offsets = (taps[:, None] + np.arange(folds)).ravel()
    window = ((span_h - 1) * width + span_w) * folds
    needed_from = np.append(starts[1:], starts[-1] + window - 1)
    wanted = (starts[:, None] + offsets).ravel().tolist()
    frame = height * width * folds
    return _follow(wanted, needed_from.tolist(), len(offsets), op.get_buffer_depth(), frame)


def _follow(
    wanted: list[int], needed_from: list[int], per_window: int, depth: int, frame: int
) -> int:
    """Cycles from reset to the start of the next frame.

    Args:
        wanted: input word that each output word is, in order.
        needed_from: once a window has begun, the first input word that later ones need.
        per_window: output words of a window.
        depth: of the buffer, in words.
        frame: input words of a frame.
    """
    read, given, oldest = 0, 0, 0
    pending = written = False  # a word waits at the output; the last one has left
    cycle = 0
    while True:
        cycle += 1
        fetched_all = given == len(wanted)
        read_all = read == frame
        fetch = not fetched_all and wanted[given] < read
        room = read - depth
        reads = not read_all and (fetched_all or (room < oldest and room < wanted[given]))
        reads_last = reads and read == frame - 1
        leaves = pending and fetched_all
        if (reads_last and written) or (leaves and (read_all or reads_last)):
            return cycle
        written = written or leaves
        pending = fetch
        if fetch:
            if given % per_window == 0:
                oldest = needed_from[given // per_window]
            given += 1
        read += reads
