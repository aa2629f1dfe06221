"""Where work runs: the device, and how many threads of a shared machine it may take."""

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from workbench.errors import WorkbenchError

A = TypeVar("A")
B = TypeVar("B")

NICENESS = 10
"""Added to the priority of worker threads, so that the screen and other people's work come first."""


def available_cores() -> int:
    """Cores that this process may run on (its affinity, not the machine's count)."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def be_nice() -> None:
    """Lower the priority of the calling thread (per thread on Linux)."""
    if hasattr(os, "setpriority"):
        try:
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
        except OSError:
            return  # already nicer than we would be


def _gpu_driver() -> bool:
    """Whether a driver that torch could use as `cuda` has made its device file (NVIDIA, WSL, ROCm)."""
    return any(os.path.exists(device) for device in ("/dev/nvidiactl", "/dev/dxg", "/dev/kfd"))


@dataclass(frozen=True)
class Compute:
    """A device and a number of threads."""

    device: str = "auto"
    """auto, cpu, cuda or cuda:N."""
    threads: int = 0
    """Worker threads; 0 takes all available cores but one."""

    def __post_init__(self) -> None:
        kind, _, index = self.device.partition(":")
        if kind not in ("auto", "cpu", "cuda") or (index and (kind != "cuda" or not index.isdigit())):
            raise WorkbenchError(f"device: expected auto, cpu, cuda or cuda:N, got {self.device!r}")
        if not 0 <= self.threads <= 1024:
            raise WorkbenchError(f"threads: expected 0 (all cores but one) to 1024, got {self.threads}")

    @cached_property
    def workers(self) -> int:
        """Threads that work is spread over."""
        return self.threads or max(1, available_cores() - 1)

    @cached_property
    def torch_device(self) -> str:
        """The device as torch names it; imports torch (seconds) only where there may be a GPU.

        Raises:
            WorkbenchError: a CUDA device was asked for and is not there.
        """
        if self.device == "cpu" or (self.device == "auto" and not _gpu_driver()):
            return "cpu"
        import torch

        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if self.device == "auto":
            return "cuda" if count else "cpu"
        index = int(self.device.partition(":")[2] or 0)
        if index >= count:
            raise WorkbenchError(f"device: {self.device} is not there; torch sees {count} CUDA devices")
        return self.device

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(self.workers, "agentemb-compute", initializer=be_nice)

    def map(self, function: Callable[[A], B], items: Iterable[A]) -> Iterator[B]:
        """Apply a function that releases the GIL to each item on the worker threads; results in the items' order.

        With one worker that is the calling thread.

        A few items are begun ahead of the one waited for; a caller who stops iterating leaves at most those to finish.
        """
        if self.workers == 1:
            yield from map(function, items)
            return
        ahead: deque[Future[B]] = deque()
        try:
            for item in items:
                ahead.append(self._pool.submit(function, item))
                if len(ahead) > 2 * self.workers:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
        finally:
            for future in ahead:
                future.cancel()
