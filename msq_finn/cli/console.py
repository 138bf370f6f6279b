"""What commands write to and draw on: folders, progress bars, tables, JSON."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

#: Seconds between two lines of progress where there is no terminal.
LINE_EVERY = 10.0

#: Version of what `--json` prints where the result has no version of its own.
JSON_VERSION = 1

#: Key of click's ``meta``: whether the command was given `--json`.
AS_JSON = "msq_finn.as_json"


@contextmanager
def progress_bars() -> Iterator[Any]:
    """Progress bars on standard error, one a stage; a line now and then where that is no terminal.

    Yields:
        a :data:`msq_finn.progress.Progress`; of a stage ``"name: detail"``, the detail is
        shown while it runs.
    """
    terminal = Console(stderr=True, file=sys.stderr)
    if not terminal.is_terminal:
        with progress_lines(LINE_EVERY) as report:
            yield report
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=terminal) as bars:
        tasks: dict[str, Any] = {}

        def report(stage: str, done: int, total: int) -> None:
            key, _, detail = stage.partition(": ")
            if key not in tasks:
                tasks[key] = bars.add_task(key, total=total)
            text = f"{key}: {detail}" if detail and done < total else key
            bars.update(tasks[key], description=text, completed=done, total=total)

        yield report


@contextmanager
def progress_lines(seconds: float) -> Iterator[Any]:
    """Say every so often on standard error which stage runs, how far it is and what is left.

    Args:
        seconds: between two lines; what is over sooner says nothing.

    Yields:
        a :data:`msq_finn.progress.Progress`.
    """
    stage, done, total = "", 0, 0
    began = time.monotonic()
    over = threading.Event()

    def report(now: str, units: int, of: int) -> None:
        nonlocal stage, done, total, began
        if now.partition(": ")[0] != stage.partition(": ")[0]:
            began = time.monotonic()
        stage, done, total = now, units, of

    def tell() -> None:
        while not over.wait(seconds):
            passed = time.monotonic() - began
            left = f", {passed * (total - done) / done:.0f} s left" if 0 < done < total else ""
            if done < total:
                line = f"msq-finn: {stage}, {done} of {total}, for {passed:.0f} s{left}"
                print(line, file=sys.stderr, flush=True)

    teller = threading.Thread(target=tell, daemon=True)
    teller.start()
    try:
        yield report
    finally:
        over.set()
        teller.join()


#: Words up to this length, which all numbers are, stay whole in a table; longer ones are folded.
_WHOLE = 12

#: Characters a line where there is no terminal, unless the environment's COLUMNS says how many.
_PAGE = 100


class _Screen(Console):
    """A console that shows all of every table and takes no text for markup."""

    def print(self, *objects: Any, **style: Any) -> None:
        """Print; a table too wide for the terminal runs over its edge, rather than lose digits.

        Text alone is left to the terminal to wrap, so that a path stays one.
        """
        tables = [o for o in objects if isinstance(o, Table)]
        for table in tables:
            for column in table.columns:
                cells = [str(cell) for cell in (column.header, *column.cells)]
                longest = max((len(word) for cell in cells for word in cell.split()), default=1)
                column.overflow = "fold"
                column.min_width = min(longest, _WHOLE)
        super().print(*objects, crop=False, soft_wrap=not tables, **style)


def console() -> Console:
    """Standard output, where texts of users print as they are."""
    screen = _Screen(markup=False, emoji=False)
    if not screen.is_terminal:
        screen.width = int(os.environ.get("COLUMNS") or _PAGE)
    return screen


def echo_error(error: Exception, text: str) -> None:
    """Print why there is no result, as JSON: ``{"error": {"text", "where", "field", "value"}}``.

    Args:
        error: what ended the command.
        text: the line that people are told.
    """
    given = {name: getattr(error, name, None) for name in ("where", "field", "value")}
    found = {"type": type(error).__name__, "text": text, **given}
    result = {"schema_version": JSON_VERSION, "error": found}
    with suppress(OSError):  # which may be the error itself: a full disk
        click.echo(json.dumps(result, indent=2, default=str))


def echo_json(result: dict[str, Any]) -> None:
    """Print a result under the schema's version and those of the tools; nothing in it is random.

    Args:
        result: what the command found; its own ``schema_version``, if any, takes precedence.
    """
    from msq_finn.doctor import tool_versions

    head = {"schema_version": JSON_VERSION, "versions": tool_versions()}
    click.echo(json.dumps({**head, **result}, indent=2))
