"""The ``msq-finn`` command line: one module a command.

Commands import what they work with when they run, so that help and completion come at once.
"""

from msq_finn.cli.interrupt import interruptible

with interruptible(exit_code=1):
    from msq_finn.cli.program import main

__all__ = ["main"]
