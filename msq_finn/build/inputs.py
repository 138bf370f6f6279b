"""Files that a user hands to a build, checked before anything is written."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from numpy.typing import NDArray

from msq_finn.errors import MissingToolError, MsqError

FloatArray = NDArray[np.float32]


def load_model(path: Path) -> onnx.ModelProto:
    """Read an ONNX file.

    Raises:
        MsqError: it is missing, no ONNX file, cut off, or empty.
    """
    if not path.is_file():
        raise MsqError(f"{path}: no such file; export a model with brevitas.export.export_qonnx")
    try:
        model = onnx.load(str(path))
    except DecodeError as error:
        raise MsqError(f"{path}: not a complete ONNX file; export it again") from error
    if not model.graph.node:
        raise MsqError(f"{path}: no ONNX model in it; export it again")
    return model


def check_board(board: str) -> str:
    """The FPGA part of a board.

    Raises:
        MsqError: FINN does not know the board.
        MissingToolError: FINN is not installed.
    """
    try:
        from finn.util.basic import part_map
    except ImportError as error:
        raise MissingToolError('no FINN; pip install "msq-finn[finn]"') from error

    if board not in part_map:
        raise MsqError(f"unknown board {board!r}; FINN knows {', '.join(sorted(part_map))}")
    return str(part_map[board])


def load_images(path: Path, model: Path) -> FloatArray:
    """Read images for simulation.

    Args:
        path: ``.npy`` file, [images, ...]; behind the first axis the shape of the model's input.
        model: exported model, for that shape.

    Raises:
        MsqError: no such file, not an array of finite numbers, or another shape.
    """
    try:
        images = np.load(path, allow_pickle=False)
    except FileNotFoundError as error:
        raise MsqError(f"{path}: no such file") from error
    except (ValueError, OSError, EOFError) as error:
        raise MsqError(f"{path}: not a NumPy array file (.npy)") from error
    dims = load_model(model).graph.input[0].type.tensor_type.shape.dim
    shape = tuple(d.dim_value for d in dims[1:])
    if images.ndim < 2 or images.shape[1:] != shape or len(images) < 2:
        raise MsqError(f"{path}: shape {images.shape}, but the model wants (2 or more, *{shape})")
    if not np.issubdtype(images.dtype, np.number) or not np.isfinite(images).all():
        raise MsqError(f"{path}: holds values that are no finite numbers")
    return images.astype(np.float32)


def load_folding(path: Path | None) -> Path | None:
    """Check that a folding configuration is a JSON object.

    Raises:
        MsqError: no such file, or not JSON.
    """
    if path is None:
        return None
    try:
        content = json.loads(path.read_text())
    except FileNotFoundError as error:
        raise MsqError(f"{path}: no such file") from error
    except ValueError as error:
        raise MsqError(f"{path}: not a JSON file") from error
    if not isinstance(content, dict):
        raise MsqError(f"{path}: a folding configuration is a JSON object, node name -> attributes")
    return path.resolve()
