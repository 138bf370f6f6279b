"""Commands for addresses in block designs."""

from __future__ import annotations

from msq_finn.build.rehearsal.findings import Refusal
from msq_finn.build.rehearsal.stand_in import catalog
from msq_finn.build.rehearsal.stand_in.block_design import BlockDesign, Segment, leaf, parent
from msq_finn.build.rehearsal.stand_in.blocks import design, found
from msq_finn.build.rehearsal.stand_in.command import Args, command
from msq_finn.build.rehearsal.stand_in.session import Session
from msq_finn.build.rehearsal.stand_in.validation import window

_UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
_LEAST_RANGE = 4096
_AUTOMATIC_RANGE = 1 << 16


@command("get_bd_addr_segs", "-quiet", words=(1, 1))
def _get_bd_addr_segs(session: Session, args: Args) -> list[str]:
    blocks = design(session)
    _make_segments(blocks)
    return found(session, args, blocks.segments, "address segment", "address")


@command("assign_bd_address", "-offset=", "-range=", words=(0, 1))
def _assign_bd_address(session: Session, args: Args) -> None:
    blocks = design(session)
    _make_segments(blocks)
    paths = session.split(args.words[0]) if args.words else []
    if args.words and not paths:
        raise Refusal("address", "assign_bd_address of no segment")
    for path in paths:
        if path not in blocks.segments:
            raise Refusal("address", f"there is no address segment {path}")
        segment = blocks.segments[path]
        segment.range = segment_size(args.get("-range", str(_LEAST_RANGE)))
        segment.offset = int(args.get("-offset", "0"), 0)
    if not paths:
        for segment in blocks.segments.values():
            if segment.offset is None and blocks.buses[segment.bus].mode == "Master":
                segment.offset, segment.range = 0, 1 << 32
            elif segment.offset is None:
                first, _ = window(blocks) or (0, 0)
                slaves = [s for s in blocks.segments.values() if s.bus != segment.bus]
                taken = [s.offset + s.range for s in slaves if s.offset and s.offset >= first]
                segment.range = _AUTOMATIC_RANGE
                segment.offset = -(-max([first, *taken]) // segment.range) * segment.range


def segment_size(text: str) -> int:
    """Bytes of a range such as ``4G``.

    Raises:
        Refusal: it is none.
    """
    number, unit = (text[:-1], text[-1]) if text[-1:] in _UNITS else (text, "")
    try:
        return int(number, 0) * _UNITS.get(unit, 1)
    except ValueError:
        raise Refusal("address", f"a range of {text}") from None


def _make_segments(blocks: BlockDesign) -> None:
    """Know the ranges of all buses that are connected by now."""
    for path, bus in list(blocks.leaf_buses()):
        if bus.kind != "aximm" or blocks.cells[parent(path)].ip.vlnv in catalog.names():
            continue
        far = blocks.far_end(path)
        if far is None:
            continue
        if bus.mode == "Slave":
            name = f"{path}/Reg0"
        else:
            target = leaf(far) if blocks.is_port(far) else leaf(parent(far))
            name = f"{parent(path)}/Data_{bus.name}/SEG_{target}_Reg"
        blocks.segments.setdefault(name, Segment(name, path))
