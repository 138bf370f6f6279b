"""``msq-finn rehearse``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from msq_finn.cli import shared_options
from msq_finn.cli.console import console, echo_json, progress_bars
from msq_finn.cli.group import EXIT_FAILED


@click.command()
@click.argument("out", type=click.Path(path_type=Path, file_okay=False))
@shared_options.as_json
def rehearse(out: Path, as_json: bool) -> None:
    """Check the Vivado scripts of a simulated build in the folder OUT, without Vivado.

    FINN's steps to a bitfile and a package run against a stand-in for Vivado, which checks every
    command, file, module, port, width, parameter and interface that its scripts name.

    Example: msq-finn rehearse out
    """
    from msq_finn.build.rehearsal.rehearse import REHEARSAL, rehearse_build

    with progress_bars() as progress:
        found = rehearse_build(out, progress)
    if as_json:
        echo_json(
            {
                "complaints": [asdict(complaint) for complaint in found.complaints],
                "not_shown": list(found.unseen),
                "scripts": found.scripts,
            }
        )
    else:
        screen = console()
        for complaint in found.complaints:
            screen.print(f"complaint: {complaint}")
        screen.print(f"{len(found.complaints)} complaints, {found.scripts} scripts")
        screen.print("Not shown by a rehearsal:")
        for text in found.unseen:
            screen.print(f"- {text}")
        screen.print(f"Written to {out / 'report' / REHEARSAL}")
    if found.complaints:
        click.get_current_context().exit(EXIT_FAILED)
