"""The Converge pane opened by a test, and waited for."""

from contextlib import asynccontextmanager
from dataclasses import replace

from marked_app import in_pane, marked_app
from sample_pane import SIZE, text, until

from workbench.tui.panes.converge import ConvergePane

SMALL = {"networks": 12, "count": 300, "resamples": 40}


@asynccontextmanager
async def opened(population, size=SIZE, marks=()):
    async with marked_app(population, size, marks) as (app, pilot):
        await go_to(app, pilot)
        app.pane.state.params = replace(app.pane.state.params, **SMALL)
        app.pane.choices_changed()
        await pilot.pause()
        yield app, pilot


async def go_to(app, pilot):
    """To the pane, and until it is drawn."""
    await in_pane(app, pilot, ConvergePane, "3")


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
