"""The Repair pane opened by a test, and waited for."""

from contextlib import asynccontextmanager

from marked_app import in_pane, marked_app
from sample_pane import SIZE, until

from workbench.tui.panes.repair import RepairPane
from workbench.tui.repairing import RepairState

METHODS = ("algorithm1-missing", "gaussian")
SMALL = {"samples": 12, "keep": 3, "episodes": 8, "actions": 20, "method": METHODS}
"""Trials that take a moment."""


@asynccontextmanager
async def opened(population, size=SIZE, marks=(), **choices):
    async with marked_app(population, size, marks) as (app, pilot):
        RepairState.of(app.view).change(**{**SMALL, **choices})
        await go_to(app, pilot)
        yield app, pilot


async def go_to(app, pilot, pane=RepairPane, key="5"):
    """To a pane, and until it shows what it has."""
    await in_pane(app, pilot, pane, key)
    if pane is RepairPane:
        await settled(app, pilot)


async def settled(app, pilot):
    """The newest trial is on the screen, with its chart and its agents' episodes."""
    pane, state = app.pane, app.pane.state
    await until(pilot, lambda: state.trained is not None)
    await until(pilot, lambda: state.fault or (state.job is not None and state.job.params == state.params))
    await until(pilot, lambda: state.fault or state.job.state.final)
    await until(pilot, lambda: state.fault or state.job.error or state.frame is state.job.frame)
    await until(pilot, lambda: state.charted is None or state.charted.state.final)
    await until(pilot, lambda: all(job is None or job.state.final for job in pane._watching))
    await until(pilot, lambda: not pane._timer._active.is_set() or state.working)
    await pilot.pause()


async def pressed(app, pilot, *keys):
    await pilot.press(*keys)
    await settled(app, pilot)
    return app.pane.state.frame


def figures(app):
    """The lines of the table that are on the screen, by the names of their rows."""
    lines = ["".join(part for part, _ in line) for line in app.pane.table._lines]
    return {line[1:].split("  ")[0].strip(" *"): line for line in lines if line.strip()}
