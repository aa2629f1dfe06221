"""What panes have in common in which a network is looked at: it is measured, and can be watched."""

from functools import partial
from typing import ClassVar

from textual.binding import Binding, BindingType

from workbench.analyses import find, policy
from workbench.analysis import Selection
from workbench.population import Population
from workbench.service import Job, JobState, ModelService
from workbench.text import clean
from workbench.tui.panes.base import Pane
from workbench.tui.view import View
from workbench.tui.widgets.inspector import Inspector

SLOT = "inspect"
PATIENCE = 0.15
"""Seconds that the last network's figures stay while the next one's are measured."""
WATCHING: list[BindingType] = [
    Binding("space", "play"),
    Binding("full_stop", "step(1)"),
    Binding("comma", "step(-1)"),
    Binding("plus", "speed(1)"),
    Binding("minus", "speed(-1)"),
    Binding("e", "episode(1)"),
    Binding("E", "episode(-1)"),
]
WATCHING_KEYS = ((", .", "step back, on"), ("- +", "slower, faster"), ("e E", "next, previous episode"))


class WatchingPane(Pane):
    """A pane with an inspector; a subclass says what is looked at."""

    BINDINGS: ClassVar[list[BindingType]] = WATCHING

    def __init__(self, service: ModelService, view: View) -> None:
        super().__init__(service, view)
        self._episode = 0
        self._inspecting: Job | None = None
        self._watched: tuple[Population, policy.Params] | None = None

    @property
    def inspector(self) -> Inspector:
        """Where the network is shown."""
        return self.query_one(Inspector)

    def look_at(self, population: Population | None, params: policy.Params | None, anew: bool = True) -> None:
        """Look at a network; from its first episode, unless it is the one that is looked at."""
        if population is None or params is None:
            self._watched = self._inspecting = None
            self.show_watched()
            return
        if anew:
            self._episode = 0
            self.inspector.scroll_home(animate=False)
        self._watched = population, params
        self._measure()

    def _measure(self) -> None:
        assert self._watched is not None
        population, params = self._watched
        params = policy.Params(params.network, params.episodes, params.cap, params.seed, self._episode)
        self._inspecting = self.service.ask(SLOT, find("policy"), Selection(population), params)
        # Measured in a few milliseconds, as a rule: what is shown stays until then, and nothing flickers.
        self.set_timer(PATIENCE, partial(self._still_measuring, self._inspecting))

    def _still_measuring(self, job: Job) -> None:
        if job is self._inspecting and not job.state.final:
            self.show_watched()

    def show_watched(self) -> None:
        """Draw the network that is looked at, as far as it is measured."""
        job = self._inspecting
        note = "" if self.app.warm else "compiling kernels, once (about 10 s)…"
        if job is not None and job.state is JobState.FAILED:
            note = clean(job.error)
        population, params = self._watched or (None, None)
        row = params.network if params is not None else None
        self.inspector.show(population, row, job.frame if job is not None else None, note)

    def job_changed(self, job: Job) -> None:
        """The network is measured."""
        if job is self._inspecting and job.state.final:
            self.show_watched()

    def show_inspector(self) -> None:
        """Make sure that the inspector is on the screen."""

    def action_play(self) -> None:
        """Watch; a hidden inspector is shown first."""
        if not self.inspector.region:
            self.show_inspector()
        self.inspector.rollout.toggle()

    def action_step(self, steps: int) -> None:
        """One step of the episode."""
        self.inspector.rollout.step(steps)

    def action_speed(self, by: int) -> None:
        """Slower or faster."""
        self.inspector.rollout.faster(by)

    def action_episode(self, by: int) -> None:
        """Another episode of the same network."""
        if self._watched is not None:
            self._episode = (self._episode + by) % self._watched[1].episodes
            self._measure()
