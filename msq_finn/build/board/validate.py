"""Run the package's reference images on the board, and compare every output."""

from __future__ import annotations

import argparse
import json
import sys
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
    with np.load(str(reference)) as file:
        images, outputs, raw, step = (file[n] for n in ("images", "outputs", "raw", "step"))
    network.batch_size = len(images)
    found = network.execute(images)
    found_raw = network.execute_raw(network.before(images)).reshape(raw.shape)
    return {
        "images": len(images),
        "raw_mismatches": _different(found_raw != raw),
        "mismatches": _different(np.abs(found.astype(np.float64) - outputs) >= step / 2),
        "fingerprint": network.fingerprint,
    }


def _different(where: Any) -> int:
    return int(where.reshape(len(where), -1).any(axis=1).sum())


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
