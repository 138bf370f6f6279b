"""What a rehearsal writes in the place of what only Vivado can make."""

from __future__ import annotations

from pathlib import Path

#: Said in every file that stands for one of Vivado's.
MARK = "Made by msq-finn's rehearsal, not by Vivado: a stand-in without hardware in it."

#: What stands in a rehearsal's bitfile, which no FPGA and no driver can take for one.
NO_BITFILE = f"THIS IS NO BITFILE. {MARK}\n"


def is_marker(path: Path) -> bool:
    """Whether a file stands for a bitfile, and is none."""
    with path.open("rb") as file:
        return file.read(len(NO_BITFILE)) == NO_BITFILE.encode()
