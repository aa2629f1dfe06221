"""What panes with choices have in common: panels fold away, and a line under them says what goes on."""

from pathlib import Path
from typing import Any

from textual import events
from textual.timer import Timer
from textual.widgets import Static

from workbench.places import APP
from workbench.service import ModelService
from workbench.text import clean
from workbench.tui.panes.base import Pane
from workbench.tui.view import View

FOLLOWED = 4
"""Looks at a running job a second."""


class FoldingPane(Pane):
    """A pane with a state, a `Prompt`, and a `#line`; a subclass says where things go."""

    state: Any
    """With a `status`: how far what runs is, or what a key would do."""

    def __init__(self, service: ModelService, view: View) -> None:
        super().__init__(service, view)
        self._timer: Timer | None = None
        self._said = ""

    def on_resize(self, event: events.Resize) -> None:
        """Panels fold away, and draw for their width."""
        self._fit(event.size.width, event.size.height)
        self.call_after_refresh(self._redraw)

    def on_prompt_closed(self) -> None:
        """Back to where one was."""
        self._focus()

    def choices_changed(self) -> None:
        """Show the choices, and what they alter at once."""
        raise NotImplementedError

    def _fit(self, width: int, height: int) -> None:
        """Decide which panels have a place."""
        raise NotImplementedError

    def _redraw(self) -> None:
        """Draw everything for the size as it is."""
        raise NotImplementedError

    def _focus(self) -> None:
        """Where keys go."""
        raise NotImplementedError

    def say(self, words: str) -> None:
        """A line under the panels, in place of what runs; empty to take it away."""
        self._said = words
        self._tell()

    def saved(self, words: str, path: Path) -> None:
        """Say where something was saved, and copy the path to the terminal's clipboard."""
        self.app.copy_to_clipboard(str(path))
        self.say(f"{words} {path} (copied)")

    def copied(self) -> str:
        """The command that `=` says."""
        command = getattr(self, "action_command", None)
        if command is not None:
            command()
        return self._said if self._said.startswith(f"{APP} ") else ""

    def _tell(self) -> None:
        """What was said last, or how far the run is."""
        line = self.query_one("#line", Static)
        words = clean(self._said or self.state.status, 1000)
        if line.content != words:
            line.update(words)
            line.set_class(bool(self._said), "said")
