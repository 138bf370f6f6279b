"""What upstream FINN imports and an environment made for finn-plus does not have.

Upstream pins older versions of ONNX and QONNX, and more packages. None of what stands in for them
here computes anything in a network: names that only have to be there get empty modules, and the
rest is Python's or QONNX's own under an older name.
"""

from __future__ import annotations

import importlib
import importlib.resources
import sys
from importlib.util import find_spec
from inspect import signature
from types import ModuleType
from typing import Any

import numpy as np
from qonnx.core import onnx_exec
from qonnx.custom_op.base import CustomOp

#: What stands in, by name.
FILLED: list[str] = []

#: Of the models that ``networks.py`` exports.
_OPSET = 13


def fill() -> None:
    """Put stand-ins where something is missing; what is installed stays."""
    for name, contents in (
        ("dataclasses_json", {"dataclass_json": lambda cls: cls}),
        ("importlib_resources", vars(importlib.resources)),
        ("torchvision", {}),
        ("torchvision.transforms", {}),
        ("torchvision.transforms.functional", {}),
        ("onnx.mapping", {}),
    ):
        _module(name, contents)
    from qonnx.transformation import general, lower_convs_to_matmul
    from qonnx.util import basic

    from msq_finn.finn_compat.stand_ins import ApplyConfig

    for module, name, value in (
        (general, "ApplyConfig", ApplyConfig),
        (
            lower_convs_to_matmul,
            "_auto_pad_to_explicit_padding",
            basic.auto_pad_to_explicit_padding,
        ),
    ):
        if not hasattr(module, name):
            setattr(module, name, value)
            FILLED.append(f"{module.__name__}.{name}")
    _take_numpy_numbers()
    # Main's calls name no version of ONNX, QONNX 1.0 asks for it.
    last = list(signature(onnx_exec.execute_node).parameters)[3:]
    if last == ["opset_version", "return_full_exec_context"]:
        onnx_exec.execute_node.__defaults__ = (_OPSET, False)
        FILLED.append("opset_version of qonnx.core.onnx_exec.execute_node")
    if find_spec("pyverilator") is None:
        # Main's ops import it as they are loaded, before msq_finn gives FINN its simulator.
        from msq_finn.sim import pyverilator

        pyverilator.install()
        FILLED.append("pyverilator")


def _take_numpy_numbers() -> None:
    """Let attributes be set to NumPy's numbers, which NumPy 1 gave less often than NumPy 2 does."""
    strict = CustomOp.set_nodeattr

    def plain(value: Any) -> Any:
        return value.item() if isinstance(value, np.generic) else value

    def set_nodeattr(op: CustomOp, name: str, value: Any) -> None:
        strict(op, name, [plain(v) for v in value] if isinstance(value, list) else plain(value))

    CustomOp.set_nodeattr = set_nodeattr
    FILLED.append("NumPy's numbers as attributes in QONNX")


def _module(name: str, contents: dict[str, Any]) -> None:
    """Make a module of this name, if there is none."""
    parent, _, own = name.rpartition(".")
    if find_spec(name) is not None:
        return
    made = ModuleType(name)
    made.__dict__.update({k: v for k, v in contents.items() if not k.startswith("__")})
    made.__path__ = []
    sys.modules[name] = made
    FILLED.append(name)
    if parent:
        setattr(importlib.import_module(parent), own, made)
