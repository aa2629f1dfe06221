"""Screens that open over a pane."""

import contextlib
from typing import TypeVar

import textual.command
from textual.app import ComposeResult
from textual.await_complete import AwaitComplete
from textual.command import CommandPalette
from textual.screen import ModalScreen

Answered = TypeVar("Answered")
"""What a screen answers when it closes."""


class OverScreen(ModalScreen[Answered]):
    """A screen over a pane, which closes once: keys may be pressed faster than it goes."""

    def dismiss(self, result: Answered | None = None) -> AwaitComplete:
        """Close; nothing happens when another screen is in front."""
        if self.app.screen is not self:
            return AwaitComplete()
        return super().dismiss(result)


class Palette(CommandPalette):
    """The palette; a page is not turned in a list that has not been laid out, and a click on what is gone is none."""

    def compose(self) -> ComposeResult:
        """As Textual has it, but for the list, of which it takes no other one than what goes by this name."""
        from workbench.tui.widgets.options import Commands

        textual.command.CommandList = Commands  # type: ignore[misc]
        return super().compose()

    def _action_command_list(self, action: str) -> None:
        with contextlib.suppress(KeyError):  # Textual looks for the lines of its options
            super()._action_command_list(action)
