"""Files that a user hands to a build, checked before anything is written."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from numpy.typing import NDArray

from msq_finn.errors import MsqError
from msq_finn.files import read, require_file
from msq_finn.finn_compat import missing
from msq_finn.lowering.ends import Ends, together
from msq_finn.lowering.hardware_checks import check_hardware
from msq_finn.lowering.model_checks import check_model, data_inputs

FloatArray = NDArray[np.float32]

_EXPORT = "; export a model with brevitas.export.export_qonnx"


def load_model(path: Path) -> onnx.ModelProto:
    """Read an ONNX file.

    Args:
        path: the file, as ``export_qonnx`` writes it.

    Raises:
        MsqError: it is missing, no ONNX file, cut off, empty, or not what
            :func:`msq_finn.lowering.model_checks.check_model` asks for.
    """
    try:
        model = onnx.ModelProto.FromString(read(path, _EXPORT))
    except DecodeError as error:
        raise MsqError("not a complete ONNX file; export it again", where=path) from error
    if not model.graph.node:
        raise MsqError("no ONNX model in it; export it again", where=path)
    try:
        check_model(model)
    except MsqError as error:
        raise error.within(path) from error
    return model


def load_network(path: Path) -> onnx.ModelProto:
    """Read a model that is to become hardware.

    Args:
        path: the file, as for `load_model`.

    Raises:
        MsqError: as `load_model`, or an op in it has no hardware.
    """
    model = load_model(path)
    try:
        check_hardware(model.graph)
    except MsqError as error:
        raise error.within(path) from error
    return model


def check_board(board: str) -> str:
    """The FPGA part of a board.

    Args:
        board: as FINN names it, such as "Pynq-Z1".

    Raises:
        MsqError: FINN does not know the board.
        MissingToolError: FINN is not installed.
    """
    try:
        from finn.util.basic import part_map
    except ImportError as error:
        raise missing(error) from error

    if board not in part_map:
        raise MsqError(
            f"unknown board {board!r}; FINN knows {', '.join(sorted(part_map))}",
            field="board",
            value=board,
        )
    return str(part_map[board])


def load_images(path: Path, model: Path) -> Ends:
    """Read images for simulation.

    Args:
        path: ``.npy`` file, [images, ...]; behind the first axis the shape of the model's input.
            Of a model with several inputs an ``.npz`` file, with an array of each by its name.
        model: exported model, for these shapes.

    Raises:
        MsqError: no such file, not an array of finite numbers for each input, or another shape.
    """
    require_file(path)
    try:
        # Mapped, a file shorter than its header says is refused before memory is taken for it.
        images = np.load(path, mmap_mode="r", allow_pickle=False)
        if not isinstance(images, np.ndarray):
            with images:
                images = dict(images)
    except Exception as error:  # NumPy leaves damaged headers to the tokenizer, zipfile, ...
        raise MsqError("not a NumPy array file (.npy, .npz)", where=path) from error
    return check_images(images, model, path)


def check_images(images: Any, model: Path, where: object, least: int = 2) -> Ends:
    """Check images for simulation, and give them as float32.

    Args:
        images: [images, ...]; behind the first axis the shape of the model's input. Of a model
            with several inputs, a mapping from their names to such arrays.
        model: exported model, for that shape.
        where: what an error says they are.
        least: fewest images.

    Raises:
        MsqError: no finite numbers, another shape, or not an array for each input.
    """
    infos = data_inputs(load_model(model).graph)
    names = [info.name for info in infos]
    if not isinstance(images, Mapping):
        if len(infos) > 1:
            raise MsqError(
                f"one array, but the model has {len(infos)} inputs; give an .npz, or a dictionary, "
                f"with an array of each by its name: {', '.join(names)}",
                where=where,
            )
        images = {names[0]: np.asarray(images)}
    if set(images) != set(names):
        raise MsqError(
            f"arrays {', '.join(images) or 'none'}, but the inputs are {', '.join(names)}",
            where=where,
        )
    arrays = [_checked(np.asarray(images[info.name]), info, where, least) for info in infos]
    if len({len(array) for array in arrays}) > 1:
        counts = ", ".join(f"{n} {len(a)}" for n, a in zip(names, arrays, strict=True))
        raise MsqError(f"different numbers of images: {counts}", where=where)
    return together(arrays)


def _checked(
    images: NDArray[Any], info: onnx.ValueInfoProto, where: object, least: int
) -> FloatArray:
    shape = tuple(d.dim_value for d in info.type.tensor_type.shape.dim[1:])
    if images.ndim < 2 or images.shape[1:] != shape or len(images) < least:
        raise MsqError(
            f"shape {images.shape}, but the model wants ({least} or more, *{shape})", where=where
        )
    if images.dtype.kind not in "iuf":
        raise MsqError(f"holds {images.dtype} values, which are no finite numbers", where=where)
    with np.errstate(over="ignore"):
        images = np.array(images, dtype=np.float32)
    if not np.isfinite(images).all():
        raise MsqError("holds values that are no finite numbers", where=where)
    return images


def load_labels(path: Path, model: Path, images: int) -> NDArray[np.int64]:
    """Read the classes of images for simulation.

    Args:
        path: ``.npy`` file of whole numbers, [images].
        model: exported model, for the number of its classes where it gives a value of each.
        images: how many there are.

    Raises:
        MsqError: no such file, or not one class for each image.
    """
    require_file(path)
    try:
        labels = np.load(path, allow_pickle=False)
    except Exception as error:  # as for images
        raise MsqError("not a NumPy array file (.npy)", where=path) from error
    return check_labels(labels, model, images, path)


def check_labels(labels: Any, model: Path, images: int, where: object) -> NDArray[np.int64]:
    """Check the classes of images for simulation.

    Args:
        labels: whole numbers, [images].
        model: exported model, for the number of its classes where it gives a value of each.
        images: how many there are.
        where: what an error says they are.

    Raises:
        MsqError: not one class for each image.
    """
    if not isinstance(labels, np.ndarray) or labels.dtype.kind not in "iu":
        raise MsqError("labels are an array of whole numbers, such as int64", where=where)
    if labels.shape != (images,):
        raise MsqError(f"shape {labels.shape}, but there are {images} images", where=where)
    outputs = load_model(model).graph.output
    if len(outputs) > 1:
        raise MsqError(
            f"the model has {len(outputs)} outputs, and classes are those of one; leave labels out",
            where=where,
        )
    dims = outputs[0].type.tensor_type.shape.dim
    classes = math.prod(d.dim_value for d in dims[1:])
    most = classes if classes > 1 else np.iinfo(np.int64).max  # a single value is a label itself
    if images and not (labels.min() >= 0 and labels.max() < most):
        raise MsqError(
            f"labels from {labels.min()} to {labels.max()}, but the model has "
            f"{classes} classes, numbered from 0",
            where=where,
        )
    return labels.astype(np.int64)
