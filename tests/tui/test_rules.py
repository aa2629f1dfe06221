"""Other rules in the app: measured by a job that is shown and can be cancelled, and taken up again with a session."""

import threading

import numpy as np
import pytest
from ruled import under
from sample_pane import text, until
from textual.widgets import Static

from workbench import sessions
from workbench.analyses import survival
from workbench.compute import Compute
from workbench.population import load
from workbench.rules import options
from workbench.tui.app import WorkbenchApp
from workbench.tui.panes.converge import ConvergePane
from workbench.tui.panes.dataset import DatasetPane

SAMPLED = "sampled masspole=0.2"


@pytest.fixture(autouse=True)
def own_state(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture
def held(monkeypatch):
    """Measuring waits for this before its first networks."""
    go = threading.Event()

    def waits(compute, selection, params):
        frames = survival.run(compute, selection, params)
        for k, frame in enumerate(frames):
            yield frame
            if k == 0:
                assert go.wait(60)

    object.__setattr__(survival.ANALYSIS, "run", waits)
    yield go
    go.set()
    object.__setattr__(survival.ANALYSIS, "run", survival.run)


def app_on(population, **more):
    return WorkbenchApp(str(population.path), Compute("cpu", 1), **more)


async def opened(app, pilot):
    await until(pilot, lambda: isinstance(app.pane, DatasetPane) and app.pane.is_mounted)


def ruling(app):
    """The job that measures."""
    return next((job for job in app.service.jobs if job.analysis is survival.ANALYSIS), None)


async def test_measuring_is_shown_and_can_be_cancelled(population, held):
    app = app_on(population)
    async with app.run_test(size=(120, 30)) as pilot:
        await opened(app, pilot)
        app._rule(SAMPLED)
        await until(pilot, lambda: ruling(app) is not None and ruling(app).frame is not None)
        await until(pilot, lambda: "survival" in str(app.query_one("#jobs", Static).content))
        assert app.view.population.spec.action == "greedy", "the app goes on meanwhile"
        await pilot.press("J")
        await until(pilot, lambda: "survival" in text(app) and "running" in text(app))
        await pilot.press("c")
        held.set()
        await until(pilot, lambda: any("the rules stay as they were" in n.message for n in app._notifications))
        assert app.view.population.spec.action == "greedy" and app._said().get("rules") is None


async def test_newer_rules_take_the_place_of_those_that_are_measured(population, held):
    app = app_on(population)
    async with app.run_test(size=(120, 30)) as pilot:
        await opened(app, pilot)
        app._rule(SAMPLED)
        await until(pilot, lambda: ruling(app) is not None)
        first = ruling(app)
        app._rule("gravity=5")
        await until(pilot, lambda: first.cancelling or first.state.final)
        held.set()
        await until(pilot, lambda: options(app.view.population) == ["--env-kwargs", "gravity=5"])
        expected = under(load(population.path), "", ("gravity=5",))
        assert np.array_equal(app.view.population["survival"], expected["survival"])


async def test_a_session_comes_back_under_its_rules(population):
    app = app_on(population, remembers=True)
    async with app.run_test(size=(120, 30)) as pilot:
        await opened(app, pilot)
        app._rule(SAMPLED)
        await until(pilot, lambda: app.view.population.spec.action == "sampled")
        await until(pilot, lambda: isinstance(app.pane, DatasetPane) and app.pane.view is app.view)
        app.view.marks[[3, 5]] = True
        await app.pane.rearrange(expression="survival > 20", group=None)
        await pilot.press("3")
        await until(pilot, lambda: isinstance(app.pane, ConvergePane))
        app.remember()
    rows = app.view.rows
    app = app_on(population, remembers=True)
    async with app.run_test(size=(120, 30)) as pilot:
        await until(pilot, lambda: app.view is not None and app.view.population.spec.action == "sampled")
        await until(pilot, lambda: isinstance(app.pane, ConvergePane) and app.pane.view is app.view)
        assert app.view.marks.nonzero()[0].tolist() == [3, 5]
        assert app.view.arrangement.expression == "survival > 20" and np.array_equal(app.view.rows, rows)
        await until(pilot, lambda: SAMPLED in text(app))
        app._rule("")
        await until(pilot, lambda: app.view.population.spec.action == "greedy")
        app.remember()
    assert "rules" not in sessions.load(population)


async def test_rules_of_a_session_wait_for_nobody(population, held):
    sessions.save(population, {"pane": "dataset", "rules": SAMPLED})
    app = app_on(population, remembers=True)
    async with app.run_test(size=(120, 30)) as pilot:
        await opened(app, pilot)
        await until(pilot, lambda: ruling(app) is not None)
        app.view.marks[7] = True
        app.remember()
        assert sessions.load(population)["rules"] == SAMPLED, "what is being measured is kept too"
        held.set()
        await until(pilot, lambda: app.view.population.spec.action == "sampled")
        assert app.view.marks.nonzero()[0].tolist() == [7], "what was marked meanwhile stays"


@pytest.mark.parametrize("rules", ["lenth=3", "no such thing", "sampled greedy"])
async def test_rules_of_a_session_that_cannot_be_are_told(population, rules):
    sessions.save(population, {"pane": "dataset", "rules": rules})
    app = app_on(population, remembers=True)
    async with app.run_test(size=(120, 30)) as pilot:
        await opened(app, pilot)
        await until(pilot, lambda: any(n.title == "not played" for n in app._notifications))
        assert app.view.population.spec.action == "greedy" and "survival" in app.view.population.columns
