"""Handwritten digits, the images of scikit-learn, and the networks trained on them."""

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import Tensor

from msq_finn.models import digits_cnn
from msq_finn.training.augment import shift
from msq_finn.training.recipe import Recipe, Split


def load_split(seed: int = 0, test_share: float = 0.2) -> Split[Tensor]:
    """Split the 1797 images so that both parts have every class in the same share.

    Args:
        test_share: share of images for the test.

    Returns:
        Images (N, 1, 8, 8) in [0, 1] and their digits.
    """
    digits = load_digits()
    images = (digits.images / 16).astype("float32")[:, None]
    parts = train_test_split(
        images, digits.target, test_size=test_share, random_state=seed, stratify=digits.target
    )
    x_train, x_test, y_train, y_test = (torch.from_numpy(part) for part in parts)
    return Split(x_train, y_train.long(), x_test, y_test.long())


RECIPE = Recipe(digits_cnn, shift)
pretrain, finetune = RECIPE.pretrain, RECIPE.finetune
