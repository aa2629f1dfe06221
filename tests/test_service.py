"""The model service: jobs, their states, the two lanes, and what survives a failure."""

import logging
import threading
from dataclasses import dataclass

import numpy as np
import pytest

from workbench import service as module
from workbench.analyses import find
from workbench.analysis import Analysis, Selection
from workbench.compute import Compute
from workbench.errors import WorkbenchError
from workbench.policies import PolicySpec
from workbench.population import Population, load
from workbench.results import ResultCache
from workbench.service import Job, JobState, ModelService

LONG = 30
"""Seconds that no wait here takes unless something is broken."""


@dataclass(frozen=True)
class Params:
    count: int = 3


@dataclass(frozen=True)
class Frame:
    done: int
    total: int
    label: str = "x"
    pair: tuple = ()
    values: np.ndarray = None


def fake(run, writes=False):
    return Analysis("fake", "Fake", Params, Frame, run, table=str, summary=lambda f: {"done": f.done}, writes=writes)


def counting(_compute, _selection, params):
    for k in range(params.count + 1):
        yield Frame(k, params.count, f"at {k}", (k, ("a", 2.5)), np.arange(k))


class Gated:
    """An analysis whose frames come when they are let through."""

    def __init__(self, total=5):
        self.total = total
        self.begun, self.closed = threading.Event(), threading.Event()
        self.gates = threading.Semaphore(0)
        self.seen = threading.Semaphore(0)
        self.analysis = fake(self.run)

    def run(self, _compute, _selection, _params):
        self.begun.set()
        try:
            for k in range(self.total + 1):
                assert self.gates.acquire(timeout=LONG)
                yield Frame(k, self.total)
                self.seen.release()
        finally:
            self.closed.set()

    def let(self, frames):
        """Let frames through; back when each but the last was taken and gone on from."""
        self.gates.release(frames)
        for _ in range(frames - 1):
            assert self.seen.acquire(timeout=LONG)


@pytest.fixture
def selection():
    return Selection(Population(PolicySpec((4, 2)), np.ones((4, 10), np.float32), {}))


@pytest.fixture
def service(tmp_path):
    made = ModelService(Compute("cpu", 1), ResultCache(tmp_path / "results"))
    yield made
    made.close(LONG)


def finish(job):
    assert job.wait(LONG)
    return job


def test_a_job_runs_to_its_end_and_keeps_its_last_frame(service, selection):
    heard = []
    service.watchers.append(lambda job: heard.append((job.number, job.state)))
    job = finish(service.submit(fake(counting), selection, Params(4)))
    assert job.state is JobState.DONE
    assert (job.frame.done, job.frame.label) == (4, "at 4")
    assert job.error is None
    assert not job.cached
    assert job.seconds > 0
    assert job.seconds == job.ended - job.started
    assert service.running() == []
    assert {n for n, _ in heard} == {job.number}
    assert (job.number, JobState.RUNNING) in heard
    assert (job.number, JobState.DONE) in heard


def test_progress_is_seen_while_it_runs(service, selection):
    gated = Gated()
    job = service.submit(gated.analysis, selection, Params())
    assert gated.begun.wait(LONG)
    assert service.running() == [job]
    assert job.frame is None
    assert job.rate is None
    assert job.seconds_left is None
    gated.let(3)
    assert job.frame.done >= 1
    assert not job.wait(0)
    gated.let(4)
    assert finish(job).frame.done == 5
    assert gated.closed.is_set()
    assert job.rate > 0
    assert job.seconds_left == 0


def test_the_rate_does_not_count_what_a_resumed_task_had():
    job = Job(1, fake(counting), None, Params())
    job.started, job._first, job.ended = 100.0, (100.0, 900), 110.0
    job.frame = Frame(950, 1000)
    assert job.rate == 5
    assert job.seconds_left == 10
    job.frame = Frame(900, 1000)
    assert job.rate is None


def test_cancelling_is_a_request_honoured_between_frames(service, selection):
    gated = Gated()
    job = service.submit(gated.analysis, selection, Params())
    gated.let(3)
    job.cancel()
    assert job.cancelling
    assert job.state is JobState.RUNNING
    gated.let(1)
    finish(job)
    assert job.state is JobState.CANCELLED
    assert not job.cancelling
    assert 2 <= job.frame.done < 5, "what it had is kept"
    assert gated.closed.wait(LONG), "the generator may save what it has"


def test_cancelled_with_the_last_frame_it_is_done(service, selection):
    gated = Gated(2)
    job = service.submit(gated.analysis, selection, Params())
    gated.let(2)
    job.cancel()
    gated.let(1)
    finish(job)
    assert job.state in (JobState.CANCELLED, JobState.DONE)
    assert (job.state is JobState.DONE) == (job.frame.done == 2)

    def cancels_itself(_compute, _selection, _params):
        yield Frame(0, 1)
        service.jobs[-1].cancel()
        yield Frame(1, 1)

    assert finish(service.submit(fake(cancels_itself), selection, Params())).state is JobState.DONE


def test_what_cannot_be_used_is_told_apart_from_a_defect(service, selection, caplog):
    def refuses(_compute, _selection, _params):
        yield Frame(1, 3)
        raise WorkbenchError("count: expected less")

    def breaks(_compute, _selection, _params):
        yield Frame(2, 3)
        raise ZeroDivisionError("oh")

    def fills(_compute, _selection, _params):
        yield Frame(2, 3)
        raise MemoryError

    def fills_at_once(_compute, _selection, _params):
        raise MemoryError
        yield

    with caplog.at_level(logging.ERROR):
        jobs = [
            finish(service.submit(fake(run), selection, Params())) for run in (refuses, breaks, fills, fills_at_once)
        ]
    assert [j.state for j in jobs] == [JobState.FAILED] * 4
    assert [j.defect for j in jobs] == [False, True, False, False]
    assert [j.error for j in jobs] == [
        "count: expected less",
        "defect in fake: ZeroDivisionError: oh",
        "out of memory after 2 units of work",
        "out of memory after 0 units of work",
    ]
    assert [j.frame and j.frame.done for j in jobs] == [1, 2, 2, None]
    assert [r.exc_info[0] for r in caplog.records] == [ZeroDivisionError], "only the defect leaves its traceback"
    assert finish(service.submit(fake(counting), selection, Params())).state is JobState.DONE, "the service goes on"


def test_the_newest_question_in_a_slot_wins(service, selection):
    states = []
    service.watchers.append(lambda job: states.append((job.number, job.state, len(service.running()))))
    first, other = Gated(), Gated()
    a = service.ask("row", first.analysis, selection, Params())
    assert first.begun.wait(LONG)
    b = service.ask("row", fake(counting), selection, Params())
    elsewhere = service.ask("column", other.analysis, selection, Params())
    c = service.ask("row", fake(counting), selection, Params(2))
    assert finish(b).state is JobState.CANCELLED, "never begun, and over"
    assert b.frame is None
    assert b.started is None
    assert a.cancelling
    first.let(1)
    assert finish(a).state is JobState.CANCELLED
    other.gates.release(6)
    assert finish(c).state is JobState.DONE
    assert c.frame.done == 2
    assert finish(elsewhere).state is JobState.DONE, "another slot is another question"
    assert (b.number, JobState.CANCELLED, 0) in states
    assert service.jobs == [], "questions are no long jobs"


def test_a_question_cancelled_before_its_turn_never_begins(service, selection):
    gated, late = Gated(), Gated()
    busy = service.ask("a", gated.analysis, selection, Params())
    assert gated.begun.wait(LONG)
    waiting = service.ask("b", late.analysis, selection, Params())
    waiting.cancel()
    gated.gates.release(6)
    assert finish(waiting).state is JobState.CANCELLED
    assert finish(busy).state is JobState.DONE
    assert not late.begun.is_set()


def test_a_long_job_does_not_hold_up_a_question(service, selection):
    gated = Gated()
    long = service.submit(gated.analysis, selection, Params())
    assert gated.begun.wait(LONG)
    assert finish(service.ask("row", fake(counting), selection, Params())).state is JobState.DONE
    assert long.state is JobState.RUNNING
    gated.gates.release(6)
    finish(long)


def test_closing_stops_everything_and_starts_nothing(tmp_path, selection):
    service = ModelService(Compute("cpu", 1), ResultCache(tmp_path))
    # A watcher that looks at the service must not wait for itself.
    service.watchers.append(lambda job: service.running())
    gates = [Gated(), Gated()]
    long = service.submit(gates[0].analysis, selection, Params())
    asked = service.ask("row", gates[1].analysis, selection, Params())
    assert gates[0].begun.wait(LONG)
    assert gates[1].begun.wait(LONG)
    queued = service.ask("other", fake(counting), selection, Params())
    assert not service.close(0.01), "they wait for their gates"
    for gate in gates:
        gate.gates.release(6)
    assert service.close(LONG)
    assert {j.state for j in (long, asked, queued)} == {JobState.CANCELLED}
    for start in (lambda: service.submit(fake(counting), selection, Params()), lambda: service.ask("x", *[None] * 3)):
        with pytest.raises(WorkbenchError, match="the program is closing; nothing new is started"):
            start()


def test_a_result_worth_keeping_is_found_again(service, selection, monkeypatch):
    monkeypatch.setattr(module, "WORTH_KEEPING", -1.0)
    runs = []

    def counted(*arguments):
        runs.append(1)
        yield from counting(*arguments)

    first = finish(service.submit(fake(counted), selection, Params(4)))
    again = finish(service.submit(fake(counted), selection, Params(4)))
    assert (first.cached, again.cached) == (False, True)
    assert len(runs) == 1
    assert again.state is JobState.DONE
    ours, theirs = first.frame, again.frame
    assert (ours.done, ours.total, ours.label, ours.pair) == (theirs.done, theirs.total, theirs.label, theirs.pair)
    assert ours.values.dtype == theirs.values.dtype
    assert ours.values.tolist() == theirs.values.tolist()
    other = Selection(selection.population, (1, 2))
    assert not finish(service.submit(fake(counted), other, Params(4))).cached
    assert not finish(service.submit(fake(counted), selection, Params(5))).cached


def test_quick_results_cancelled_ones_and_tasks_are_not_kept(service, selection, monkeypatch):
    monkeypatch.setattr(module, "WORTH_KEEPING", 1e9)
    finish(service.submit(fake(counting), selection, Params()))
    monkeypatch.setattr(module, "WORTH_KEEPING", -1.0)
    gated = Gated()
    job = service.submit(gated.analysis, selection, Params())
    job.cancel()
    gated.gates.release(6)
    assert finish(job).state is JobState.CANCELLED
    finish(service.submit(fake(counting, writes=True), None, Params()))
    assert not service.cache.folder.exists()


def test_a_cache_that_cannot_be_written_costs_no_result(tmp_path, selection, monkeypatch, caplog):
    monkeypatch.setattr(module, "WORTH_KEEPING", -1.0)
    (tmp_path / "file").touch()
    service = ModelService(Compute("cpu", 1), ResultCache(tmp_path / "file" / "results"))
    job = finish(service.submit(fake(counting), selection, Params()))
    assert job.state is JobState.DONE
    assert job.frame.done == 3
    assert "result not kept" in caplog.text


def test_a_file_is_examined_anew(service, population, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "WORTH_KEEPING", -1.0)
    info = find("info")
    assert finish(service.submit(info, Selection(population), info.Params(episodes=5))).state is JobState.DONE
    data = bytearray(population.path.read_bytes())
    data[-3] ^= 1
    damaged = tmp_path / "small.safetensors"
    damaged.write_bytes(data)
    # Its header, and so its hash, is that of the whole file.
    job = finish(service.submit(info, Selection(load(damaged)), info.Params(episodes=5)))
    assert job.state is JobState.FAILED
    assert "damaged: its content hash" in job.error
