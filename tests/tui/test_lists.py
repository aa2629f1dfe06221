"""Lists that change between a press of the mouse and its release."""

import pytest
from marked_app import marked_app
from rich.style import Style
from sample_pane import until
from textual import events
from textual.widgets import OptionList

from workbench.tui.widgets.options import Commands, Options


def click(listed, option):
    x, y = listed.region.x + 1, listed.region.y + 1  # elsewhere a click closes the palette
    return events.Click(listed, 1, 1, 0, 0, 1, False, False, False, x, y, Style.from_meta({"option": option}))


@pytest.mark.parametrize(("key", "kind"), [("colon", Commands), ("ctrl+o", Options), ("J", Options)])
async def test_a_click_on_what_is_gone_does_nothing(population, key, kind):
    async with marked_app(population, (80, 24)) as (app, pilot):
        await until(pilot, lambda: app.warm)
        await pilot.press(key)
        await until(pilot, lambda: len(app.screen_stack) > 1 and app.screen.query(OptionList))
        listed = app.screen.query_one(OptionList)
        assert isinstance(listed, kind)
        screen = app.screen
        await until(pilot, lambda: listed.region.height > 2 or kind is Options)
        listed.post_message(click(listed, 10**6))
        await pilot.pause()
        assert app.screen is screen and app._exception is None
        if kind is Commands:
            await until(pilot, lambda: listed.option_count)
            listed.post_message(click(listed, 0))
            await until(pilot, lambda: app.screen is not screen)
