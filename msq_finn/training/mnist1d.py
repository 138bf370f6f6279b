"""MNIST-1D: ten shapes of signals, generated locally (Greydanus and Kobak, ICML 2024)."""

import random

import numpy as np
import torch

from msq_finn.errors import MissingToolError
from msq_finn.models import mnist1d_cnn
from msq_finn.training.recipe import Recipe, Split


def load_split(seed: int = 0) -> Split[torch.Tensor]:
    """Generate the 4000 signals to train on and the 1000 to test on.

    Args:
        seed: added to that of the data set's authors; 0 generates theirs.

    Returns:
        Signals (N, 1, 40), of mean 0 and standard deviation 1, and their digits.

    Raises:
        MissingToolError: the package mnist1d is not installed.
    """
    try:
        from mnist1d.data import get_dataset_args, make_dataset
    except ImportError as error:
        raise MissingToolError("MNIST-1D needs the package mnist1d; pip install mnist1d") from error
    args = get_dataset_args()
    args.seed += seed
    # The package seeds the generators that everybody shares.
    kept, kept_numpy = random.getstate(), np.random.get_state()
    try:
        data = make_dataset(args)
    finally:
        random.setstate(kept)
        np.random.set_state(kept_numpy)

    def signals(x: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(x.astype("float32"))[:, None]

    classes = [torch.from_numpy(data[key]).long() for key in ("y", "y_test")]
    return Split(signals(data["x"]), classes[0], signals(data["x_test"]), classes[1])


RECIPE = Recipe(mnist1d_cnn)
