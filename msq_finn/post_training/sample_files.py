"""Inputs and labels from what a user has on disk: arrays, or a folder of images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from msq_finn.errors import MsqError, said_by
from msq_finn.files import require_file

#: Names that arrays of an archive may have.
INPUTS, LABELS = ("x", "images", "inputs"), ("y", "labels", "targets")


def load_samples(path: Path, channels: int) -> tuple[Tensor, Tensor | None]:
    """Read inputs to calibrate with, and their classes where there are some.

    Args:
        path: an archive of NumPy arrays (.npz) with inputs as ``x`` and, if wanted, classes as
            ``y``; one array of inputs (.npy); or a folder of images of one size, or of folders of
            them, one a class, whose pixels become floats from 0 to 1.
        channels: of images: 1 for grey ones, 3 for colours.

    Returns:
        Inputs, [samples, ...], and whole numbers, [samples], or None.

    Raises:
        MsqError: there is no such thing, or it holds something else.
    """
    if path.is_dir():
        return _images(path, channels)
    require_file(path)
    try:
        found = np.load(path, allow_pickle=False)
        arrays = {"x": found} if isinstance(found, np.ndarray) else dict(found)
    except Exception as error:
        raise MsqError(f"not NumPy arrays (.npz, .npy): {said_by(error)}", where=path) from error
    inputs = next((arrays[name] for name in INPUTS if name in arrays), None)
    labels = next((arrays[name] for name in LABELS if name in arrays), None)
    if inputs is None:
        has = ", ".join(arrays) or "nothing"
        raise MsqError(f"holds {has}; name the inputs x and their classes y", where=path)
    return torch.from_numpy(_floats(inputs, path)), _classes(labels, len(inputs), path)


def _floats(inputs: NDArray[np.generic], path: Path) -> NDArray[np.float32]:
    if inputs.ndim < 2 or not len(inputs):
        raise MsqError(f"inputs of shape {inputs.shape}; give (samples, ...)", where=path)
    if inputs.dtype.kind != "f":
        raise MsqError(
            f"inputs are {inputs.dtype}; save them as the network was trained on them, as floats",
            where=path,
        )
    found = inputs.astype(np.float32)
    if not np.isfinite(found).all():
        raise MsqError("inputs hold values that are no finite numbers", where=path)
    return found


def _classes(labels: NDArray[np.generic] | None, samples: int, path: Path) -> Tensor | None:
    if labels is None:
        return None
    if labels.dtype.kind not in "iu" or labels.shape != (samples,):
        raise MsqError(
            f"labels are {labels.dtype} of shape {labels.shape}; give a whole number for each of "
            f"the {samples} inputs",
            where=path,
        )
    return torch.from_numpy(labels.astype(np.int64))


def _images(path: Path, channels: int) -> tuple[Tensor, Tensor | None]:
    known = Image.registered_extensions()

    def images_in(folder: Path) -> list[Path]:
        return sorted(file for file in folder.iterdir() if file.suffix.lower() in known)

    classes = sorted(folder for folder in path.iterdir() if folder.is_dir())
    files = [(file, label) for label, folder in enumerate(classes) for file in images_in(folder)]
    labelled = bool(files)
    files = files or [(file, 0) for file in images_in(path)]
    if not files:
        raise MsqError("no images in it, and none in folders of it", where=path)
    pixels = [_pixels(file, channels) for file, _ in files]
    for (file, _), image in zip(files, pixels, strict=True):
        if image.shape != pixels[0].shape:
            height, width = pixels[0].shape[1:]
            raise MsqError(f"not of {height}x{width} pixels, as {files[0][0].name} is", where=file)
    inputs = torch.from_numpy(np.stack(pixels))
    return inputs, torch.tensor([label for _, label in files]) if labelled else None


def _pixels(file: Path, channels: int) -> NDArray[np.float32]:
    """Return an image, [channels, height, width], from 0 to 1."""
    try:
        with Image.open(file) as image:
            found = np.asarray(image.convert("L" if channels == 1 else "RGB"), np.float32)
    except OSError as error:
        raise MsqError(f"not an image that can be read ({error})", where=file) from error
    return (found[None] if channels == 1 else found.transpose(2, 0, 1)) / np.float32(255)
