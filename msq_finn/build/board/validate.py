"""Run the package's reference images on the board, and compare every output."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from .overlay import DeployedNetwork, load
from .package import PackageError


def validate(network: DeployedNetwork, reference: Path) -> dict[str, Any]:
    """Compare a network on the board with the outputs that its build recorded.

    Args:
        network: from :func:`msq_board.overlay.load`.
        reference: ``reference.npz``.

    Returns:
        ``images``, and how many differ in any integer of the accelerator (``raw_mismatches``) and
        in any of the network's outputs by half an integer step or more (``mismatches``).

    Raises:
        TimeoutError: the accelerator does not finish in time.
    """
    arrays = reference_arrays(reference)
    images, outputs, raw, steps = (arrays[n] for n in ("images", "outputs", "raw", "step"))
    network.batch_size = len(images[0])
    found = _each(network.execute(images))
    found_raw = _each(network.execute_raw(network.before(images)))
    return {
        "images": len(images[0]),
        "raw_mismatches": _different(a.reshape(b.shape) != b for a, b in zip(found_raw, raw)),
        "mismatches": _different(
            np.abs(a.astype(np.float64) - b) >= step / 2
            for a, b, step in zip(found, outputs, steps)
        ),
        "fingerprint": network.fingerprint,
    }


def reference_arrays(reference: Path) -> dict[str, list[Any]]:
    """Read the reference images and what belongs to them.

    Args:
        reference: ``reference.npz``.

    Returns:
        ``images``, ``outputs``, ``raw`` (the accelerator's integers) and ``step``, lists with an
        array of each input or output.
    """
    found: dict[str, list[Any]] = {}
    with np.load(str(reference)) as file:
        for name in ("images", "outputs", "raw", "step"):
            # Of several, each has its number behind the name.
            count = sum(key.rstrip("0123456789") == name for key in file.files)
            keys = [name] if name in file.files else [f"{name}{i}" for i in range(count)]
            found[name] = [file[key] for key in keys]
    return found


def _each(values: Any) -> list[Any]:
    if isinstance(values, dict):
        return list(values.values())
    return values if isinstance(values, list) else [values]


def _different(wheres: Iterable[Any]) -> int:
    """Images that differ in any of the arrays."""
    images = sum(where.reshape(len(where), -1).any(axis=1) for where in wheres)
    return int((images > 0).sum())


def main() -> int:
    """Validate, measure, and print both as JSON; the exit code is 1 where images differ."""
    parser = argparse.ArgumentParser(description=__doc__)
    folder = Path(__file__).resolve().parent.parent
    parser.add_argument("--bitfile", type=Path, required=True)
    parser.add_argument("--driver", type=Path, default=folder, help="the package's driver folder")
    parser.add_argument("--batch-size", type=int, default=64, help="images of the throughput test")
    parser.add_argument("--timeout", type=float, default=10.0, help="seconds to wait")
    options = parser.parse_args()
    try:
        network = load(options.driver, options.bitfile, timeout_s=options.timeout)
        result = validate(network, options.driver / "reference.npz")
        network.batch_size = options.batch_size
        result["throughput_test"] = network.throughput_test()
    except (PackageError, RuntimeError, TimeoutError) as error:
        print(error, file=sys.stderr)
        return 1
    print(json.dumps(result, indent=2))
    return int(result["mismatches"] + result["raw_mismatches"] > 0)


if __name__ == "__main__":
    sys.exit(main())
