"""Several episodes from the same start, side by side and driven together."""

from textual.app import ComposeResult
from textual.containers import Container

from workbench.policies import PolicySpec
from workbench.rollouts.outcomes import Trace
from workbench.tui.widgets.rollout import RolloutView


class RolloutRow(Container, can_focus=True):
    """Episodes in a row, or in a square where that is too narrow."""

    DEFAULT_CSS = """
    RolloutRow { layout: grid; grid-gutter: 0 2; }
    RolloutRow RolloutView { width: 1fr; height: 1fr; }
    """

    def __init__(self, count: int, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.views = [RolloutView() for _ in range(count)]

    def compose(self) -> ComposeResult:
        """One view an episode."""
        yield from self.views

    @property
    def playing(self) -> bool:
        """Whether any is played."""
        return any(view.playing for view in self.views)

    @property
    def at(self) -> float:
        """The step that they have come to; some may be over by then."""
        return max(view.at for view in self.views)

    def set_columns(self, columns: int) -> None:
        """So many beside each other."""
        self.styles.grid_size_columns, self.styles.grid_size_rows = columns, -(-len(self.views) // columns)

    def show(self, k: int, trace: Trace | None, spec: PolicySpec, title: str) -> None:
        """Another episode in a place: it joins the others at their step."""
        playing, view = self.playing, self.views[k]
        view.load(trace, spec, title, self.at)
        if playing and not view.playing and view.at < view.length - 1:
            view.toggle()

    def rewind(self) -> None:
        """All to their start."""
        for view in self.views:
            view.at = 0.0

    def play(self) -> None:
        """Play all, or pause all; once all are over, play them again."""
        playing = self.playing
        on = [view for view in self.views if view.at < view.length - 1] or self.views
        for view in self.views if playing else on:
            if view.playing == playing:
                view.toggle()

    def step(self, steps: int) -> None:
        """One step of all, which stay together as long as they last."""
        at = int(self.at) + steps
        for view in self.views:
            view.go(at)

    def faster(self, by: int) -> None:
        """All faster or slower."""
        for view in self.views:
            view.faster(by)
