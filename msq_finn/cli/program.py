"""The program and its commands."""

import logging
import os
import warnings

import click

from msq_finn import __version__
from msq_finn.cli.build import build
from msq_finn.cli.characterize import characterize
from msq_finn.cli.demo import demo
from msq_finn.cli.doctor import doctor
from msq_finn.cli.finn import finn
from msq_finn.cli.group import CommandGroup
from msq_finn.cli.inspect import inspect_model
from msq_finn.cli.plan import plan
from msq_finn.cli.quantize import quantize
from msq_finn.cli.rehearse import rehearse
from msq_finn.cli.trace import trace


@click.group(cls=CommandGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="msq-finn")
@click.option("--debug", is_flag=True, help="Show tracebacks.")
def main(debug: bool) -> None:
    """Mixed-scheme quantized networks on FPGAs: LUT lanes beside DSP lanes.

    Example: msq-finn demo --out demo-out

    Completion in bash: eval "$(_MSQ_FINN_COMPLETE=bash_source msq-finn)"; likewise zsh_source,
    fish_source.
    """
    # Figures go to files: a backend for windows, wherever it is set, would only fail.
    os.environ["MPLBACKEND"] = "agg"
    if not debug:
        warnings.simplefilter("ignore")
        logging.getLogger("torch.utils.cpp_extension").setLevel(logging.ERROR)


for _command in (
    build, characterize, demo, doctor, finn, inspect_model, plan, quantize, rehearse, trace
):  # fmt: skip
    main.add_command(_command)
