"""Ending the process, whatever its threads are at. Imports nothing slow."""

import contextlib
import os
import sys
from typing import NoReturn


def leave(code: int, message: str = "") -> NoReturn:
    """End the process at once: service threads may sit in native code that cannot be joined, or that aborts at exit."""
    if message:
        from workbench.text import clean

        print(f"agentemb-tui: {clean(message, 2000)}", file=sys.stderr)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):  # closed, or nobody reads it any more
            stream.flush()
    os._exit(code)
