"""Kernel, design and ports as FINN's ``xsi`` extension module has them, on Verilator."""

from __future__ import annotations


class Kernel:
    """Simulator kernel; Verilator has none to load."""


class Design:
    """An open design."""


class Port:
    """A port of an open design."""
