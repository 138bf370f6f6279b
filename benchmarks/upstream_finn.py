"""Whole networks on a checkout of upstream FINN, bit for bit.

Upstream's Python package and RTL library take the place of finn-plus's, whose dependencies stay: a
child process gets a package ``finn`` whose modules are those of ``FOLDER/src/finn``, and
``FINN_ROOT``. What upstream imports and this environment lacks is filled in by
``upstream_gaps.py``. Networks and comparison are those of ``networks.py``, and the demo's. First
comes what differs: which names and steps of FINN's are msq_finn's own there. Then every network is
told of as soon as it is done, with the seconds that it took. The exit code is 1 where a network
does not build, or an image differs. With ``--unsized`` FIFOs stay as FINN inserts them, two words
deep, which spares their sizing: outputs are the same, in more cycles, but a network whose branches
meet again may starve.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import networks
from rich.console import Console
from rich.table import Table

from msq_finn import models
from msq_finn.demo import TARGET_FPS

_HERE = Path(__file__).resolve().parent

#: What a child is asked for, beside networks.
_DIFFERENCES = "differences"

networks.NETWORKS["demo"] = networks.Network(models.digits_cnn, (1, 8, 8), TARGET_FPS)
#: Two pixels a cycle.
networks.NETWORKS["demo_pixels"] = networks.Network(models.digits_cnn, (1, 8, 8), 1_400_000)


def lay_over(finn: Path, folder: Path) -> dict[str, str]:
    """Make a package ``finn`` of a checkout.

    Args:
        finn: the checkout, with ``src/finn`` and ``finn-rtllib``.
        folder: where the package goes.

    Returns:
        the environment for a process that is to import it.
    """
    package = folder / "finn"
    package.mkdir()
    (package / "__init__.py").write_text(
        f"__path__ = [{str(finn / 'src' / 'finn')!r}]\n"
        "import upstream_gaps\n\nupstream_gaps.fill()\n"
    )
    paths = [str(folder), str(_HERE), *filter(None, [os.environ.get("PYTHONPATH")])]
    return os.environ | {"PYTHONPATH": os.pathsep.join(paths), "FINN_ROOT": str(finn)}


def differences() -> dict[str, Any]:
    """What of FINN's is msq_finn's own with this checkout (in the child)."""
    from msq_finn import finn_compat
    from msq_finn.sim.finn_env import prepare

    with tempfile.TemporaryDirectory() as folder:
        prepare(Path(folder))
    import upstream_gaps

    from msq_finn.build.steps import DATAFLOW_STEPS
    from msq_finn.finn_compat import builder_steps, streamline

    moves = {name: value for name, value in vars(streamline).items() if isinstance(value, type)}
    return {
        "FINN": finn_compat.version(),
        "simulator of its nodes": "PyVerilator" if finn_compat.is_main() else "finn.xsi",
        "transformations of msq_finn's": [n for n, v in moves.items() if _is_ours(v.__module__)],
        "steps of msq_finn's": [
            step.__name__
            for step in DATAFLOW_STEPS
            if getattr(step, "__module__", None) == builder_steps.__name__
        ],
        "filled in": upstream_gaps.FILLED,
    }


def _is_ours(module: str) -> bool:
    return module.startswith("msq_finn.")


def run(name: str, images: int, *, sized: bool) -> dict[str, Any]:
    """Take one network all the way (in the child)."""
    with networks.fresh_folder() as folder:
        return networks.run(name, images, folder, sized=sized)


def ask(question: str, images: int, finn: Path, *, sized: bool) -> dict[str, Any]:
    """Ask a child that has the checkout's FINN; what stops it is under ``error``."""
    with tempfile.TemporaryDirectory(prefix="msq_finn_overlay_") as overlay:
        child = subprocess.run(
            [
                *(sys.executable, str(Path(__file__).resolve()), "--finn", str(finn)),
                *("--child", question, "--images", str(images)),
                *([] if sized else ["--unsized"]),
            ],
            env=lay_over(finn, Path(overlay)),
            capture_output=True,
            text=True,
        )
    if child.returncode:
        return {"error": (child.stderr.strip().splitlines() or ["no message"])[-1]}
    return dict(json.loads(child.stdout.strip().splitlines()[-1]))


def main() -> int:
    """Run the networks asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--finn", type=Path, required=True, help="folder of the checkout")
    parser.add_argument(
        "--network", choices=networks.NETWORKS, action="append", help="default: all"
    )
    parser.add_argument("--images", type=int, default=3, help="images to simulate, 3 or more")
    parser.add_argument("--unsized", action="store_true", help="leave FIFOs as FINN inserts them")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args()
    images, finn, sized = max(3, options.images), options.finn.resolve(), not options.unsized
    if options.child is not None:
        own = options.child == _DIFFERENCES
        print(json.dumps(differences() if own else run(options.child, images, sized=sized)))
        return 0
    if not (finn / "src" / "finn").is_dir():
        parser.error(f"{finn}: no src/finn in it; give the folder of a checkout of upstream FINN")
    console = Console(quiet=options.json)
    found = ask(_DIFFERENCES, images, finn, sized=sized)
    for what, value in found.items():
        console.print(f"{what}: {', '.join(value) if isinstance(value, list) else value}")
    rows = []
    for name in options.network or networks.NETWORKS:
        rows.append({"network": name} | ask(name, images, finn, sized=sized))
        console.print(told(rows[-1]), highlight=False)
    if options.json:
        print(json.dumps({"differences": found, "networks": rows}, indent=2))
    else:
        _show(console, rows)
    return int("error" in found or any(map(is_wrong, rows)))


def is_wrong(row: dict[str, Any]) -> bool:
    """Whether a network was stopped, or its hardware or package gives something else.

    Args:
        row: of :func:`networks.run`, or what stopped it under ``error``.

    >>> is_wrong({"mismatches": 0, "package_mismatches": 1}), is_wrong({"error": "no finn-rtllib"})
    (True, True)
    """
    return "error" in row or bool(row["mismatches"] or row["package_mismatches"])


def told(row: dict[str, Any]) -> str:
    """One line about a network.

    Args:
        row: of :func:`networks.run`, or what stopped it under ``error``.

    >>> told({"network": "tfc", "error": "no finn-rtllib"})
    'tfc: no finn-rtllib'
    """
    if "error" in row:
        return f"{row['network']}: {row['error']}"
    stages = ", ".join(f"{seconds} {stage}" for stage, seconds in row["seconds_per_stage"].items())
    return (
        f"{row['network']}: {row['mismatches']} of {row['images']} images differ, "
        f"{row['package_mismatches']} in the package; "
        f"{row['seconds']} s ({stages})"
    )


def _show(console: Console, rows: list[dict[str, Any]]) -> None:
    table = Table("network", "images", "mismatches", "cycles", "predicted", "seconds")
    for row in rows:
        keys = ("images", "mismatches", "cycles_per_image", "predicted_cycles_per_image", "seconds")
        table.add_row(row["network"], *(str(row.get(key, "-")) for key in keys))
    console.print(table, f"Simulator: {networks.SIMULATOR}")


if __name__ == "__main__":
    sys.exit(main())
