"""The network as a picture: nodes from top to bottom, what they are made of, and the slowest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from markupsafe import Markup, escape

from msq_finn.build.node_summary import NodeSummary
from msq_finn.build.report.layout import Layout, Place, lay_out
from msq_finn.build.summary import LayerSummary

#: Sizes in pixels at full zoom: a node's box, the room between boxes, the margin of the picture.
_BOX, _GAP, _MARGIN = (320, 46), (150, 44), 16
#: Pixels that a character takes, of a node's title and of other text.
_TITLE_CHARACTER, _CHARACTER = 7.8, 6.2

#: What only passes words on: drawn as text on the stream.
_ON_STREAMS = ("FIFO", "width converter")


class Wire(NamedTuple):
    """What runs between two nodes.

    Attributes:
        source: node that writes.
        target: node that reads.
        text: its width, and what lies in between.
    """

    source: str
    target: str
    text: str


def draw(nodes: Sequence[NodeSummary], layers: Sequence[LayerSummary], slowest: str) -> Markup:
    """Draw a network as SVG.

    Args:
        nodes: all, in the network's order.
        layers: those of the nodes that are layers.
        slowest: name of the node to mark.

    Returns:
        an ``svg`` element; its texts take up less room than its boxes.
    """
    shown = {node.name: node for node in nodes if node.what not in _ON_STREAMS}
    streams = list(_streams(nodes, shown))
    feeds: dict[str, list[str]] = {name: [] for name in shown}
    for stream in streams:
        feeds[stream.source].append(stream.target)
    layout = lay_out(feeds)
    by_node = {layer.node: layer for layer in layers}
    most = max((node.cycles for node in shown.values()), default=1)
    parts = list(_lines(streams, layout))
    for name, node in shown.items():
        share = node.cycles / most
        parts.append(_box(layout.places[name], node, by_node.get(name), share, name == slowest))
    rows, columns = layout.size
    width = 2 * _MARGIN + columns * (_BOX[0] + _GAP[0])
    height = 2 * _MARGIN + rows * (_BOX[1] + _GAP[1])
    return Markup(
        f'<svg class="network" role="img" aria-label="The network, node by node" width="{width}" '
        f'height="{height}" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">'
        f"{''.join(parts)}</svg>"
    )


def _streams(nodes: Sequence[NodeSummary], shown: Mapping[str, NodeSummary]) -> Iterator[Wire]:
    by_name = {node.name: node for node in nodes}
    for node in shown.values():
        for reader in node.feeds:
            notes, at = [f"{node.bits} bit"], by_name[reader]
            while at.name not in shown:
                notes.append(f"FIFO {at.depth}" if at.what == "FIFO" else f"to {at.bits} bit")
                if not at.feeds:
                    break
                at = by_name[at.feeds[0]]
            if at.name in shown:
                yield Wire(node.name, at.name, ", ".join(notes))


def _corner(place: Place) -> tuple[int, int]:
    x = _MARGIN + place.column * (_BOX[0] + _GAP[0])
    return x, _MARGIN + place.row * (_BOX[1] + _GAP[1])


def _box(
    place: Place, node: NodeSummary, layer: LayerSummary | None, share: float, slowest: bool
) -> str:
    x, y = _corner(place)
    title = f"{layer.name}: {layer.mw} x {layer.mh}" if layer else node.what
    detail = f"{layer.lanes_text}, SIMD {layer.simd}" if layer else node.name
    cycles = f"{node.cycles} cycles" + (" (slowest)" if slowest else "")
    kind = " ".join(["node", *(["layer"] if layer else []), *(["slowest"] if slowest else [])])
    title = _short(title, _BOX[0] - 24 - _CHARACTER * len(cycles), _TITLE_CHARACTER)
    taken = "" if node.lut_sites is None else f"; {node.lut_sites} LUT sites, {node.dsp} DSP"
    return (
        f'<g class="{kind}"><title>{escape(f"{node.name}, {node.what}{taken}")}</title>'
        f'<rect x="{x}" y="{y}" width="{_BOX[0]}" height="{_BOX[1]}" rx="4"/>'
        f'<rect class="busy" x="{x}" y="{y + _BOX[1] - 4}" width="{share * _BOX[0]:.1f}" '
        'height="4"/>'
        f'<text class="title" x="{x + 8}" y="{y + 17}">{title}</text>'
        f'<text class="cycles" x="{x + _BOX[0] - 8}" y="{y + 17}">{cycles}</text>'
        f'<text x="{x + 8}" y="{y + 34}">{_short(detail, _BOX[0] - 16)}</text></g>'
    )


def _short(text: str, room: float, character: float = _CHARACTER) -> str:
    """Text that fits a number of pixels."""
    most = int(room / character)
    return str(escape(text if len(text) <= most else text[: most - 1] + "…"))


def _lines(streams: Sequence[Wire], layout: Layout) -> Iterator[str]:
    # From left to right, so that streams of a fork do not cross.
    streams = sorted(streams, key=lambda stream: _column(stream, layout))
    starts = _ports([stream.source for stream in streams])
    ends = _ports([stream.target for stream in streams])
    for stream, start, end in zip(streams, starts, ends, strict=True):
        x_from, top = _corner(layout.places[stream.source])
        x_to, bottom = _corner(layout.places[stream.target])
        top += _BOX[1]
        x_from += round(_BOX[0] * start.position)
        x_to += round(_BOX[0] * end.position)
        turn, turn_back = top + 30, bottom - 8
        lane = layout.lanes.get((stream.source, stream.target))
        points = [(x_from, top), (x_from, turn), (x_to, turn), (x_to, bottom)]
        if lane is not None:
            x_lane = _corner(Place(0, lane))[0] + _BOX[0] // 2
            points[2:] = [(x_lane, turn), (x_lane, turn_back), (x_to, turn_back), (x_to, bottom)]
        path = " ".join(f"{x},{y}" for x, y in points)
        yield f'<polyline points="{path}"/><path class="tip" d="M{x_to - 4} {bottom - 6}h8l-4 6z"/>'
        # Where no other stream's text is: at the only start, in a column of its own, at the end.
        x, y = x_from, top + 14
        if not start.is_only:
            x, y = points[2][0], turn + (10 if lane is None else 20)
        yield f'<text class="stream" x="{x + 5}" y="{y}">{escape(stream.text)}</text>'


def _column(stream: Wire, layout: Layout) -> int:
    ends = (layout.places[stream.source].column, layout.places[stream.target].column)
    return layout.lanes.get((stream.source, stream.target), max(ends))


class _Port(NamedTuple):
    """Where a stream meets a node: how far from its left edge, and whether others do."""

    position: float
    is_only: bool


def _ports(nodes: Sequence[str]) -> list[_Port]:
    """Ports of streams that meet these nodes, one after the other from the left."""
    seen: Counter[str] = Counter()
    all_of = Counter(nodes)
    ports = []
    for node in nodes:
        seen[node] += 1
        ports.append(_Port(seen[node] / (all_of[node] + 1), all_of[node] == 1))
    return ports
