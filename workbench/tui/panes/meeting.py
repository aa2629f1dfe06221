"""Whom one meets on a walk of the Interpolate pane: four agents, measured and watched together."""

from typing import ClassVar

from textual.binding import Binding, BindingType

from workbench.tui.panes.together import TogetherPane
from workbench.tui.panes.walking import WalkingPane
from workbench.tui.panes.watching import WATCHING
from workbench.tui.widgets.walk import AgentFigures, WalkChart, WalkChoices

WATCHED = 4
"""A, an agent between them, B, and one beyond."""


class MeetingPane(TogetherPane, WalkingPane):
    """A pane with a place on the walk; a subclass draws the walk."""

    WATCHED, SLOT = WATCHED, "met"
    BINDINGS: ClassVar[list[BindingType]] = [
        *WATCHING,
        Binding("left,h", "go(-1)"),
        Binding("right,l", "go(1)"),
        Binding("up,k", "path(-1)"),
        Binding("down,j,p", "path(1)"),
    ]

    @property
    def chart(self) -> WalkChart:
        """Survival along the way."""
        return self.query_one(WalkChart)

    def show_walk(self) -> None:
        """Draw the walk, with the place on it."""
        raise NotImplementedError

    # Where one stands.

    def stand(self, watch: bool = True) -> None:
        """Show the agent where one stands, and watch it."""
        if self.state.frame is not None:
            self.query_one(AgentFigures).show(self.state.frame, *self.state.place)
            if watch:
                self.watch_all()

    def on_line_chart_moved(self, message: WalkChart.Moved) -> None:
        """Look at the agent that one has come to."""
        self.state.alpha = message.x
        self.stand()

    def action_go(self, by: int) -> None:
        """Along alpha, where the picture has not the keys."""
        self.chart.action_move(by)

    def action_path(self, by: int) -> None:
        """Another path, at the same alpha."""
        self.state.turn(by)
        self.show_walk()
        self.stand()
        self.query_one(WalkChoices).show(self.state)
