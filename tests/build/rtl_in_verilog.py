"""A stitched design's RTL in plain Verilog, for simulators that do not take SystemVerilog."""

from __future__ import annotations

from msq_finn.build.stitched import TOP
from msq_finn.rewordings import for_slang
from msq_finn.sim import primitives
from msq_finn.synth import yosys as synth
from tests import yosys


def in_verilog(design, folder):
    """Write ``rtl.v`` and ``primitives.v`` to a folder; the text of the first.

    Yosys elaborates, and turns processes into registers and multiplexers, which hand on an X where
    an ``if`` would not. Memories keep their contents, and primitives stay what they are.
    """
    paths = []
    for index, source in enumerate(design.sources):
        text = for_slang(source)
        if text is not None:
            (folder / str(index)).mkdir()
            source = folder / str(index) / source.name
            source.write_text(text)
        paths.append(source)
    boxes = tuple(synth._BLACK_BOXES)
    options = "--keep-hierarchy --ignore-assertions --allow-use-before-declare -D SYNTHESIS=1"
    done = yosys.run(
        yosys.read(TOP, [synth._STUBS, *paths], options, boxes),
        "proc",
        "opt_clean",
        "write_verilog -noattr rtl.v",
        cwd=folder,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    text = (folder / "rtl.v").read_text()
    (folder / "primitives.v").write_text(primitives.models([text]))
    return text
