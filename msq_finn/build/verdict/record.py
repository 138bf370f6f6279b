"""Verdicts as figures and files of a build's report."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from msq_finn.build.output import DIFFERENCE
from msq_finn.build.verdict.judge import Verdict


def verdict_figures(verdict: Verdict) -> dict[str, Any]:
    """The fields of :class:`msq_finn.build.summary.Summary` that a verdict is.

    Args:
        verdict: of a simulation.
    """
    return {
        "rtl_ties": len(verdict.ties),
        "rtl_faults": sum(fault.found.faults for fault in verdict.faults),
        "ties": [{"image": image, **asdict(tie)} for image, tie in verdict.ties],
        "faults": [
            {
                "image": fault.image,
                "node": fault.found.node,
                "values": fault.found.faults,
                "why": fault.found.why,
            }
            for fault in verdict.faults
        ],
    }


def write_difference(report: Path, verdict: Verdict) -> None:
    """Write the first wrong tensor as it is and as it should be, or remove what was there.

    Args:
        report: the report folder, which gets `DIFFERENCE`: ``found``, ``expected``, ``image`` and
            ``node``.
        verdict: of a simulation.
    """
    file = report / DIFFERENCE
    file.unlink(missing_ok=True)
    if verdict.faults:
        image, first = verdict.faults[0].image, verdict.faults[0].found
        np.savez_compressed(
            file, found=first.found, expected=first.expected, image=image, node=first.node
        )
