"""``msq-finn doctor``."""

from __future__ import annotations

import sys

import click
from rich.table import Table
from rich.text import Text

from msq_finn.cli import shared_options
from msq_finn.cli.console import console, echo_json
from msq_finn.cli.group import EXIT_FAILED


@click.command()
@shared_options.as_json
def doctor(as_json: bool) -> None:
    """Say which tools are there, their versions, and what each missing one costs.

    Example: msq-finn doctor --json
    """
    from msq_finn.doctor import examine

    checks = examine()
    if as_json:
        echo_json({"checks": [check.as_dict() for check in checks]})
    else:
        table = Table("tool", "version", "what it means", "to do")
        colours = {"ok": "green", "warning": "yellow", "error": "red"}
        for check in checks:
            found = Text(check.found or "missing", colours[check.severity])
            table.add_row(check.name, found, check.message, check.suggestion)
        console().print(table)
    if any(check.severity == "error" for check in checks):
        sys.exit(EXIT_FAILED)
