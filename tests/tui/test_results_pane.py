"""The Results pane, sessions and tasks of other processes in the app. Waits are for jobs and paints, never for time."""

import json
import os
from contextlib import asynccontextmanager

import numpy as np
import pytest
from test_app import SIZE, settled, text, typed, until

from workbench import announcing, results
from workbench.analyses import find
from workbench.analysis import Selection
from workbench.announcing import Announcement
from workbench.compute import Compute
from workbench.places import state_dir
from workbench.population import Population, load
from workbench.results import ResultCache, result_key
from workbench.tui.app import WorkbenchApp
from workbench.tui.comparison_screen import ComparisonScreen
from workbench.tui.panes.converge import ConvergePane
from workbench.tui.panes.dataset import DatasetPane
from workbench.tui.panes.results import ResultsPane
from workbench.tui.panes.sample import SamplePane
from workbench.tui.run_screen import ResultScreen, RunScreen
from workbench.tui.view import Arrangement

CPU = Compute("cpu", 1)


@pytest.fixture(autouse=True)
def homes_of_its_own(tmp_path, monkeypatch):
    for name in ("CACHE", "STATE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name))
    # What the panes ask for is not kept beside what a test keeps, however slow the machine.
    monkeypatch.setattr("workbench.service.WORTH_KEEPING", float("inf"))


def keep(population, name, where="", age=0, **params):
    """Compute something and keep it, as the service does."""
    analysis = find(name)
    rows = None if not where else tuple(range(int(where.split()[-1])))
    selection, params = Selection(population, rows, where), analysis.Params(**params)
    *_, frame = analysis.run(CPU, selection, params)
    key, cache = result_key(analysis, selection, params, "cpu"), ResultCache()
    cache.store(key, analysis, selection, params, frame, 2.5)
    os.utime(cache.path(key), (10_000 - age, 10_000 - age))
    return key


@asynccontextmanager
async def opened(population, size=SIZE, remembers=False):
    app = WorkbenchApp(str(population.path), CPU, remembers)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: app.pane is not None and app.pane.is_mounted)
        yield app, pilot
        app.close_service()


async def surveyed(app, pilot):
    """The Dataset pane has what it asks for at first."""
    await until(pilot, lambda: app.service.jobs and all(job.state.final for job in app.service.jobs))


async def go(app, pilot):
    await pilot.press("6")
    await until(pilot, lambda: isinstance(app.pane, ResultsPane) and app.pane.state.kept is not None)
    await pilot.pause()
    return app.pane


async def test_lists_filters_and_opens_what_is_kept(population, tmp_path, monkeypatch):
    other = load(population.select(np.arange(5)).save(tmp_path / "other.safetensors").path)
    keep(other, "survival", age=2, episodes=4)
    keep(population, "survival", "id < 7", age=1, episodes=5, seed=3)
    keep(population, "info")
    digest = results.program_digest()
    with monkeypatch.context() as patch:
        patch.setattr(results, "program_digest", lambda: "another")
        keep(population, "survival", age=3, episodes=6)
    assert results.program_digest() == digest
    async with opened(population) as (app, pilot):
        pane = await go(app, pilot)
        lines = [line for line in text(app).splitlines() if "2.5 s" in line and ("this one" in line or "other" in line)]
        assert ["info" in lines[0], "seed 3" in lines[1], "other" in lines[2], "episodes 6" in lines[3]] == [True] * 4
        await pilot.press("slash")
        await typed(pilot, "survival, seed 3")
        await pilot.press("enter")
        await until(pilot, lambda: len(pane.state.shown) == 1)
        await until(pilot, lambda: "Survival of 7 networks" in text(app))
        assert "7 networks of" in text(app) and "id < 7" in text(app) and "this program" in text(app)
        await pilot.press("equals_sign")
        expected = f"agentemb-tui survival {population.path} --episodes 5 --seed 3 --where 'id < 7'"
        assert pane._said == expected
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ResultScreen))
        assert "Survival of 7 networks: 5 episodes each, cap 200, seed 3" in text(app)
        await pilot.press("escape", "escape", "escape")
        await until(pilot, lambda: len(pane.state.shown) == 4)
        await pilot.press("end")
        await until(pilot, lambda: pane.selected.params["episodes"] == 6)
        await until(pilot, lambda: "older program" in text(app) and "Survival of 96 networks" in text(app))


async def test_compares_two_saves_and_deletes(population, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    second = keep(population, "survival", age=1, episodes=4, seed=1)
    first = keep(population, "survival", episodes=4, seed=0)
    keep(population, "info", age=2)
    async with opened(population, (80, 24)) as (app, pilot):
        pane = await go(app, pilot)
        await pilot.press("c", "end", "c")
        await until(pilot, lambda: pane._said)
        assert pane._said == "results: expected two of one analysis, got survival and info"
        await pilot.press("up", "c")
        await until(pilot, lambda: isinstance(app.screen, ComparisonScreen))
        screen = text(app)
        assert first[:8] in screen and second[:8] in screen and "parameter seed" in screen
        await pilot.press("escape", "x", "enter")
        await until(pilot, lambda: "numbers written" in pane._said)
        saved = json.loads((tmp_path / f"survival-{second[:8]}.json").read_text())
        assert saved["result"]["key"] == second and len(saved["survival"]) == len(population)
        await pilot.press("x", "enter")
        await until(pilot, lambda: "already there" in pane._said)
        await pilot.press("d", "n", "enter")
        await until(pilot, lambda: not pane.query_one("#prompt").is_open)
        assert len(ResultCache().kept()) == 3
        await pilot.press("d", "y", "enter")
        await until(pilot, lambda: len(pane.state.kept) == 2)
        assert second not in [k.key for k in ResultCache().kept()]
        assert pane.selected.analysis == "info"
        await pilot.press("p")
        await until(pilot, lambda: "has no pane of its own" in pane._said)


async def test_a_comparison_of_networks_is_shown_in_its_pane_again(population):
    keep(population, "converge", networks=6, seed=4)
    async with opened(population) as (app, pilot):
        await go(app, pilot)
        await pilot.press("p")
        await until(pilot, lambda: isinstance(app.pane, ConvergePane) and app.pane.state.shown is not None)
        assert app.pane.state.job.cached and len(app.pane.state.shown.order) == 6
        assert app.pane.state.params.seed == 4


async def test_help_lists_every_key_of_the_pane_and_nothing_is_said_of_nothing(population):
    async with opened(population) as (app, pilot):
        pane = await go(app, pilot)
        await until(pilot, lambda: all(job.state.final for job in app.service.jobs))
        assert "nothing is kept yet" in text(app)
        for key in ("enter", "c", "p", "equals_sign"):
            await pilot.press(key)
        await pilot.press("x")
        assert pane._said == "there is nothing here"
        await pilot.press("question_mark")
        for keys, words in ResultsPane.KEYS:
            assert any(keys in line and words in line for line in text(app).splitlines())


async def test_a_session_comes_back(population):
    async with opened(population, remembers=True) as (app, pilot):
        await until(pilot, lambda: isinstance(app.pane, DatasetPane))
        await settled(app, pilot)
        await pilot.press("m", "m", "down", "slash")
        await typed(pilot, "survival > 20")
        await pilot.press("enter")
        await until(pilot, lambda: app.view.arrangement.expression == "survival > 20")
        row = app.pane.table.row
        await pilot.press("6")
        await until(pilot, lambda: isinstance(app.pane, ResultsPane))
        await app._remember()
        (kept,) = (state_dir() / "sessions").iterdir()
        written = kept.stat().st_mtime_ns
        app.remember()
        assert kept.stat().st_mtime_ns == written, "nothing new, nothing written"
        # And then the app is killed.
    async with opened(population, remembers=True) as (app, pilot):
        await until(pilot, lambda: isinstance(app.pane, ResultsPane))
        await pilot.press("1")
        await until(pilot, lambda: isinstance(app.pane, DatasetPane) and app.pane.table.row is not None)
        assert app.view.arrangement == Arrangement("survival > 20")
        assert np.flatnonzero(app.view.marks).tolist() == [0, 1]
        await until(pilot, lambda: app.pane.table.row == row)
    kept.write_text("{")
    async with opened(population, remembers=True) as (app, pilot):
        await surveyed(app, pilot)
        assert not app.view.marks.any()
    async with opened(population) as (app, pilot):
        await surveyed(app, pilot)
        app.view.marks[5] = True
        app.remember()
    assert kept.read_text() == "{"


async def test_the_marks_follow_a_file_that_grows(population, tmp_path):
    path = tmp_path / "grows.safetensors"
    small = population.select(np.arange(20)).save(path)
    async with opened(small, remembers=True) as (app, pilot):
        await surveyed(app, pilot)
        app.view.marks[[3, 9]] = True
        app.remember()
        path.unlink()
        population.select(np.arange(30)).save(path)
        await app._look()
        await surveyed(app, pilot)
        assert len(app.view.population) == 30
        app.remember()
        assert len(list((state_dir() / "sessions").iterdir())) == 1
    whole = Population(population.spec, population.weights, population.columns).save(tmp_path / "whole.safetensors")
    path.unlink()
    whole.select(np.r_[95, np.arange(40)]).save(path)
    async with opened(load(path), remembers=True) as (app, pilot):
        await surveyed(app, pilot)
        assert np.flatnonzero(app.view.marks).tolist() == [4, 10]


async def test_tasks_of_other_processes_are_shown_stopped_and_gone_on_with(population, tmp_path, monkeypatch):
    stopped = []
    monkeypatch.setattr(Announcement, "stop", lambda self: stopped.append(self.pid))
    monkeypatch.setattr(Announcement, "mine", False)
    lies = tmp_path / "left.safetensors.collecting"
    lies.mkdir()
    said = {
        "analysis": "collect", "params": {"out": "busy.safetensors", "count": 500}, "folder": "", "cwd": os.getcwd(),
        "pid": os.getpid(), "born": announcing.birth(os.getpid()), "place": announcing.place(), "headless": True,
        "since": 10.0, "done": 120, "total": 500, "rate": 40.0, "ended": False,
    }  # fmt: skip
    left = {"folder": str(lies), "params": {"out": "left.safetensors", "count": 70}, "cwd": str(tmp_path)}
    announcing.folder().mkdir(parents=True)
    for name, told in (("busy", said), ("left", {**said, **left, "ended": True})):
        (announcing.folder() / f"{name}.json").write_text(json.dumps(told))
    async with opened(population) as (app, pilot):
        await surveyed(app, pilot)
        await pilot.press("J")
        await until(pilot, lambda: "↗" in text(app))
        busy = next(line for line in text(app).splitlines() if "running" in line)
        assert "collect" in busy and "24 % 40/s" in busy and f"process {os.getpid()}" in busy and "busy.saf" in busy
        await pilot.press("down", "c")
        await until(pilot, lambda: "it was told to save" in text(app))
        assert stopped == [os.getpid()]
        await pilot.press("down")
        await until(pilot, lambda: "enter go on with it" in text(app))
        assert "not finished" in text(app)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, RunScreen))
        values = {box.id: box.value for box in app.screen.query("Input")}
        assert values["field-out"] == str(tmp_path / "left.safetensors")
        assert (values["field-count"], values["field-resume"]) == ("70", "yes")
        await pilot.press("escape", "J", "down", "down")
        await until(pilot, lambda: "c forget it" in text(app))
        await pilot.press("c")
        await until(pilot, lambda: "not finished" not in text(app))
        assert lies.is_dir()


async def test_samples_of_before_are_shown_at_once(population, trained, monkeypatch):
    monkeypatch.setattr("workbench.service.WORTH_KEEPING", 0.0)
    async with opened(population, remembers=True) as (app, pilot):
        await surveyed(app, pilot)
        await pilot.press("2")
        await until(pilot, lambda: isinstance(app.pane, SamplePane) and app.pane.state.generator is not None)
        app.pane.state.change(count=12, seed=3)
        await pilot.press("r")
        await until(pilot, lambda: app.pane.state.shown is not None and not app.pane.state.working)
        before = app.pane.state.shown.frame
        app.remember()
    async with opened(population, remembers=True) as (app, pilot):
        await until(pilot, lambda: isinstance(app.pane, SamplePane) and app.pane.state.shown is not None)
        await until(pilot, lambda: not app.pane.state.working)
        state = app.pane.state
        assert state.job.cached and state.params.count == 12 and state.current
        assert np.array_equal(state.shown.frame.weights, before.weights)
