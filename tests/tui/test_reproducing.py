"""Analyses from the palette: the usual form, filled in as far as the open population tells."""

from sample_pane import text, until

from workbench import reproductions
from workbench.compute import Compute
from workbench.reproductions import robustness
from workbench.tui.app import WorkbenchApp
from workbench.tui.run_screen import ResultScreen, RunScreen


async def test_a_reproduction_runs_on_all_networks_whatever_is_marked(population_path, monkeypatch):
    monkeypatch.setattr(robustness, "QUICK_NETWORKS", 4)
    app = WorkbenchApp(str(population_path), Compute("cpu", 1))
    async with app.run_test(size=(100, 40)) as pilot:
        await until(pilot, lambda: app.pane is not None and app.view is not None)
        offered = {command.title: command for command in app.get_system_commands(app.screen)}
        for name in reproductions.names():
            assert offered[f"Reproduce {name}"].help == reproductions.find(name).title
        app.view.marks[:3] = True
        offered["Reproduce robustness"].callback()
        await until(pilot, lambda: isinstance(app.screen, RunScreen))
        await until(pilot, lambda: "on all 96 networks, whatever is marked or shown" in text(app))
        app.screen.query_one("#field-quick").value = "yes"
        await pilot.press("ctrl+r")
        await until(pilot, lambda: isinstance(app.screen, ResultScreen))
        job = app.screen.job
        await until(pilot, lambda: job.state.final)
        assert job.error is None and job.selection.rows is None
        await until(pilot, lambda: "Measured twice" in text(app))


async def test_a_training_is_offered_of_the_open_population(population_path):
    app = WorkbenchApp(str(population_path), Compute("cpu", 1))
    async with app.run_test(size=(100, 40)) as pilot:
        await until(pilot, lambda: app.pane is not None and app.view is not None)
        next(c for c in app.get_system_commands(app.screen) if c.title == "Run train").callback()
        await until(pilot, lambda: isinstance(app.screen, RunScreen))
        assert app.screen.query_one("#field-population").value == str(population_path)
