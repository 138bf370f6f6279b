"""Our stitched design in the place of Vivado's, for FINN's own simulation of it."""

from __future__ import annotations

from pathlib import Path

from qonnx.core.modelwrapper import ModelWrapper

from msq_finn.build.stitched import TOP, Stitched


def offer_to_finn(model: ModelWrapper, design: Stitched, folder: Path) -> None:
    """Leave what FINN's ``rtlsim_exec`` looks for after its ``CreateStitchedIP``.

    A model of ``exec_mode`` "rtlsim" then runs in FINN, and so does the verification step
    ``stitched_ip_rtlsim`` of its builder (core/rtlsim_exec.py).

    Args:
        model: the dataflow graph; its metadata are changed.
        design: its stitched RTL.
        folder: where the list of sources goes; made if missing.

    Raises:
        OSError: the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    # FINN takes the top's name from a file that ends in ".v".
    wrapper = folder / f"{TOP}.v"
    wrapper.write_text(design.path.read_text())
    sources = [wrapper if source == design.path else source for source in design.sources]
    (folder / "all_verilog_srcs.txt").write_text("\n".join(map(str, sources)))
    names = {
        side: [(f"{port}{index}_V", 0) for index in range(len(infos))]
        for side, port, infos in (
            ("s_axis", "in", model.graph.input),
            ("m_axis", "out", model.graph.output),
        )
    }
    model.set_metadata_prop("wrapper_filename", str(wrapper))
    model.set_metadata_prop("vivado_stitch_proj", str(folder))
    model.set_metadata_prop("vivado_stitch_ifnames", str(names))
