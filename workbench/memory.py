"""Memory given back: what glibc keeps for threads that have ended. Elsewhere than on glibc nothing happens."""

import ctypes
from functools import cache

ARENA_MAX, ARENAS = -8, 2
"""glibc's `M_ARENA_MAX`: heaps of threads keep what was freed in them, and a job has a thread of its own."""


@cache
def _libc() -> ctypes.CDLL | None:
    try:
        libc = ctypes.CDLL(None)
        return libc if hasattr(libc, "malloc_trim") and hasattr(libc, "mallopt") else None
    except (OSError, TypeError):
        return None


def few_arenas() -> None:
    """Let threads share heaps; before the first of them starts."""
    if (libc := _libc()) is not None:
        libc.mallopt(ARENA_MAX, ARENAS)


def give_back() -> None:
    """Return what is free to the system."""
    if (libc := _libc()) is not None:
        libc.malloc_trim(0)
