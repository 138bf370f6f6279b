"""What the tests run in a board's Python: the package's checks, and the code that it is made of.

usage: on_board.py FOLDER [SOCKET]

FOLDER holds a deployment package (``deploy``) and cases of packing (``packing.npz``) and of the
processor's operations (``operations``), of which the results were computed elsewhere. At SOCKET
another process computes what the accelerator would. Prints figures as JSON.
"""

import json
import os
import platform
import runpy
import sys
from pathlib import Path

import fake_pynq
import numpy as np


def packing_mismatches(path):
    """Count the cases in which bytes or values differ from those of the file."""
    from msq_board.packing import element, pack, unpack

    wrong = cases = 0
    with np.load(str(path)) as file:
        for name in file["names"]:
            values, words = file[f"{name} values"], file[f"{name} words"]
            kind = element(str(name).split()[0])
            found = unpack(words, kind, values.shape[-1])
            same = np.array_equal(pack(values, kind), words) and np.array_equal(found, values)
            cases, wrong = cases + 1, wrong + (not same)
    return {"packing_cases": cases, "packing_mismatches": wrong}


def operation_mismatches(folder):
    """Count the cases in which an operation gives other types, shapes or values."""
    from msq_board.host import Program

    wrong, cases = [], 0
    for path in sorted(folder.glob("*.json")):
        with np.load(str(path.with_suffix(".values"))) as file:
            given, expected, tolerance = file["given"], file["expected"], float(file["tolerance"])
        with np.errstate(over="ignore"):
            found = Program.load(path)(given)
        same = found.shape == expected.shape and found.dtype == expected.dtype
        near = same and np.allclose(found, expected, rtol=tolerance, atol=tolerance / 10)
        cases += 1
        if not near:
            wrong.append(path.stem)
    return {"operations": cases, "operations_that_differ": wrong}


def main():
    folder = Path(sys.argv[1])
    driver = folder / "deploy" / "driver"
    sys.path.insert(0, str(driver))
    os.chdir(str(driver))
    print(
        json.dumps(
            {
                "machine": platform.machine(),
                "python": platform.python_version(),
                "numpy": np.version.version,
                "default_integer_bits": 8 * np.dtype(int).itemsize,
                **packing_mismatches(folder / "packing.npz"),
                **operation_mismatches(folder / "operations"),
            }
        ),
        flush=True,
    )
    if len(sys.argv) > 2:
        fake_pynq.Board(fake_pynq.over_socket(sys.argv[2])).install()
        sys.argv = ["validate", "--bitfile", "../bitfile/finn-accel.bit", "--timeout", "600"]
        sys.argv += ["--batch-size", "4"]
        runpy.run_module("msq_board.validate", run_name="__main__")


if __name__ == "__main__":
    main()
