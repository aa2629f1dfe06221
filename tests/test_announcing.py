"""Tasks that make themselves known to other processes, and what is left of them."""

import json
import os
import signal
import subprocess
import sys
import threading
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import pytest

from workbench import announcing
from workbench.analyses import find
from workbench.analysis import Analysis
from workbench.announcing import Announcement
from workbench.compute import Compute
from workbench.errors import WorkbenchError
from workbench.service import JobState, ModelService

LONG = 30
"""Seconds that no wait here takes unless something is broken."""


@dataclass(frozen=True)
class Params:
    out: str = ""


@dataclass(frozen=True)
class Frame:
    done: int
    total: int


@pytest.fixture(autouse=True)
def state(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr(announcing, "EVERY", 0.01)
    return tmp_path


def announced(path, **changes):
    """A file as another process would have left it."""
    said = Announcement("collect", {"out": "x.safetensors", "count": 5}, "", "/", os.getpid(), "", "", True, 100.0)
    said = replace(said, born=announcing.birth(said.pid), place=announcing.place(), **changes)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({k: v for k, v in asdict(said).items() if k not in ("file", "written")}))
    return said


def task(run):
    return Analysis(
        "collect", "", Params, Frame, run, str, dict, writes=True, unfinished=lambda p: Path(p.out + ".collecting")
    )


def test_a_task_is_seen_while_it_runs_and_can_be_gone_on_with_when_it_stopped(state):
    seen, go_on = threading.Event(), threading.Event()
    out = state / "x.safetensors"

    def run(_compute, _selection, params):
        Path(params.out + ".collecting").mkdir()
        for k in range(1, 4):
            yield Frame(k, 3)
            seen.set()
            assert go_on.wait(LONG)
        Path(params.out + ".collecting").rmdir()

    service = ModelService(Compute("cpu", 1))
    job = service.submit(task(run), None, Params(str(out)))
    assert seen.wait(LONG)
    while not (announcing.found() and announcing.found()[0].total):
        assert not job.wait(0.01)
    (one,) = announcing.found()
    assert (one.analysis, one.params, one.done, one.total) == ("collect", {"out": str(out)}, 1, 3)
    assert one.running and one.mine and one.here and not one.resumable
    job.cancel()
    go_on.set()
    assert job.wait(LONG)
    assert job.state is JobState.CANCELLED
    (left,) = announcing.found()
    assert left.resumable and not left.running and left.folder == f"{out}.collecting"
    left.forget()
    assert announcing.found() == []
    assert Path(left.folder).is_dir()
    Path(left.folder).rmdir()
    service.submit(task(run), None, Params(str(out))).wait(LONG)
    assert announcing.found() == []
    assert list(announcing.folder().iterdir()) == []


def test_a_killed_task_is_offered_and_one_that_has_nothing_is_swept(state):
    lies = state / "x.safetensors.collecting"
    lies.mkdir()
    folder = announcing.folder()
    announced(folder / "killed.json", folder=str(lies))
    (alive,) = announcing.found()
    assert alive.running
    text = (folder / "killed.json").read_text()
    (folder / "killed.json").write_text(text.replace(alive.born, "1"))  # the number, taken by another process
    announced(folder / "gone.json", folder=str(state / "nothing"), ended=True)
    announced(folder / "older.json", folder=str(lies), ended=True, since=1.0)
    for name, content in (("cut", text[:50]), ("other", "[]"), ("wrong", text.replace("{", "[", 1))):
        (folder / f"{name}.json").write_text(content)
    (left,) = announcing.found()
    assert left.file.name == "killed.json" and left.resumable
    assert [p.name for p in folder.iterdir()] == ["killed.json"]


def test_it_is_told_to_stop_where_that_ends_nothing_else():
    code = "import sys, signal; print('x', flush=True); signal.pause()"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        process.stdout.read(1)
        said = replace(announced(announcing.folder() / "a.json"), pid=process.pid, born=announcing.birth(process.pid))
        replace(said, born="1").stop()  # another process now
        with pytest.raises(WorkbenchError, match="^collect: it runs in another app; cancel it there$"):
            replace(said, headless=False).stop()
        with pytest.raises(WorkbenchError, match="^collect: it runs on another machine; cancel it there$"):
            replace(said, place="elsewhere").stop()
        assert process.poll() is None
        said.stop()
        assert process.wait(LONG) == -signal.SIGTERM
    assert not said.running
    assert announcing.birth(process.pid) == ""


def test_on_another_machine_silence_counts(state):
    path = announcing.folder() / "far.json"
    said = announced(path)
    path.write_text(path.read_text().replace(json.dumps(said.place)[1:-1], "elsewhere"))
    assert announcing.found()[0].running
    os.utime(path, (1000, 1000))
    assert announcing.found() == []


def test_files_are_named_from_where_one_is(state, monkeypatch):
    (state / "pop.safetensors").touch()
    said = announced(announcing.folder() / "a.json", cwd=str(state))
    said = replace(said, params={"population": "pop.safetensors", "out": "new.safetensors", "recipe": "dqn", "seed": 1})
    assert said.as_given() == {
        "population": str(state / "pop.safetensors"), "out": str(state / "new.safetensors"), "recipe": "dqn", "seed": 1
    }  # fmt: skip
    monkeypatch.chdir(state)
    assert said.as_given() == said.params


def test_every_task_says_where_it_lies_while_it_is_not_finished(population_path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    collect, train, imports = find("collect"), find("train"), find("import")
    assert collect.unfinished(collect.Params("a.safetensors")) == Path("a.safetensors.collecting")
    assert imports.unfinished(imports.Params(path="runs")) == Path("runs.safetensors.importing")
    found = train.unfinished(train.Params(str(population_path), seed=4))
    assert found.name == "small-functional-4.safetensors.training"
    assert train.unfinished(train.Params("x", out="a.safetensors")) == Path("a.safetensors.training")
