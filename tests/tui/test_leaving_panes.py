"""Work beside the screen that ends when the pane it is for is being left."""

import pytest
from marked_app import marked_app
from sample_pane import until
from textual.css.query import NoMatches
from textual.worker import WorkerFailed

from workbench.tui.messages import JobChanged
from workbench.tui.panes import PANES, pane_class


async def show(pane):
    pane.query_one("#nothing-of-this-name")


async def test_what_a_pane_that_is_left_has_to_show_is_not_missed(population, monkeypatch):
    async with marked_app(population, (80, 24)) as (app, _):
        pane = app.pane
        with pytest.raises(WorkerFailed) as failed:
            await pane.run_worker(show(pane), exit_on_error=False).wait()
        assert isinstance(failed.value.error, NoMatches), "in a pane that is there it is a defect"
        # Between the request to leave and the end of its workers its parts are gone already.
        monkeypatch.setattr(pane, "_pruning", True)
        assert await pane.run_worker(show(pane)).wait() is None
        monkeypatch.undo()


async def test_a_pane_can_be_left_before_it_is_mounted(population, monkeypatch):
    async with marked_app(population, (80, 24)) as (app, pilot):
        for name in PANES:
            pane = pane_class(name)(app.service, app.view)
            monkeypatch.setattr(pane, "compose", list)
            app.query_one("#body").mount(pane)
            monkeypatch.setattr(pane, "_pruning", True)
            await until(pilot, lambda pane=pane: pane.is_mounted)
            await pane.remove()
        assert app._exception is None


async def test_a_job_is_not_told_to_a_pane_that_is_being_left(population, monkeypatch):
    async with marked_app(population, (80, 24)) as (app, pilot):
        await until(pilot, lambda: app.warm)
        told = []
        monkeypatch.setattr(app.pane, "job_changed", told.append)
        job = app.service.jobs[0]
        app.on_job_changed(JobChanged(job))
        monkeypatch.setattr(app.pane, "_pruning", True)
        app.on_job_changed(JobChanged(job))
        assert told == [job]
        monkeypatch.undo()


async def test_a_key_meant_for_a_pane_that_is_being_left_does_nothing(population, monkeypatch):
    async with marked_app(population, (80, 24)) as (app, _):
        pane = app.pane
        monkeypatch.setattr(pane, "action_ask", lambda what: pane.query_one("#nothing-of-this-name"))
        with pytest.raises(NoMatches):
            await app.run_action("ask('filter')", pane)
        monkeypatch.setattr(pane, "_pruning", True)
        assert await app.run_action("ask('filter')", pane)
        monkeypatch.undo()
