"""Ctrl-C while packages are imported.

Some of them, torch and what it imports among them, catch every exception of their own imports: a
KeyboardInterrupt there is lost, or leaves a module half made, which fails later and elsewhere. So
the program ends at once there. That leaves no more behind than killing it does, which the output
folder is made for.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_IMPORT_SYSTEM = "<frozen importlib._bootstrap>"
_STDERR = 2
_SHOW_CURSOR = b"\x1b[?25h"


@contextmanager
def interruptible(exit_code: int) -> Iterator[None]:
    """Make Ctrl-C raise KeyboardInterrupt in this block, or end the program within an import.

    Nothing changes outside of the main thread, or where the caller has a handler of its own.

    Args:
        exit_code: of the program that an interrupted import ends.
    """
    if (
        threading.current_thread() is not threading.main_thread()
        or signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    ):
        yield
        return

    def interrupt(number: int, frame: FrameType | None) -> None:
        if not _imports(frame):
            signal.default_int_handler(number, frame)
        # Straight to the terminal: Python's own stream may be in the middle of a write.
        cursor = _SHOW_CURSOR if os.isatty(_STDERR) else b""  # which progress bars hide
        os.write(_STDERR, cursor + b"\nAborted!\n")
        os._exit(exit_code)

    signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _imports(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename == _IMPORT_SYSTEM:
            return True
        frame = frame.f_back
    return False
