"""The Interpolate pane opened by a test, and waited for."""

from contextlib import asynccontextmanager

from sample_pane import SIZE, until

from workbench.compute import Compute
from workbench.tui.app import WorkbenchApp
from workbench.tui.interpolating import InterpolateState
from workbench.tui.panes.dataset import DatasetPane
from workbench.tui.panes.interpolate import InterpolatePane


@asynccontextmanager
async def opened(population, size=SIZE, marks=(), **choices):
    app = WorkbenchApp(str(population.path), Compute("cpu", 1))
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: isinstance(app.pane, DatasetPane) and app.pane.is_mounted)
        app.view.marks[list(marks)] = True
        InterpolateState.of(app.view).change(**choices)
        await go_to(app, pilot)
        yield app, pilot
        app.close_service()


async def go_to(app, pilot, pane=InterpolatePane, key="4"):
    """To a pane, and until it shows what it has."""
    await pilot.press(key)
    await until(pilot, lambda: isinstance(app.pane, pane) and app.pane.is_mounted and app.focused is not None)
    if pane is InterpolatePane:
        await settled(app, pilot)


async def settled(app, pilot):
    """The newest walk is on the screen, with its agents' episodes."""
    pane, state = app.pane, app.pane.state
    await until(pilot, lambda: state.trained is not None)
    await until(pilot, lambda: state.fault or (state.job is not None and state.job.state.final))
    await until(pilot, lambda: state.fault or state.job.error or state.shown is state.job)
    await until(pilot, lambda: all(job is None or job.state.final for job in pane._watching))
    await pilot.pause()


async def pressed(app, pilot, *keys):
    await pilot.press(*keys)
    await settled(app, pilot)
    return app.pane.state.frame
