"""The Interpolate pane opened by a test, and waited for."""

from contextlib import asynccontextmanager

from marked_app import in_pane, marked_app
from sample_pane import SIZE, until

from workbench.tui.interpolating import InterpolateState
from workbench.tui.panes.interpolate import InterpolatePane


@asynccontextmanager
async def opened(population, size=SIZE, marks=(), **choices):
    async with marked_app(population, size, marks) as (app, pilot):
        InterpolateState.of(app.view).change(**choices)
        await go_to(app, pilot)
        yield app, pilot


async def go_to(app, pilot, pane=InterpolatePane, key="4"):
    """To a pane, and until it shows what it has."""
    await in_pane(app, pilot, pane, key)
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
