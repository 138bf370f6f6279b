"""A tracer of torch.fx that looks into users' modules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import fx, nn


class ModuleTracer(fx.Tracer):
    """Traces the modules that users write; those of libraries stay whole.

    What ``chunk`` and ``split`` return may be handled as a tuple, as ``list(x.chunk(2, 1))`` does.

    Args:
        whole: tells of a user's module whether it stays whole, too.
        libraries: how the names of modules of Python begin that hold a library's.
    """

    def __init__(self, whole: Callable[[nn.Module], bool], libraries: tuple[str, ...]) -> None:
        super().__init__()
        self._whole = whole
        self._libraries = libraries

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        """Tell whether the module stays whole."""
        written_in = type(m).forward.__module__ or ""  # torch.fx writes in no module
        if written_in == nn.Sequential.forward.__module__:
            return False
        return self._whole(m) or written_in.startswith(self._libraries)

    def create_proxy(
        self, kind: str, target: Any, args: Any, kwargs: Any, *more: Any, **named: Any
    ) -> Any:
        """Record a call; of a split into a written number of parts, return a tuple of them.

        Args:
            kind: of node.
            target: what is called.
            more: as of torch.fx.
            named: as of torch.fx.
        """
        made = super().create_proxy(kind, target, args, kwargs, *more, **named)
        name = getattr(target, "__name__", target)
        given = [*args[1:], *kwargs.values()]
        if kind not in ("call_function", "call_method") or not given:
            return made
        if name == "chunk" and isinstance(given[0], int):
            return tuple(made[i] for i in range(given[0]))
        if name in ("split", "split_with_sizes") and isinstance(given[0], list | tuple):
            return tuple(made[i] for i in range(len(given[0])))
        return made
