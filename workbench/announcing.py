"""Tasks make themselves known: a small file of each in the user's state folder, for other processes to see.

A file stays when its task is not finished, however that came about: then it says what could be gone on with.
"""

import contextlib
import json
import os
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from workbench.analysis import Analysis, params_json, read_fields
from workbench.errors import WorkbenchError
from workbench.places import state_dir
from workbench.storage import sweep_strays, write_json

EVERY = 1.0
"""Seconds between looks at a task; what is new is written."""
BEAT = 20.0
"""Seconds after which a file is written though nothing is new."""
SILENT = 3 * BEAT
"""Seconds without a sign after which a task on another machine counts as killed."""


@dataclass(frozen=True)
class Announcement:
    """A task, as its file says it."""

    analysis: str
    params: Mapping[str, Any]
    folder: str
    """Where it lies while it is not finished."""
    cwd: str
    pid: int
    born: str
    """When its process began, in ticks since the machine did: another process with the same number has another."""
    place: str
    """The machine since it was started, and the namespace of processes."""
    headless: bool
    """Whether the process does nothing else, so that it can be told to stop."""
    since: float
    """When it began, in seconds since 1970."""
    done: int = 0
    total: int = 0
    rate: float = 0.0
    """Units of work a second; 0 as long as that is not known."""
    ended: bool = False
    """Whether it has stopped before its end."""
    file: Path = Path()
    """The file itself."""
    written: float = 0.0
    """When that was written."""

    @property
    def here(self) -> bool:
        """Whether its process can be seen from this one."""
        return self.place == place()

    @property
    def mine(self) -> bool:
        """Whether it is of this very process."""
        return self.here and self.pid == os.getpid()

    @property
    def running(self) -> bool:
        """Whether its process is still at it."""
        if self.ended:
            return False
        return birth(self.pid) == self.born if self.here else time.time() - self.written < SILENT

    @property
    def resumable(self) -> bool:
        """Whether there is something to go on with."""
        return not self.running and bool(self.folder) and os.path.isdir(self.folder)

    def stop(self) -> None:
        """Ask its process to save what it has and to end.

        Raises:
            WorkbenchError: it runs on another machine, or in an app, which would end too.
        """
        if not self.here:
            raise WorkbenchError(f"{self.analysis}: it runs on another machine; cancel it there")
        if not self.headless:
            raise WorkbenchError(f"{self.analysis}: it runs in another app; cancel it there")
        if self.running:
            try:
                os.kill(self.pid, signal.SIGTERM)
            except ProcessLookupError:
                return
            except OSError as error:
                raise WorkbenchError(f"{self.analysis}: cannot be told to stop ({error.strerror})") from None

    def forget(self) -> None:
        """Show it no longer; what lies in its folder stays there."""
        with contextlib.suppress(OSError):
            self.file.unlink()

    def as_given(self) -> dict[str, Any]:
        """Its parameters, files named as they would be from where one is."""
        if self.cwd == os.getcwd():
            return dict(self.params)
        there = Path(self.cwd)
        given = dict(self.params)
        for name, value in self.params.items():
            if isinstance(value, str) and value and (name == "out" or os.path.exists(there / value)):
                given[name] = str(there / value)
        return given


def folder() -> Path:
    """Where the files lie."""
    return state_dir() / "tasks"


def birth(pid: int) -> str:
    """When a process began, in ticks since the machine did; empty where there is none."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    # The name, in brackets, may hold anything. The third value is the state: a zombie runs no more.
    told = text.rpartition(")")[2].split()
    return "" if len(told) < 20 or told[0] in "ZX" else told[19]


def place() -> str:
    """This machine since it was started, and the namespace of this process: where process numbers mean the same."""
    with contextlib.suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip() + os.readlink("/proc/self/ns/pid")
    return ""


def found() -> list[Announcement]:
    """Tasks that run, newest first, and then those that could be gone on with; the others' files are removed."""
    sweep_strays(folder(), age=SILENT)
    every = [a for path in folder().glob("[!.]*.json") if (a := _read(path)) is not None]
    running = sorted((a for a in every if a.running), key=lambda a: -a.since)
    at_work = {a.folder for a in running}
    left: dict[str, Announcement] = {}
    for a in sorted((a for a in every if not a.running), key=lambda a: -a.since):
        if a.resumable and a.folder not in at_work and a.folder not in left:
            left[a.folder] = a
        elif a.here or not a.resumable:
            a.forget()
    return [*running, *left.values()]


@contextlib.contextmanager
def announced(job: Any, analysis: Analysis, headless: bool) -> Iterator[None]:
    """While the block runs, a file says how far a job with `frame` and `rate` is; nothing fails where none can be."""
    try:
        lies = analysis.unfinished(job.params) if analysis.unfinished else None
    except WorkbenchError:
        lies = None  # the task says what is wrong with its parameters
    now = time.time()
    said = Announcement(
        analysis.name, params_json(job.params), str(lies.absolute()) if lies else "", os.getcwd(), os.getpid(),
        birth(os.getpid()), place(), headless, now,
    )  # fmt: skip
    path = folder() / f"{os.getpid()}-{time.monotonic_ns()}.json"
    over = threading.Event()

    def follow() -> None:
        before, written = said, _write(path, said)
        while not over.wait(EVERY):
            after = _progress(said, job)
            if after != before or time.monotonic() - written > BEAT:
                before, written = after, _write(path, after)

    writer = threading.Thread(target=follow, name="agentemb-announcing", daemon=True)
    writer.start()
    try:
        yield
    finally:
        over.set()
        writer.join()
        last = replace(_progress(said, job), ended=True)
        if last.folder and os.path.isdir(last.folder):
            _write(path, last)
        else:
            with contextlib.suppress(OSError):
                path.unlink()


def _progress(said: Announcement, job: Any) -> Announcement:
    frame = job.frame
    return said if frame is None else replace(said, done=frame.done, total=frame.total, rate=round(job.rate or 0.0, 3))


def _write(path: Path, said: Announcement) -> float:
    with contextlib.suppress(WorkbenchError):
        write_json(path, {k: v for k, v in asdict(said).items() if k not in ("file", "written")})
    return time.monotonic()


def _read(path: Path) -> Announcement | None:
    """A file's announcement; None for one that cannot be read, which is removed."""
    try:
        written = path.stat().st_mtime
        data = json.loads(path.read_text(encoding="utf-8"))
        params = data["params"]
        values = read_fields(Announcement, data)
        if not isinstance(params, dict):
            raise ValueError("params")
        return Announcement(**values, params=params, file=path, written=written)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        with contextlib.suppress(OSError):
            path.unlink()
        return None
