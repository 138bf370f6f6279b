"""A tracer of torch.fx that looks into users' modules."""

from __future__ import annotations

from collections.abc import Callable

from torch import fx, nn


class ModuleTracer(fx.Tracer):
    """Traces the modules that users write; those of libraries stay whole.

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
