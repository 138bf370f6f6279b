"""``msq-finn finn``."""

from __future__ import annotations

import click


@click.command(
    context_settings={"ignore_unknown_options": True, "help_option_names": []},
    add_help_option=False,
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def finn(arguments: tuple[str, ...]) -> None:
    """Run FINN's own command line, with Verilator where there is no Vivado.

    Example: msq-finn finn build --skip-dep-update --accept-defaults --batch build.yaml model.onnx
    """
    from msq_finn.build import finn_cli

    finn_cli.run(arguments)
