"""The model service: jobs on threads of its own, which any front end can watch. It knows no screen.

A job runs an analysis' generator and keeps its newest frame. Cancelling is a request, looked at between frames;
CANCELLED is a fact, reached when the thread has really stopped. There are two lanes: a short one for what follows the
cursor, where a newer request takes the place of an older one in the same slot, and a long one, a thread for each job.
"""

import enum
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from workbench.analysis import Analysis, Selection
from workbench.announcing import announced
from workbench.compute import Compute, be_nice
from workbench.errors import WorkbenchError
from workbench.memory import give_back
from workbench.results import ResultCache, result_key
from workbench.text import progress

log = logging.getLogger(__name__)

WORTH_KEEPING = 0.5
"""Seconds; what took less is computed again sooner than looked up."""


class JobState(enum.Enum):
    """Where a job is. The last three are final."""

    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def final(self) -> bool:
        """Whether nothing more will happen."""
        return self in (JobState.DONE, JobState.FAILED, JobState.CANCELLED)


class Job:
    """One run of an analysis. Read it from any thread; only the service changes it."""

    def __init__(self, number: int, analysis: Analysis, selection: Selection | None, params: Any) -> None:
        self.number = number
        self.analysis = analysis
        self.selection = selection
        self.params = params
        self.state = JobState.PENDING
        self.frame: Any = None
        self.error: str | None = None
        self.background = False
        self.defect = False
        self.cached = False
        self.started: float | None = None
        self.ended: float | None = None
        self._first: tuple[float, int] | None = None
        self._cancel = threading.Event()
        self._finished = threading.Event()

    def cancel(self) -> None:
        """Ask it to stop; it does at its next frame, and what it had stays in `frame`."""
        self._cancel.set()

    @property
    def cancelling(self) -> bool:
        """Whether it was asked to stop and has not yet."""
        return self._cancel.is_set() and not self.state.final

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for a final state; False if the time was too short."""
        return self._finished.wait(timeout)

    @property
    def seconds(self) -> float:
        """Running time so far, or in all."""
        return 0.0 if self.started is None else (self.ended or time.monotonic()) - self.started

    @property
    def rate(self) -> float | None:
        """Units of work a second since the first frame (what a resumed task already had does not count)."""
        if self._first is None or self.frame is None:
            return None
        began, done = self._first
        elapsed = (self.ended or time.monotonic()) - began
        return (self.frame.done - done) / elapsed if elapsed > 0 and self.frame.done > done else None

    @property
    def seconds_left(self) -> float | None:
        """Estimated from the rate; None while there is none."""
        return (self.frame.total - self.frame.done) / self.rate if self.rate else None

    @property
    def progress(self) -> str:
        """`31 % 84/s 9 min left`, without the time once it is over; empty before the first frame."""
        if self.frame is None:
            return ""
        left = None if self.state.final else self.seconds_left
        return progress(self.frame.done, self.frame.total, self.rate, left)


class ModelService:
    """Runs analyses and tasks on its own daemon threads, for any number of watchers."""

    def __init__(self, compute: Compute | None = None, cache: ResultCache | None = None, headless: bool = True) -> None:
        self.compute = compute or Compute()
        self.cache = cache or ResultCache()
        self.headless = headless
        """Whether its process does nothing but its jobs: others may then stop a task by stopping it."""
        self.watchers: list[Callable[[Job], None]] = []
        """Called with a job at each change of its state, from the thread that changed it."""
        self.jobs: list[Job] = []
        self._lock = threading.Lock()
        self._slots: dict[str, Job] = {}
        self._interactive = threading.Condition(self._lock)
        self._interactive_thread: threading.Thread | None = None
        self._count = 0
        self._closing = False

    def submit(self, analysis: Analysis, selection: Selection | None, params: Any, background: bool = False) -> Job:
        """Start a long job; returns at once. `background` says that nobody asked for it and nobody need be told."""
        job = self._new(analysis, selection, params)
        job.background = background
        with self._lock:
            self.jobs.append(job)
        threading.Thread(target=self._run_long, args=(job,), name=f"agentemb-job-{job.number}", daemon=True).start()
        self._tell(job)
        return job

    def ask(self, slot: str, analysis: Analysis, selection: Selection | None, params: Any) -> Job:
        """Start a short job in the interactive lane; the one before it in the same slot is dropped or cancelled."""
        job = self._new(analysis, selection, params)
        with self._interactive:
            before = self._slots.get(slot)
            if before is not None:
                before.cancel()
            self._slots[slot] = job
            if self._interactive_thread is None:
                self._interactive_thread = threading.Thread(
                    target=self._serve_interactive, name="agentemb-interactive", daemon=True
                )
                self._interactive_thread.start()
            self._interactive.notify()
            # One that never began ends here, since nothing else will end it.
            dropped = before if before is not None and before.state is JobState.PENDING else None
            if dropped is not None:
                dropped.state = JobState.CANCELLED
        if dropped is not None:
            self._finish(dropped, JobState.CANCELLED)
        return job

    def knows(self, analysis: Analysis, selection: Selection, params: Any) -> bool:
        """Whether a result is kept, so that a job would only load it."""
        try:
            return self.cache.path(result_key(analysis, selection, params, self.compute.torch_device)).exists()
        except WorkbenchError:
            return False

    def running(self) -> list[Job]:
        """Long jobs that are not over."""
        with self._lock:
            return [job for job in self.jobs if not job.state.final]

    def close(self, timeout: float = 0.8) -> bool:
        """Ask everything to stop and wait for it; True if it all has. Threads are daemons, whatever the answer."""
        with self._interactive:
            self._closing = True
            waiting = [*self.jobs, *self._slots.values()]
            self._interactive.notify_all()
        for job in waiting:
            job.cancel()
        deadline = time.monotonic() + timeout
        return all(job.wait(max(0.0, deadline - time.monotonic())) for job in waiting)

    def _new(self, analysis: Analysis, selection: Selection | None, params: Any) -> Job:
        with self._lock:
            if self._closing:
                raise WorkbenchError("the program is closing; nothing new is started")
            self._count += 1
            return Job(self._count, analysis, selection, params)

    def _serve_interactive(self) -> None:
        while True:
            with self._interactive:
                while not self._closing and all(j.state is not JobState.PENDING for j in self._slots.values()):
                    self._interactive.wait()
                pending = [j for j in self._slots.values() if j.state is JobState.PENDING]
                if pending and not self._closing:
                    pending[0].state = JobState.RUNNING
            if self._closing:
                for job in pending:
                    self._finish(job, JobState.CANCELLED)
                return
            self._run(pending[0])

    def _run_long(self, job: Job) -> None:
        self._run(job)
        give_back()

    def _run(self, job: Job) -> None:
        be_nice()
        if job._cancel.is_set():
            self._finish(job, JobState.CANCELLED)
            return
        job.started = time.monotonic()
        job.state = JobState.RUNNING
        self._tell(job)
        try:
            key = None
            if not job.analysis.writes and job.selection is not None:
                device = self.compute.torch_device  # one that is not there is told, whether it is needed or not
                if not job.analysis.examines:
                    key = result_key(job.analysis, job.selection, job.params, device)
                    job.frame = self.cache.load(key, job.analysis)
                    job.cached = job.frame is not None
            if not job.cached and not self._iterate(job):
                self._finish(job, JobState.CANCELLED)
                return
            if key and not job.cached and job.selection is not None and job.seconds > WORTH_KEEPING:
                self._keep(key, job)
            self._finish(job, JobState.DONE)
        except WorkbenchError as error:
            job.error = str(error)
            self._finish(job, JobState.FAILED)
        except MemoryError:
            job.error = f"out of memory after {job.frame.done if job.frame else 0} units of work"
            self._finish(job, JobState.FAILED)
        except Exception as error:  # a defect of an analysis is shown and survived, not the end of the session
            log.exception("%s failed", job.analysis.name)
            job.defect = True
            job.error = f"defect in {job.analysis.name}: {type(error).__name__}: {error}"
            self._finish(job, JobState.FAILED)

    def _keep(self, key: str, job: Job) -> None:
        """Put a finished frame into the cache; a cache that cannot be written costs nobody their result."""
        assert job.selection is not None
        try:
            self.cache.store(key, job.analysis, job.selection, job.params, job.frame, job.seconds)
        except WorkbenchError as error:
            log.warning("result not kept: %s", error)

    def _iterate(self, job: Job) -> bool:
        """Run the generator to its end; False if it was cancelled."""
        if not job.analysis.writes:
            return self._follow(job)
        with announced(job, job.analysis, self.headless):
            return self._follow(job)

    def _follow(self, job: Job) -> bool:
        frames = job.analysis.run(self.compute, job.selection, job.params)
        try:
            for frame in frames:
                job.frame = frame
                if job._first is None:
                    job._first = (time.monotonic(), frame.done)
                if job._cancel.is_set() and frame.done < frame.total:
                    return False
                time.sleep(0)  # lets a waiting screen have the interpreter
        finally:
            frames.close()  # type: ignore[attr-defined]  # saves what a task has to save
        return True

    def _finish(self, job: Job, state: JobState) -> None:
        job.ended = time.monotonic()
        job.state = state
        job._finished.set()
        self._tell(job)

    def _tell(self, job: Job) -> None:
        for watcher in self.watchers:
            watcher(job)
