"""The app opened by a test on its Dataset pane, and led to another."""

from contextlib import asynccontextmanager

from sample_pane import SIZE, until

from workbench.compute import Compute
from workbench.tui.app import WorkbenchApp
from workbench.tui.panes.dataset import DatasetPane


@asynccontextmanager
async def marked_app(population, size=SIZE, marks=()):
    """The app with some networks marked."""
    app = WorkbenchApp(str(population.path), Compute("cpu", 1))
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: isinstance(app.pane, DatasetPane) and app.pane.is_mounted)
        app.view.marks[list(marks)] = True
        yield app, pilot
        app.close_service()


async def in_pane(app, pilot, pane, key):
    """To a pane, and until keys go to it."""
    await pilot.press(key)
    await until(pilot, lambda: isinstance(app.pane, pane) and app.pane.is_mounted and app.focused is not None)
