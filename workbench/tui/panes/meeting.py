"""Whom one meets on a walk of the Interpolate pane: four agents, measured and watched together."""

from typing import Any, ClassVar

from textual.binding import Binding, BindingType

from workbench.analyses import find
from workbench.physics import Physics, is_cartpole
from workbench.service import Job, ModelService
from workbench.tui.panes.walking import WalkingPane
from workbench.tui.panes.watching import WATCHING
from workbench.tui.view import View
from workbench.tui.widgets.rollouts import RolloutRow
from workbench.tui.widgets.walk import AgentFigures, WalkChart, WalkChoices

WATCHED = 4
"""A, an agent between them, B, and one beyond."""
SLOT = "met"


class MeetingPane(WalkingPane):
    """A pane with a place on the walk; a subclass draws the walk."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *WATCHING,
        Binding("left,h", "go(-1)"),
        Binding("right,l", "go(1)"),
        Binding("up,k", "path(-1)"),
        Binding("down,j,p", "path(1)"),
    ]

    def __init__(self, service: ModelService, view: View) -> None:
        super().__init__(service, view)
        self._watching: list[Job | None] = [None] * WATCHED
        self._asked: list[Any] = [None] * WATCHED

    @property
    def chart(self) -> WalkChart:
        """Survival along the way."""
        return self.query_one(WalkChart)

    @property
    def rollouts(self) -> RolloutRow:
        """The four that are watched."""
        return self.query_one(RolloutRow)

    def show_walk(self) -> None:
        """Draw the walk, with the place on it."""
        raise NotImplementedError

    def show_rollouts(self) -> None:
        """Make sure that the episodes are on the screen."""
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

    # Watching.

    def watch_all(self) -> None:
        """Ask for the episodes of the four, unless they are there."""
        for k, agent in enumerate(self.state.agents):
            selection, params = self.state.watching(agent)
            asked = agent.weights.tobytes(), agent.name, params
            if asked != self._asked[k]:
                self._asked[k] = asked
                self._watching[k] = self.service.ask(f"{SLOT}-{k}", find("policy"), selection, params)

    def job_changed(self, job: Job) -> None:
        """An episode is there."""
        if job in self._watching and job.state.final and job.frame is not None:
            k, known = self._watching.index(job), is_cartpole(self.state.spec)
            tau = Physics.of(self.state.spec).tau if known else 0.0
            self.rollouts.show(k, job.frame.trace if known else None, tau, self._asked[k][1])

    def action_play(self) -> None:
        """Play all four, or pause; where they are hidden they are shown first."""
        if not self.rollouts.region:
            self.show_rollouts()
        self.rollouts.play()

    def action_step(self, steps: int) -> None:
        """One step of all four."""
        self.rollouts.step(steps)

    def action_speed(self, by: int) -> None:
        """All faster or slower."""
        self.rollouts.faster(by)

    def action_episode(self, by: int) -> None:
        """Another start of all four."""
        self.state.episode = (self.state.episode + by) % self.state.params.episodes
        self.rollouts.rewind()
        self.watch_all()
        self.choices_changed()
