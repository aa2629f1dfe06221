"""Every pane and the screens over it in small and large terminals: nothing breaks, nothing is wider than the screen."""

import pytest
from rich.cells import cell_len
from test_app import opened, text, until

from workbench.tui.panes import PANES, pane_class

SIZES = ((40, 10), (60, 15), (80, 24), (120, 40), (200, 50))
OVER = (("question_mark", "keys: "), ("colon", "Search"), ("J", "jobs"), ("ctrl+o", "open"))
"""Screens that open over any pane, and a word of each."""


async def walk(app, pilot, width, height):
    """Through all panes, and in each through the screens over it."""
    for k, name in enumerate(PANES, 1):
        await pilot.press(str(k))
        await until(pilot, lambda n=name: isinstance(app.pane, pane_class(n)) and app.pane.is_mounted)
        check(app, width, height, name)
        for key, _ in OVER:
            before = len(app.screen_stack)
            await pilot.press(key)
            await until(pilot, lambda b=before: len(app.screen_stack) > b)
            check(app, width, height, f"{key} over {name}")
            await pilot.press("escape")
            await until(pilot, lambda b=before: len(app.screen_stack) == b)


def check(app, width, height, where):
    lines = text(app).split("\n")
    assert len(lines) == height, where
    assert all(cell_len(line) == width for line in lines), where
    for widget in app.screen.query("*"):
        if widget.display and widget.region and widget.parent is app.pane:
            assert app.screen.region.contains_region(widget.region), f"{widget!r} in {where}"
    assert any(line.strip() for line in lines[1:-1]), where


@pytest.mark.parametrize("size", [SIZES[0], *(pytest.param(s, marks=pytest.mark.slow) for s in SIZES[1:])])
async def test_panes_and_screens(population, size):
    async with opened(population, size) as (app, pilot):
        await walk(app, pilot, *size)


async def test_a_terminal_that_becomes_small_under_every_pane(population):
    async with opened(population, SIZES[-1]) as (app, pilot):
        for k, name in enumerate(PANES, 1):
            await pilot.resize_terminal(*SIZES[-1])
            await pilot.press(str(k))
            await until(pilot, lambda n=name: isinstance(app.pane, pane_class(n)) and app.pane.is_mounted)
            for size in (SIZES[0], (20, 5), (1, 1)):
                await pilot.resize_terminal(*size)
                await pilot.pause()
            await pilot.resize_terminal(*SIZES[0])
            await pilot.pause()
            check(app, *SIZES[0], name)
