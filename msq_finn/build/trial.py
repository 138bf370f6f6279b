"""The images that a build simulates, and what is known of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from msq_finn.lowering.ends import Ends, each, together
from msq_finn.lowering.host_side import Host
from msq_finn.lowering.lower import Lowered
from msq_finn.progress import Progress, silent


@dataclass(frozen=True)
class Labelled:
    """What is known of the images to simulate.

    Attributes:
        labels: class of every image, shape (images,).
        accuracy_float: the trained network's accuracy in Brevitas, from 0 to 1, for comparison;
            None where it is not known.
    """

    labels: NDArray[np.int64]
    accuracy_float: float | None = None


@dataclass(frozen=True)
class Trial:
    """What the steps are to simulate; ``msq_run`` of FINN's build configuration, if it has one.

    Attributes:
        images: network inputs without the batch axis, [images, ...], a tuple of them where the
            network has several; or how many to draw at random.
        seed: of random images.
        labelled: labels, where accuracies are wanted.
        progress: told of every stage.
    """

    images: Ends | int = 8
    seed: int = 0
    labelled: Labelled | None = None
    progress: Progress = silent


def images_of(lowered: Lowered, trial: Trial) -> Ends:
    """The images that a trial is to simulate, [images, ...]."""
    if isinstance(trial.images, int):
        return random_images(lowered, trial.images, trial.seed)
    return trial.images


def share_outside(lowered: Lowered, images: Ends) -> float:
    """Share of values that are further outside an input quantizer's range than that is wide.

    They count as the range's ends: pixels from 0 to 255, say, where the network was trained on
    those divided by 255. Of several inputs, the largest share.

    Args:
        lowered: the network.
        images: its inputs, [images, ...].
    """
    shares = []
    for values, (low, high) in zip(each(images), Host(lowered.parent).input_ranges(), strict=True):
        width = high - low
        shares.append(np.mean((values < low - width) | (values > high + width)))
    return float(max(shares))


def random_images(lowered: Lowered, count: int, seed: int) -> Ends:
    """Draw uniform network inputs over the range that the input quantizer tells apart.

    Args:
        seed: of the generator.

    Returns:
        [count, ...], float32, of the network's input shape behind the batch axis.
    """
    host, generator = Host(lowered.parent), np.random.default_rng(seed)
    return together(
        generator.uniform(low, high, (count, *host.model.get_tensor_shape(name)[1:])).astype(
            np.float32
        )
        for name, (low, high) in zip(host.inputs, host.input_ranges(), strict=True)
    )
