"""The Converge pane opened by a test, and waited for."""

from contextlib import asynccontextmanager
from dataclasses import replace

from sample_pane import SIZE, text, until

from workbench.compute import Compute
from workbench.tui.app import WorkbenchApp
from workbench.tui.panes.converge import ConvergePane
from workbench.tui.panes.dataset import DatasetPane

SMALL = {"networks": 12, "count": 300, "resamples": 40}


@asynccontextmanager
async def opened(population, size=SIZE, marks=()):
    app = WorkbenchApp(str(population.path), Compute("cpu", 1))
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: isinstance(app.pane, DatasetPane) and app.pane.is_mounted)
        app.view.marks[list(marks)] = True
        await go_to(app, pilot)
        app.pane.state.params = replace(app.pane.state.params, **SMALL)
        app.pane.choices_changed()
        await pilot.pause()
        yield app, pilot
        app.close_service()


async def go_to(app, pilot):
    """To the pane, and until it is drawn."""
    await pilot.press("3")
    await until(pilot, lambda: isinstance(app.pane, ConvergePane) and app.pane.is_mounted and app.focused is not None)


async def settled(app, pilot):
    """Nothing runs, and all of it is shown."""
    pane = app.pane
    await until(pilot, lambda: pane.state.running is None)
    await until(
        pilot,
        lambda: (
            pane.state.job is None
            or pane.state.job.frame is None
            or not (pane._arranging or pane._outdated(pane.state.job.frame))
        ),
    )
    await pilot.pause()


async def run(app, pilot):
    await pilot.press("r")
    await settled(app, pilot)
    return app.pane.state.shown


def joined(app, where="#line"):
    """What is on the screen where a widget is, as one line of words."""
    box = app.screen.query_one(where).content_region
    lines = text(app).splitlines()[box.y : box.bottom]
    return " ".join(" ".join(line[box.x : box.right] for line in lines).split())
