"""Files that a user hands to a build, checked before anything is written."""

from __future__ import annotations

import json
import math
import re
import stat
from collections import Counter
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from numpy.typing import NDArray

from msq_finn.errors import MsqError
from msq_finn.finn_compat import missing
from msq_finn.lowering.hardware_checks import check_hardware
from msq_finn.lowering.model_checks import check_model, data_input

FloatArray = NDArray[np.float32]

#: Protobuf's limit for a file.
MAX_BYTES = 2**31 - 1

_EXPORT = "; export a model with brevitas.export.export_qonnx"

#: Attributes of nodes that count what is done in a cycle, and those that are depths of FIFOs.
_POSITIVE = {"SIMD", "PE"}
_DEPTHS = {"depth", "inFIFODepths", "outFIFODepths"}
_EXAMPLE = '{"MVAU_MSQ_rtl_0": {"SIMD": 4}}'


def load_model(path: Path) -> onnx.ModelProto:
    """Read an ONNX file.

    Args:
        path: the file, as ``export_qonnx`` writes it.

    Raises:
        MsqError: it is missing, no ONNX file, cut off, empty, or not what
            :func:`msq_finn.lowering.model_checks.check_model` asks for.
    """
    try:
        model = onnx.ModelProto.FromString(_read(path, _EXPORT))
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


def load_images(path: Path, model: Path) -> FloatArray:
    """Read images for simulation.

    Args:
        path: ``.npy`` file, [images, ...]; behind the first axis the shape of the model's input.
        model: exported model, for that shape.

    Raises:
        MsqError: no such file, not an array of finite numbers, or another shape.
    """
    _require_file(path)
    try:
        # Mapped, a file shorter than its header says is refused before memory is taken for it.
        images = np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception as error:  # NumPy leaves damaged headers to the tokenizer, zipfile, ...
        raise MsqError("not a NumPy array file (.npy)", where=path) from error
    if not isinstance(images, np.ndarray):
        raise MsqError("an archive of arrays; save one array with numpy.save", where=path)
    dims = data_input(load_model(model).graph).type.tensor_type.shape.dim
    shape = tuple(d.dim_value for d in dims[1:])
    if images.ndim < 2 or images.shape[1:] != shape or len(images) < 2:
        raise MsqError(
            f"shape {images.shape}, but the model wants (2 or more, *{shape})", where=path
        )
    if images.dtype.kind not in "iuf":
        raise MsqError(f"holds {images.dtype} values, which are no finite numbers", where=path)
    with np.errstate(over="ignore"):
        images = np.array(images, dtype=np.float32)
    if not np.isfinite(images).all():
        raise MsqError("holds values that are no finite numbers", where=path)
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
    _require_file(path)
    try:
        labels = np.load(path, allow_pickle=False)
    except Exception as error:  # as for images
        raise MsqError("not a NumPy array file (.npy)", where=path) from error
    if not isinstance(labels, np.ndarray) or labels.dtype.kind not in "iu":
        raise MsqError("labels are an array of whole numbers, such as int64", where=path)
    if labels.shape != (images,):
        raise MsqError(f"shape {labels.shape}, but there are {images} images", where=path)
    dims = load_model(model).graph.output[0].type.tensor_type.shape.dim
    classes = math.prod(d.dim_value for d in dims[1:])
    most = classes if classes > 1 else np.iinfo(np.int64).max  # a single value is a label itself
    if images and not (labels.min() >= 0 and labels.max() < most):
        raise MsqError(
            f"labels from {labels.min()} to {labels.max()}, but the model has "
            f"{classes} classes, numbered from 0",
            where=path,
        )
    return labels.astype(np.int64)


def load_folding(path: Path | None) -> Path | None:
    """Check that a folding configuration is a JSON object of objects.

    Args:
        path: the file, or None for no configuration.

    Returns:
        The file's absolute path, for builder steps in another folder.

    Raises:
        MsqError: no such file, not JSON, or JSON of another form.
    """
    if path is None:
        return None

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        twice = [key for key, count in Counter(key for key, _ in pairs).items() if count > 1]
        if twice:
            raise MsqError(f"{twice[0]!r} is given twice", where=path)
        return dict(pairs)

    try:
        content = json.loads(_read(path).decode(), object_pairs_hook=unique)
    except (ValueError, RecursionError) as error:
        raise MsqError("not a JSON file", where=path) from error
    if not isinstance(content, dict):
        raise MsqError(
            "a folding configuration is a JSON object, node name -> attributes", where=path
        )
    for node, attributes in content.items():
        if not isinstance(attributes, dict):
            raise MsqError(
                f"{node} must be a JSON object of attributes, as in {_EXAMPLE}", where=path
            )
        if node != "Defaults":
            for attribute, value in attributes.items():
                _check_attribute(f"{path}: {node}", attribute, value)
            known = _attributes(node)
            for attribute in attributes:
                if known and attribute not in known:
                    near = get_close_matches(attribute, known, 1)
                    advice = f"did you mean {near[0]}?" if near else "remove it"
                    raise MsqError(
                        f"{attribute}: no attribute of it; {advice}",
                        where=f"{path}: {node}",
                        field=attribute,
                    )
    return path.resolve()


def _attributes(node: str) -> set[str]:
    """Attributes of a node, whose name begins with its op; none if there is no such op."""
    from qonnx.custom_op.registry import getCustomOp, is_custom_op

    from msq_finn import ops
    from msq_finn.sim import xsi

    xsi.install()  # without which FINN's ops cannot be imported
    ops.register()
    op, domain = re.sub(r"_\d+$", "", node), "finn.custom_op.fpgadataflow"
    for place in (f"{domain}.rtl", f"{domain}.hls", domain):
        if is_custom_op(place, op):
            plain = onnx.helper.make_node(op, [], [], domain=place)
            return set(getCustomOp(plain).get_nodeattr_types())
    return set()


def _check_attribute(where: str, attribute: str, value: Any) -> None:
    """Refuse values that FINN would take for others, or fail on without a name."""

    def refused(why: str) -> MsqError:
        shown = f"{attribute}={json.dumps(value)[:40]}"
        return MsqError(f"{shown}: {why}", where=where, field=attribute, value=value)

    if attribute.startswith("code_gen_dir"):
        raise refused("a build chooses its own folders; leave it out")
    if attribute in _POSITIVE:
        if type(value) is not int or value < 1:
            raise refused("give a whole number of at least 1")
        return
    values = value if isinstance(value, list) else [value]
    if any(type(v) not in {int, str} for v in values):
        raise refused("give a whole number, a text, or a list of these")
    if attribute in _DEPTHS and any(type(v) is not int or v < 0 for v in values):
        raise refused("a depth is a whole number that is not negative")


def check_folding_names(path: Path, names: Iterable[str]) -> None:
    """Refuse a folding configuration for nodes that there are none of, which FINN only logs.

    Args:
        path: the file, as :func:`load_folding` accepts it.
        names: of the nodes that it was applied to.

    Raises:
        MsqError: it names others.
    """
    known = list(names)
    unknown = [name for name in json.loads(_read(path)) if name not in {"Defaults", *known}]
    if unknown:
        raise MsqError(
            f"no node is named {', '.join(unknown)}; those that can be folded are "
            f"{', '.join(known)}",
            where=path,
        )


def _require_file(path: Path, advice: str = "") -> None:
    """Raise unless there is a file of bearable size."""
    try:
        found = path.stat()
    except FileNotFoundError as error:
        raise MsqError(f"no such file{advice}", where=path) from error
    except (OSError, ValueError) as error:
        raise MsqError(f"cannot be read ({_reason(error)})", where=path) from error
    if not stat.S_ISREG(found.st_mode):
        raise MsqError(f"not a file; give a file's name{advice}", where=path)
    if found.st_size > MAX_BYTES:
        raise MsqError(f"{found.st_size} bytes; 2 GiB is the most that is read", where=path)


def _read(path: Path, advice: str = "") -> bytes:
    _require_file(path, advice)
    try:
        return path.read_bytes()
    except OSError as error:
        raise MsqError(f"cannot be read ({_reason(error)})", where=path) from error


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
