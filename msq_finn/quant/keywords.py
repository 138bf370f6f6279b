"""Keywords of quantizers that nothing would read, or that say what a scheme cannot do."""

import inspect
import pkgutil
import sys
from collections.abc import Iterator
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from typing import Any

import brevitas.core
import brevitas.quant
from brevitas.inject import BaseInjector
from brevitas.inject.enum import (
    BitWidthImplType,
    FloatToIntImplType,
    QuantType,
    ScalingPerOutputType,
)
from torch import nn

from msq_finn.errors import MsqError

_LIBRARIES = ("brevitas.", "msq_finn.")

_ONLY = {
    "float_to_int_impl_type": (FloatToIntImplType.ROUND,),
    "bit_width_impl_type": (BitWidthImplType.CONST,),
    "narrow_range": (True,),
    "signed": (True,),
    "scaling_per_output": (ScalingPerOutputType.TENSOR, ScalingPerOutputType.CHANNEL),
}
"""What schemes are, by the keywords with which Brevitas's integer quantizers choose."""

_OWN = ("float_to_int_impl", "bit_width_impl", "int_scaling_impl", "zero_point_impl")
"""Parts of Brevitas's integer quantizers for which schemes have their own, or one choice only."""


def refuse_unknown_keywords(injector: Any) -> None:
    """Check the names of what users gave to a quantizer; Brevitas ignores those it does not know.

    Args:
        injector: the quantizer's recipe, with the keywords of a layer.

    Raises:
        MsqError: a name that no part of the quantizer asks for; the text has the nearest one.
    """
    library = next(cls for cls in injector.__mro__ if _is_of_library(cls))
    known = set(library.__dependencies__)
    known.update(*(spec[2] for spec in injector.__dependencies__.values()))
    for name in injector.__dependencies__:
        if name not in known and name not in _names_in_brevitas():
            close = get_close_matches(name, known | _names_in_brevitas(), n=1, cutoff=0.75)
            hint = f"did you mean weight_{close[0]}?" if close else "see the quantizer's docstring"
            raise MsqError(f"{library.__name__} has no keyword weight_{name}; {hint}")
    for name in _OWN:
        if injector.__dependencies__.get(name) is not library.__dependencies__.get(name):
            raise MsqError(f"weight_{name}: a scheme has its own, which cannot be replaced")


def refuse_other_choices(quant_type: Any, choices: dict[str, Any]) -> None:
    """Check the values of keywords with which Brevitas's integer quantizers choose.

    Args:
        quant_type: what ``weight_quant_type`` says.
        choices: by name, what other keywords say.

    Raises:
        MsqError: a scheme cannot do that; the text says what it can.
    """
    if quant_type != QuantType.INT:
        raise MsqError(f"weight_quant_type={quant_type}: schemes are INT, or FP for float weights")
    for name, allowed in _ONLY.items():
        if choices[name] not in allowed:
            can = " or ".join(str(choice) for choice in allowed)
            raise MsqError(f"weight_{name}={choices[name]}: a scheme's rows are {can} only")


def _is_of_library(cls: type) -> bool:
    """Tell a recipe that a library has from those that keywords make of it, of the same name."""
    module = sys.modules.get(cls.__module__)
    return cls.__module__.startswith(_LIBRARIES) and getattr(module, cls.__name__, None) is cls


@cache
def _names_in_brevitas() -> frozenset[str]:
    """Return all names that a recipe or a constructor in Brevitas asks for."""
    names: set[str] = set()
    for cls in _classes():
        if isinstance(cls, type(BaseInjector)):
            names.update(cls.__dependencies__)
            names.update(*(spec[2] for spec in cls.__dependencies__.values()))
        elif issubclass(cls, nn.Module):
            names.update(inspect.signature(cls).parameters)
    return frozenset(names - {"args", "kwargs"})


def _classes() -> Iterator[type]:
    for package in (brevitas.core, brevitas.quant):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            yield from filter(inspect.isclass, vars(import_module(found.name)).values())
