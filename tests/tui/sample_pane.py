"""The Sample pane opened by a test, and waited for."""

import asyncio
from contextlib import asynccontextmanager

from workbench.compute import Compute
from workbench.tui.app import WorkbenchApp
from workbench.tui.panes.dataset import DatasetPane
from workbench.tui.panes.sample import SamplePane

SIZE = (150, 40)


@asynccontextmanager
async def opened(population, size=SIZE, count=12):
    app = WorkbenchApp(str(population.path), Compute("cpu", 1))
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: isinstance(app.pane, DatasetPane) and app.pane.is_mounted)
        await pilot.press("2")
        await until(pilot, lambda: isinstance(app.pane, SamplePane) and app.pane.state.trained is not None)
        if app.pane.state.generator is not None:
            app.pane.state.change(count=count, group="all")
            app.pane.choices_changed()
        await pilot.pause()
        yield app, pilot
        app.close_service()


async def until(pilot, condition):
    for _ in range(1500):
        await pilot.pause()
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"it never came:\n{text(pilot.app)}")


async def settled(app, pilot):
    """Nothing runs, and all of it is shown."""
    pane = app.pane
    await until(pilot, lambda: not pane.state.working)
    await until(pilot, lambda: pane.state.shown is None or pane.state.shown.frame is pane.state.job.frame)
    await until(pilot, lambda: pane.state.embedding is None or pane.state.map is not None or pane.state.embedding.error)
    await until(pilot, lambda: pane._inspecting is None or pane._inspecting.state.final)
    await pilot.pause()


async def run(app, pilot):
    await pilot.press("r")
    await settled(app, pilot)
    return app.pane.state.shown


async def typed(pilot, words):
    for character in words:
        await pilot.press({"-": "minus", ".": "full_stop", "/": "slash", "_": "underscore"}.get(character, character))


def scores(app):
    """The lines of the table."""
    return ["".join(part for part, _ in line).rstrip() for line in app.pane.score.table._lines]


def text(app):
    return "\n".join("".join(s.text for s in line) for line in app.screen._compositor.render_strips())
