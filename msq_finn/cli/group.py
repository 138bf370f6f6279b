"""Errors on the command line: one line each, and exit codes."""

from __future__ import annotations

import errno
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from msq_finn.cli.console import AS_JSON, echo_error
from msq_finn.cli.interrupt import interruptible
from msq_finn.errors import MissingToolError, MsqError

EXIT_FAILED, EXIT_BAD_INPUT = 1, 2


class OneLine(click.ClickException):
    """A wrong command line, told in one line; the exit code is 2."""

    exit_code = EXIT_BAD_INPUT

    def show(self, file: Any = None) -> None:
        """Print it."""
        click.echo(f"msq-finn: {one_line(self.message)}", err=True)


class CommandGroup(click.Group):
    """Turns every error into one line and an exit code: 1 the run failed, 2 the input is bad."""

    def main(self, *args: Any, **extra: Any) -> Any:
        """Run as a program."""
        with interruptible(EXIT_FAILED):
            return super().main(*args, **extra)

    def make_context(self, *args: Any, **extra: Any) -> click.Context:
        """Parse the options in front of the command."""
        with _one_line_usage():
            return super().make_context(*args, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command."""
        try:
            with _one_line_usage():
                return super().invoke(ctx)
        except click.ClickException as error:
            if ctx.meta.get(AS_JSON):
                echo_error(error, one_line(error.format_message()))
            raise
        except (click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:
            if ctx.params.get("debug"):
                traceback.print_exc()
            text = one_line(str(error)) or type(error).__name__
            if ctx.meta.get(AS_JSON):
                echo_error(error, text)
            if isinstance(error, MsqError):
                click.echo(f"msq-finn: {text}", err=True)
                ctx.exit(EXIT_FAILED if isinstance(error, MissingToolError) else EXIT_BAD_INPUT)
            if isinstance(error, OSError) and error.errno == errno.ENOSPC:
                at = error.filename or "standard output, or another file"
                click.echo(f"msq-finn: no space left to write {at}", err=True)
                ctx.exit(EXIT_FAILED)
            click.echo(
                f"msq-finn: unexpected {type(error).__name__}: {text[:300]}; "
                "run again as 'msq-finn --debug ...' and report it",
                err=True,
            )
            ctx.exit(EXIT_FAILED)


@contextmanager
def _one_line_usage() -> Iterator[None]:
    try:
        yield
    except click.exceptions.NoArgsIsHelpError:
        raise
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "msq-finn"
        text = error.format_message().removesuffix(".")
        raise OneLine(f"{text}; see '{command} --help'") from error


def one_line(text: str) -> str:
    r"""Make a text from files and names safe for a terminal: no line ends, no escape sequences.

    Args:
        text: any.

    >>> one_line("two\nlines \x1b[31m")
    'two lines \\x1b[31m'
    """
    words = " ".join(text.split())
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in words)
