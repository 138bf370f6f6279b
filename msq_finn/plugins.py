"""Other packages' number systems and lanes, found by their entry points."""

from __future__ import annotations

from functools import cache
from importlib.metadata import entry_points

from msq_finn.errors import MsqError


@cache
def load(group: str) -> None:
    """Call every function that installed packages name in a group, once in a process.

    Args:
        group: of entry points, "msq_finn.schemes" or "msq_finn.lanes"; each is a function without
            arguments that registers something.

    Raises:
        MsqError: one cannot be imported, or fails.
    """
    for point in entry_points(group=group):
        try:
            point.load()()
        except Exception as error:
            raise MsqError(
                f"entry point {point.name} = {point.value} of {group} failed ({error}); repair or "
                "uninstall the package that names it"
            ) from error
