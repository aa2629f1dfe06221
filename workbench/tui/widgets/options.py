"""Lists to choose from."""

import contextlib

from textual import events
from textual.command import CommandList
from textual.widgets import OptionList


class _Steady:
    """Textual looks up what was clicked by its number, and the list may have become shorter by then."""

    option_count: int

    async def _on_click(self, event: events.Click) -> None:
        at = event.style.meta.get("option")
        if at is not None and at >= self.option_count:
            event.prevent_default()


class Commands(_Steady, CommandList, can_focus=False):
    """What the palette offers."""


class Options(_Steady, OptionList):
    """Textual's list; a page is not turned before its lines have been laid out."""

    def action_page_up(self) -> None:
        """One page up."""
        with contextlib.suppress(KeyError):  # it looks for the lines of its options
            super().action_page_up()

    def action_page_down(self) -> None:
        """One page down."""
        with contextlib.suppress(KeyError):
            super().action_page_down()
