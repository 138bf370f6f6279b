"""How long steps take, and which share of it is our transformations'."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from msq_finn.files import write

#: Beside FINN's own time_per_step.json, which its builder writes when it ends.
TIME_PER_STEP = "msq_time_per_step.json"

_OURS = "msq_transforms"


@contextmanager
def measured(config: Any, step: str) -> Iterator[None]:
    """Add the block's seconds to the report of a build; those of a block that fails are not noted.

    Args:
        config: FINN's build configuration.
        step: name of the step that the block runs.
    """
    path = Path(config.output_dir) / "report" / TIME_PER_STEP
    config.msq_seconds = 0.0
    started = time.monotonic()
    yield
    seconds = time.monotonic() - started
    known = read(path.parent)
    known["steps"][step] = round(seconds, 3)
    known[_OURS][step] = round(config.msq_seconds, 3)
    path.parent.mkdir(parents=True, exist_ok=True)
    write(path, json.dumps(known, indent=2))


def read(report: Path) -> dict[str, dict[str, float]]:
    """Read the seconds of a build so far.

    Args:
        report: the build's report folder.

    Returns:
        under ``steps`` the seconds per step in order, and under ``msq_transforms`` those of them
        that our transformations took.
    """
    path = report / TIME_PER_STEP
    if path.exists():
        return dict(json.loads(path.read_text()))
    return {"steps": {}, _OURS: {}}


def ours(model: Any, config: Any, *transformations: Any) -> Any:
    """Apply transformations of ours, and count their time as such.

    Args:
        model: to transform.
        config: FINN's build configuration.
        transformations: applied in order.

    Returns:
        the transformed model.
    """
    started = time.monotonic()
    for transformation in transformations:
        # In place: QONNX would copy all weights for each, and a step's input is nobody else's.
        model = model.transform(transformation, make_deepcopy=False)
    config.msq_seconds = getattr(config, "msq_seconds", 0.0) + time.monotonic() - started
    return model


def share(report: Path, last: str) -> tuple[float, float]:
    """Share a build's seconds out.

    Args:
        report: the build's report folder.
        last: last step to count; all of them where it has not run.

    Returns:
        seconds of FINN's own work, and of ours.
    """
    known = read(report)
    names = list(known["steps"])
    upto = names[: names.index(last) + 1] if last in names else names
    mine = sum(known[_OURS][name] for name in upto)
    return sum(known["steps"][name] for name in upto) - mine, mine
