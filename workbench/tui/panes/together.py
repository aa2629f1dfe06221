"""What panes have in common in which several agents are watched together, from the same start."""

from collections.abc import Sequence
from typing import Any, ClassVar

from workbench.analyses import find
from workbench.service import Job, ModelService
from workbench.tui.panes.folding import FoldingPane
from workbench.tui.view import View
from workbench.tui.widgets.rollouts import RolloutRow


class TogetherPane(FoldingPane):
    """A pane with a `RolloutRow`; its state says who is watched, with `agents`, `watching`, `spec` and `episode`."""

    WATCHED: ClassVar[int]
    """How many there are at most."""
    SLOT: ClassVar[str]

    def __init__(self, service: ModelService, view: View) -> None:
        super().__init__(service, view)
        self._watching: list[Job | None] = [None] * self.WATCHED
        self._asked: list[Any] = [None] * self.WATCHED

    @property
    def rollouts(self) -> RolloutRow:
        """Those that are watched."""
        return self.query_one(RolloutRow)

    def show_rollouts(self) -> None:
        """Make sure that the episodes are on the screen."""
        raise NotImplementedError

    def watch_all(self) -> None:
        """Ask for the episodes of all, unless they are there; places without an agent are emptied."""
        agents: Sequence[Any] = self.state.agents
        for k, agent in enumerate(agents):
            selection, params = self.state.watching(agent)
            asked = agent.weights.tobytes(), agent.name, params
            if asked != self._asked[k]:
                self._asked[k] = asked
                self._watching[k] = self.service.ask(f"{self.SLOT}-{k}", find("policy"), selection, params)
        for k in range(len(agents), self.WATCHED):
            if self._asked[k] is not None:
                self._asked[k] = self._watching[k] = None
                self.rollouts.show(k, None, self.state.spec, "")

    def job_changed(self, job: Job) -> None:
        """An episode is there."""
        if job in self._watching and job.state.final and job.frame is not None:
            k = self._watching.index(job)
            self.rollouts.show(k, job.frame.trace, self.state.spec, self._asked[k][1])

    def action_play(self) -> None:
        """Play all, or pause; where they are hidden they are shown first."""
        if not self.rollouts.region:
            self.show_rollouts()
        self.rollouts.play()

    def action_step(self, steps: int) -> None:
        """One step of all."""
        self.rollouts.step(steps)

    def action_speed(self, by: int) -> None:
        """All faster or slower."""
        self.rollouts.faster(by)

    def action_episode(self, by: int) -> None:
        """Another start of all."""
        self.state.episode = (self.state.episode + by) % self.state.params.episodes
        self.rollouts.rewind()
        self.watch_all()
        self.choices_changed()
