"""Work beside the screen that ends when the pane it is for is being left."""

import pytest
from sample_pane import until
from textual.css.query import NoMatches
from textual.worker import WorkerFailed

from workbench.compute import Compute
from workbench.tui.app import WorkbenchApp
from workbench.tui.messages import JobChanged
from workbench.tui.panes import PANES, pane_class
from workbench.tui.panes.dataset import DatasetPane


async def show(pane):
    pane.query_one("#nothing-of-this-name")


async def test_what_a_pane_that_is_left_has_to_show_is_not_missed(population, monkeypatch):
    app = WorkbenchApp(str(population.path), Compute("cpu", 1))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: isinstance(app.pane, DatasetPane) and app.pane.is_mounted)
        pane = app.pane
        with pytest.raises(WorkerFailed) as failed:
            await pane.run_worker(show(pane), exit_on_error=False).wait()
        assert isinstance(failed.value.error, NoMatches), "in a pane that is there it is a defect"
        # Between the request to leave and the end of its workers its parts are gone already.
        monkeypatch.setattr(pane, "_pruning", True)
        assert await pane.run_worker(show(pane)).wait() is None
        monkeypatch.undo()
        app.close_service()


async def test_a_pane_can_be_left_before_it_is_mounted(population, monkeypatch):
    app = WorkbenchApp(str(population.path), Compute("cpu", 1))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: isinstance(app.pane, DatasetPane) and app.pane.is_mounted)
        for name in PANES:
            pane = pane_class(name)(app.service, app.view)
            monkeypatch.setattr(pane, "compose", list)
            app.query_one("#body").mount(pane)
            monkeypatch.setattr(pane, "_pruning", True)
            await until(pilot, lambda pane=pane: pane.is_mounted)
            await pane.remove()
        assert app._exception is None
        app.close_service()


async def test_a_job_is_not_told_to_a_pane_that_is_being_left(population, monkeypatch):
    app = WorkbenchApp(str(population.path), Compute("cpu", 1))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.warm and isinstance(app.pane, DatasetPane) and app.pane.is_mounted)
        told = []
        monkeypatch.setattr(app.pane, "job_changed", told.append)
        job = app.service.jobs[0]
        app.on_job_changed(JobChanged(job))
        monkeypatch.setattr(app.pane, "_pruning", True)
        app.on_job_changed(JobChanged(job))
        assert told == [job]
        monkeypatch.undo()
        app.close_service()


async def test_a_key_meant_for_a_pane_that_is_being_left_does_nothing(population, monkeypatch):
    app = WorkbenchApp(str(population.path), Compute("cpu", 1))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: isinstance(app.pane, DatasetPane) and app.pane.is_mounted)
        pane = app.pane
        monkeypatch.setattr(pane, "action_ask", lambda what: pane.query_one("#nothing-of-this-name"))
        with pytest.raises(NoMatches):
            await app.run_action("ask('filter')", pane)
        monkeypatch.setattr(pane, "_pruning", True)
        assert await app.run_action("ask('filter')", pane)
        monkeypatch.undo()
        app.close_service()
