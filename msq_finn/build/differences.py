"""Which images' outputs are not those of the exported model."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_finn.errors import MsqError
from msq_finn.lowering.ends import Ends, each, mapped


def differ(outputs: Ends, reference: Ends, step: Ends | float) -> NDArray[np.bool_]:
    """Images for which the two disagree in any output, [images].

    The accelerator's outputs are integers times ``step``. Different integers are a step or more
    apart, equal ones only as far as the host's and the reference's rounding.

    Args:
        outputs: what the accelerator and the host made of the images, [images, ...].
        reference: what they should be, [images, ...].
        step: what an integer is worth in the outputs: a scalar, or one per output of an image.

    Raises:
        MsqError: the shapes differ.

    >>> differ(np.array([[0.5, 1.0]] * 2), np.array([[0.5000001, 1.0], [0.5, 1.5]]), 0.5).tolist()
    [False, True]
    """
    steps = step if isinstance(step, tuple) else (np.asarray(step),) * len(each(outputs))
    wrong = mapped(_apart, outputs, reference, steps)
    return np.any(each(wrong), axis=0)


def _apart(outputs: NDArray[Any], reference: NDArray[Any], step: NDArray[Any]) -> NDArray[np.bool_]:
    if outputs.shape != reference.shape:
        raise MsqError(
            f"outputs of shape {outputs.shape[1:]}, where the exported model has "
            f"{reference.shape[1:]}"
        )
    apart = np.abs(np.asarray(outputs, dtype=np.float64) - reference)
    wrong: NDArray[np.bool_] = np.any((apart >= step / 2).reshape(len(outputs), -1), axis=1)
    return wrong


def mismatches(outputs: Ends, reference: Ends, step: Ends | float) -> int:
    """Count the images for which the two disagree in any output.

    Args:
        outputs: [images, ...], as of `differ`.
        reference: [images, ...], likewise.
        step: a scalar or of shape (channels,), likewise.

    >>> mismatches(np.array([[0.5, 1.0]]), np.array([[0.5, 1.5]]), 0.5)
    1
    """
    return int(differ(outputs, reference, step).sum())
