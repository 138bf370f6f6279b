"""The ``msq-finn`` command line."""

from __future__ import annotations

import json
import logging
import math
import sys
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
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

from msq_finn import __version__
from msq_finn.build.stages import STAGES
from msq_finn.errors import MissingToolError, MsqError

EXIT_FAILED, EXIT_BAD_INPUT = 1, 2

#: Version of what `--json` prints where the result has no version of its own.
JSON_VERSION = 1


class OneLine(click.ClickException):
    """A wrong command line, told in one line."""

    exit_code = EXIT_BAD_INPUT

    def show(self, file: Any = None) -> None:
        """Print it."""
        click.echo(f"msq-finn: {_one_line(self.message)}", err=True)


class Group(click.Group):
    """Turns every error into one line and an exit code: 1 the run failed, 2 the input is bad."""

    def make_context(self, *args: Any, **extra: Any) -> click.Context:
        """Parse the options in front of the command."""
        with _one_line_usage():
            return super().make_context(*args, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command."""
        try:
            with _one_line_usage():
                return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:
            if ctx.params.get("debug"):
                traceback.print_exc()
            text = _one_line(str(error)) or type(error).__name__
            if isinstance(error, MsqError):
                click.echo(f"msq-finn: {text}", err=True)
                ctx.exit(EXIT_FAILED if isinstance(error, MissingToolError) else EXIT_BAD_INPUT)
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


def _one_line(text: str) -> str:
    """Text from files and names, safe for a terminal: no line ends, no escape sequences."""
    words = " ".join(text.split())
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in words)


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="msq-finn")
@click.option("--debug", is_flag=True, help="Show tracebacks.")
def main(debug: bool) -> None:
    """Mixed-scheme quantised networks on FPGAs: LUT lanes beside DSP lanes.

    Example: msq-finn demo --out demo-out

    Completion in bash: eval "$(_MSQ_FINN_COMPLETE=bash_source msq-finn)"; likewise zsh_source,
    fish_source.
    """
    if not debug:
        warnings.simplefilter("ignore")
        logging.getLogger("torch.utils.cpp_extension").setLevel(logging.ERROR)


def _refuse_nan(ctx: click.Context, option: click.Parameter, value: float) -> float:
    """Refuse the one number that lies in every range."""
    if math.isnan(value):
        raise click.BadParameter("nan is no number", ctx, option)
    return value


_out = click.option(
    "-o", "--out", type=click.Path(path_type=Path, file_okay=False), help="Folder for the results."
)
_board = click.option(
    "--board", default="Pynq-Z1", show_default=True, help="Board, as FINN names it."
)
_seed = click.option(
    "--seed",
    type=click.IntRange(0, 2**32 - 1),
    default=0,
    show_default=True,
    help="Seed of everything random.",
)
_json = click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")


@main.command()
@_out
@_board
@_seed
@click.option(
    "--epochs", type=click.IntRange(1), default=30, show_default=True, help="Training epochs."
)
@_json
def demo(out: Path | None, board: str, seed: int, epochs: int, as_json: bool) -> None:
    """Train a row-mixed CNN on handwritten digits and take it to simulated, synthesised RTL.

    Example: msq-finn demo --out demo-out
    """
    from msq_finn import demo as demonstration

    out = out or Path("demo-out")
    with _work(out) as work, _progress() as progress:
        summary = demonstration.run(
            out, work, board=board, seed=seed, epochs=epochs, progress=progress
        )
    _show(summary, out, as_json)


@main.command()
@click.argument("model", type=click.Path(path_type=Path))
@_out
@_board
@_seed
@click.option(
    "--target-fps",
    type=click.IntRange(1),
    help="Frames per second to fold for; the smallest design without it.",
)
@click.option(
    "--clk-ns",
    type=click.FloatRange(0.1, 10_000),
    callback=_refuse_nan,
    default=10.0,
    show_default=True,
    help="Clock period in ns.",
)
@click.option(
    "--folding-config",
    type=click.Path(path_type=Path),
    help="FINN folding configuration (JSON), applied after automatic folding.",
)
@click.option(
    "--plan",
    type=click.Path(path_type=Path),
    help="Plan of 'msq-finn plan' to fold by, at its clock.",
)
@click.option(
    "--images",
    type=click.IntRange(2),
    default=8,
    show_default=True,
    help="Random images to simulate, where --inputs gives none.",
)
@click.option(
    "--inputs", type=click.Path(path_type=Path), help="Images to simulate (.npy, N first)."
)
@click.option(
    "--until",
    type=click.Choice(STAGES),
    default="synth",
    show_default=True,
    help="Last stage to run; 'bitfile' needs Vivado, 'deploy' does without if there is none.",
)
@click.option(
    "--start",
    metavar="STEP",
    help="Stage or step at which to go on with a build in --out that was stopped.",
)
@_json
def build(
    model: Path,
    out: Path | None,
    board: str,
    seed: int,
    target_fps: int | None,
    clk_ns: float,
    folding_config: Path | None,
    plan: Path | None,
    images: int,
    inputs: Path | None,
    until: str,
    start: str | None,
    as_json: bool,
) -> None:
    """Lower an exported QONNX MODEL to RTL, simulate it and count its resources.

    Example: msq-finn build model.onnx --board Pynq-Z1 --target-fps 50000 -o out
    """
    from msq_finn.build.inputs import check_board, load_folding, load_images, load_model
    from msq_finn.build.lower import Target
    from msq_finn.build.run import build as run_build

    load_model(model)
    check_board(board)
    folding = load_folding(folding_config)
    if plan is not None:
        from msq_finn.plan.planfile import Plan

        if target_fps is not None:
            raise click.UsageError("--target-fps and --plan: the plan has its own target; give one")
        planned = Plan.load(plan)
        planned.check_board(board, str(plan))
        clk_ns = planned.clk_ns
    target = Target(board, clk_ns, target_fps, folding, plan)
    chosen = load_images(inputs, model) if inputs is not None else images
    out = out or Path("build-out")
    with _work(out, resume=start is not None) as work, _progress() as progress:
        summary = run_build(
            model, target, out, work, chosen,
            seed=seed, until=until, start=start, progress=progress,
        )  # fmt: skip
    _show(summary, out, as_json)


@main.command(
    context_settings={"ignore_unknown_options": True, "help_option_names": []},
    add_help_option=False,
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def finn(arguments: tuple[str, ...]) -> None:
    """Run FINN's own command line, with Verilator where there is no Vivado.

    Example: msq-finn finn build build.yaml model.onnx
    """
    from msq_finn.build import finn_cli

    finn_cli.run(arguments)


@main.command()
@click.argument("model", type=click.Path(path_type=Path))
@_board
@click.option(
    "--target-fps", type=click.FloatRange(0, min_open=True), help="Frames per second to reach."
)
@click.option("--max-throughput", is_flag=True, help="Plan for the most frames per second.")
@click.option(
    "--budget",
    default="lut=0.8,dsp=1,bram=0.9",
    show_default=True,
    help="Shares of the board's resources to use.",
)
@click.option(
    "--clk-ns",
    type=click.FloatRange(0.1, 10_000),
    callback=_refuse_nan,
    default=10.0,
    show_default=True,
    help="Clock period in ns.",
)
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    default="plan.yaml",
    show_default=True,
    help="Plan file.",
)
@_json
def plan(
    model: Path,
    board: str,
    target_fps: float | None,
    max_throughput: bool,
    budget: str,
    clk_ns: float,
    out: Path,
    as_json: bool,
) -> None:
    """Choose lanes, folding and rows per scheme of every layer of MODEL for a board.

    Example: msq-finn plan model.onnx --board Pynq-Z1 --max-throughput -o plan.yaml
    """
    from msq_finn.build.inputs import check_board, load_model
    from msq_finn.plan import making, show

    if max_throughput == (target_fps is not None):
        raise click.UsageError("give either --target-fps N or --max-throughput")
    shares = making.shares_of(budget)
    load_model(model)
    part = check_board(board)
    with _progress() as progress:
        made = making.plan_file(model, board, part, clk_ns, target_fps, shares, progress)
    made.save(out)
    if as_json:
        _echo_json(made.model_dump())
    else:
        _console().print(*show.tables(made))
        click.echo(f"Written to {out}")


@main.command()
@click.option(
    "--jobs", type=click.IntRange(1), default=1, show_default=True, help="Yosys runs at a time."
)
@click.option(
    "--scheduler", metavar="ADDRESS", help="Dask scheduler (tcp://host:8786) whose workers to use."
)
@_json
def characterize(jobs: int, scheduler: str | None, as_json: bool) -> None:
    """Synthesise the nodes that the cost model is fitted to, and print the model's error.

    Runs are kept as they end: a killed sweep goes on where it was.

    Example: msq-finn characterize --jobs 2
    """
    from msq_finn.plan import cost, show, sweep
    from msq_finn.plan.characterize import characterize as run_sweep
    from msq_finn.plan.characterize import workers

    with workers(jobs, scheduler) as client, _progress() as progress:
        run_sweep([*sweep.fitted(), *sweep.held_back()], client, progress=progress)
    cost.default_model.cache_clear()
    found = cost.held_back_errors()
    if as_json:
        _echo_json(show.errors_as_dicts(found))
    else:
        _console().print(*show.error_tables(found))


@main.command("inspect")
@click.argument("model", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--figure",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Picture of the rows (.png, .svg, .pdf).",
)
@_json
def inspect_model(model: Path, figure: Path | None, as_json: bool) -> None:
    """Say which schemes hold each weight row of an exported QONNX MODEL, and what they cost.

    A row's letter is S where only SP2 holds it, F where only fixed point does, E for either and -
    for neither. Errors are relative squared ones, had the file's weights been projected.

    Example: msq-finn inspect model.onnx -o rows.png
    """
    from msq_finn.inspect import inspect

    with _progress() as progress:
        result = inspect(model, figure, progress)
    if as_json:
        _echo_json(result.model_dump())
        return
    table = Table(
        "layer", "rows x columns", "integers", "rows", "variance", "SP2 error", "fixed error"
    )
    for layer in result.layers:
        variances = [row.variance for row in layer.rows]
        table.add_row(
            layer.name,
            f"{len(layer.rows)} x {layer.columns}",
            f"{layer.smallest} to {layer.largest}",
            "".join(row.letter for row in layer.rows),
            f"{min(variances):.2g} to {max(variances):.2g}",
            f"{layer.mean_error('sp2_4'):.2%}",
            f"{layer.mean_error('fixed_4'):.2%}",
        )
    _console().print(table)
    if figure is not None:
        click.echo(f"Written to {figure}")


@main.command()
@_json
def doctor(as_json: bool) -> None:
    """Say which tools are there, their versions, and what each missing one costs.

    Example: msq-finn doctor --json
    """
    from msq_finn.doctor import examine

    checks = examine()
    if as_json:
        _echo_json({"checks": [check.as_dict() for check in checks]})
    else:
        table = Table("tool", "version", "what it means", "to do")
        marks = {"ok": "[green]{}[/]", "warning": "[yellow]{}[/]", "error": "[red]{}[/]"}
        for check in checks:
            found = marks[check.severity].format(check.found or "missing")
            table.add_row(check.name, found, check.message, check.suggestion)
        _console().print(table)
    if any(check.severity == "error" for check in checks):
        sys.exit(EXIT_FAILED)


@contextmanager
def _work(out: Path, *, resume: bool = False) -> Iterator[Path]:
    from msq_finn.build.output import output_folder

    with output_folder(out, resume=resume) as work:
        yield work.resolve()


@contextmanager
def _progress() -> Iterator[Any]:
    """Progress bars on standard error, one a stage; nothing where that is no terminal."""
    console = Console(stderr=True, file=sys.stderr)
    if not console.is_terminal:
        yield lambda stage, done, total: None
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as bars:
        tasks: dict[str, Any] = {}

        def report(stage: str, done: int, total: int) -> None:
            key, _, detail = stage.partition(": ")
            if key not in tasks:
                tasks[key] = bars.add_task(key, total=total)
            text = f"{key}: {detail}" if detail and done < total else key
            bars.update(tasks[key], description=text, completed=done, total=total)

        yield report


def _console() -> Console:
    """Standard output; wide enough for the tables where it is no terminal."""
    console = Console()
    return console if console.is_terminal else Console(width=120)


def _echo_json(result: dict[str, Any]) -> None:
    """Print a result under the schema's version and those of the tools; nothing in it is random."""
    from msq_finn.doctor import tool_versions

    head = {"schema_version": JSON_VERSION, "versions": tool_versions()}
    click.echo(json.dumps({**head, **result}, indent=2))


def _show(summary: Any, out: Path, as_json: bool) -> None:
    if as_json:
        click.echo(summary.model_dump_json(indent=2))
        return
    console = _console()
    layers = Table(
        "layer", "SP2 rows", "fixed rows", "LUT lanes", "DSP lanes", "SIMD", "cycles", "LUT sites"
    )
    for la in summary.layers:
        values = (
            la.rows_sp2,
            la.rows_fixed,
            la.pe_lut,
            la.pe_dsp,
            la.simd,
            la.cycles,
            "-" if la.lut_sites is None else la.lut_sites,
        )
        layers.add_row(la.name, *map(str, values))
    figures = Table("figure", "value")
    for name in (
        "accuracy_float",
        "accuracy_quant",
        "accuracy_rtl",
        "images_simulated",
        "rtl_mismatches",
        "cycles_per_image",
        "predicted_cycles_per_image",
        "fps_at_clock",
        "lut_sites",
        "ff",
        "dsp",
        "bram36",
        "simulator",
        "finn_seconds",
        "msq_seconds",
    ):
        value = getattr(summary, name)
        if value is not None:
            figures.add_row(name, f"{value:.4g}" if isinstance(value, float) else str(value))
    console.print(layers, figures)
    written = [
        path.name for path in sorted(out.iterdir()) if not path.name.startswith((".", "build"))
    ]
    console.print(f"Written to {out}: {', '.join(written)}")
    if "deploy" in written and not summary.bitfile:
        console.print("The package lacks the bitfile, which Vivado makes: see deploy/README.md")
