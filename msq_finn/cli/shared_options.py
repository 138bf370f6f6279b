"""Options that several commands have."""

from pathlib import Path

import click

from msq_finn.cli.console import AS_JSON


def _clk_ns(ctx: click.Context, option: click.Parameter, value: str) -> float:
    """Read the clock when the command line is parsed, before anything slow."""
    from msq_finn.plan.frontend.request import clk_ns_of

    return clk_ns_of(value)


def _as_json(ctx: click.Context, option: click.Parameter, value: bool) -> bool:
    """Have the group of commands print errors as JSON too."""
    ctx.meta[AS_JSON] = value
    return value


def _boards(ctx: click.Context, option: click.Parameter, begun: str) -> list[str]:
    """What a shell completes: the boards that FINN knows."""
    try:
        from finn.util.basic import part_map
    except ImportError:
        return []
    return [name for name in sorted(part_map) if name.lower().startswith(begun.lower())]


out = click.option(
    "-o", "--out", type=click.Path(path_type=Path, file_okay=False), help="Folder for the results."
)
board = click.option(
    "--board",
    default="Pynq-Z1",
    show_default=True,
    shell_complete=_boards,
    help="Board, as FINN names it.",
)
seed = click.option(
    "--seed",
    type=click.IntRange(0, 2**32 - 1),
    default=0,
    show_default=True,
    help="Seed of everything random.",
)
verbose = click.option("-v", "--verbose", is_flag=True, help="Say everything, not just a page.")
as_json = click.option(
    "--json",
    "as_json",
    is_flag=True,
    is_eager=True,  # so that it is known when another option is wrong
    callback=_as_json,
    help="Print the result as JSON.",
)
clk_ns = click.option(
    "--clk",
    "clk_ns",
    callback=_clk_ns,
    default="100MHz",
    show_default=True,
    metavar="CLOCK",
    help="Clock: a frequency such as 100MHz, or a period such as 10ns.",
)
