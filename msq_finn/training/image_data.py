"""Images that people have: CIFAR-10 and folders such as ImageNet's, and how to train on them."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from msq_finn.errors import MsqError
from msq_finn.models import resnet8, resnet18
from msq_finn.training.augment import shift_and_flip
from msq_finn.training.recipe import Recipe, Split

SIZE = 224
"""Height and width of the images of a folder, as ResNet-18 sees them."""


def load(path: Path) -> tuple[Split[Any], Recipe]:
    """Load CIFAR-10's binary version, or train/ and val/ of ImageNet.

    CIFAR-10's version for Python is refused: it consists of pickles, which can run code.

    Args:
        path: a folder with data_batch_1.bin to data_batch_5.bin and test_batch.bin; or with train/
            and val/, where each class has a folder of images.

    Returns:
        The images, of values around 0, and a recipe: ResNet-8 for CIFAR-10, ResNet-18 for folders.

    Raises:
        MsqError: the folder is neither, or a file of it cannot be read.
    """
    if (path / "data_batch_1.bin").exists():
        return _cifar10(path), Recipe(resnet8, shift_and_flip, float_lr=2e-3, lr=1e-3)
    if (path / "train").is_dir() and (path / "val").is_dir():
        classes = sorted(folder.name for folder in (path / "train").iterdir() if folder.is_dir())
        train, val = (ImageFolder(path / part, classes) for part in ("train", "val"))
        make = partial(resnet18, classes=len(classes))
        recipe = Recipe(make, shift_and_flip, float_lr=1e-3, lr=5e-4)
        return Split(train, train.labels, val, val.labels), recipe
    if (path / "data_batch_1").exists():
        raise MsqError(
            "CIFAR-10's version for Python, whose pickles are not read; download the "
            "binary version (cifar-10-binary.tar.gz)",
            where=path,
        )
    raise MsqError(
        "neither CIFAR-10 (data_batch_1.bin) nor a folder with train/ and val/; give the "
        "folder that holds them",
        where=path,
    )


class ImageFolder:
    """Images in files, read when they are asked for.

    Args:
        path: a folder with a folder for each class.
        classes: the names of the classes' folders.

    Attributes:
        labels: the classes of the images; shape (N,), int64.

    Raises:
        MsqError: a class has no folder or no images.
    """

    def __init__(self, path: Path, classes: list[str]) -> None:
        self.files: list[Path] = []
        labels: list[int] = []
        for label, name in enumerate(classes):
            known = Image.registered_extensions()
            files = sorted(f for f in (path / name).glob("*") if f.suffix.lower() in known)
            if not files:
                raise MsqError("no images of this class", where=path / name)
            self.files += files
            labels += [label] * len(files)
        self.labels = torch.tensor(labels)
        self._pool = ThreadPoolExecutor()

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: Any, /) -> Tensor:
        """Return the images of a slice or of indices, (N, 3, 224, 224)."""
        files = [self.files[i] for i in torch.arange(len(self))[index].tolist()]
        return _around_zero(np.stack(list(self._pool.map(_read, files))))


def _read(path: Path) -> NDArray[np.uint8]:
    """Return the middle of an image whose shorter side is 8/7 of what is cut out."""
    try:
        with Image.open(path) as file:
            image = file.convert("RGB")
    except OSError as error:
        raise MsqError(f"not an image that can be read ({error})", where=path) from error
    factor = SIZE * 8 / 7 / min(image.size)
    width, height = (round(side * factor) for side in image.size)
    left, top = (width - SIZE) // 2, (height - SIZE) // 2
    middle = image.resize((width, height)).crop((left, top, left + SIZE, top + SIZE))
    return np.asarray(middle).transpose(2, 0, 1)


def _around_zero(pixels: NDArray[np.uint8]) -> Tensor:
    """Return pixels of about mean 0 and standard deviation 1."""
    return torch.from_numpy(pixels.astype(np.float32)).div_(255).sub_(0.45).div_(0.25)


def _cifar10(path: Path) -> Split[Tensor]:
    names = [*(f"data_batch_{i}.bin" for i in range(1, 6)), "test_batch.bin"]
    x, y = zip(*(_batch(path / name) for name in names), strict=True)
    return Split(torch.cat(x[:5]), torch.cat(y[:5]), x[5], y[5])


def _batch(path: Path) -> tuple[Tensor, Tensor]:
    """Return the images, (N, 3, 32, 32), and the classes, (N,), of a file.

    An image is a byte for the class and then its red, green and blue planes, row by row
    (https://www.cs.toronto.edu/~kriz/cifar.html).
    """
    try:
        rows = np.fromfile(path, dtype=np.uint8).reshape(-1, 1 + 3 * 32 * 32)
    except (OSError, ValueError) as error:
        raise MsqError(
            f"CIFAR-10 cannot be read ({error}); download it again", where=path
        ) from error
    return _around_zero(rows[:, 1:].reshape(-1, 3, 32, 32)), torch.from_numpy(rows[:, 0]).long()
