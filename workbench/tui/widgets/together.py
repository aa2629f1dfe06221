"""Two networks at work side by side, from the same start and in step."""

from textual.app import ComposeResult
from textual.containers import Horizontal

from workbench.analyses import policy
from workbench.policies import PolicySpec
from workbench.tui.widgets.rollout import RolloutView


class Together(Horizontal):
    """Two episodes driven by the same keys."""

    DEFAULT_CSS = """
    Together RolloutView { width: 1fr; height: 1fr; max-height: 16; }
    Together #second { margin-left: 2; }
    """

    def compose(self) -> ComposeResult:
        """The first network's, then the second's."""
        yield RolloutView(id="first")
        yield RolloutView(id="second")

    @property
    def views(self) -> tuple[RolloutView, RolloutView]:
        """Both episodes."""
        return self.query_one("#first", RolloutView), self.query_one("#second", RolloutView)

    def show(self, which: int, spec: PolicySpec, frame: policy.Frame) -> None:
        """Show an episode of the first (0) or the second (1)."""
        self.views[which].show(spec, frame, f"#{frame.network}  ")

    @property
    def playing(self) -> bool:
        """Whether either plays."""
        return any(view.playing for view in self.views)

    def toggle(self) -> None:
        """Play both, or pause both; one that is over waits for the other, and then both play again."""
        playing = self.playing
        lasting = [view for view in self.views if view.at < view.length - 1]
        for view in self.views if playing or not lasting else lasting:
            if view.playing == playing:
                view.toggle()

    def step(self, steps: int) -> None:
        """Some steps on or back, together as long as both last."""
        at = max(int(view.at) for view in self.views) + steps
        for view in self.views:
            view.go(at)

    def faster(self, by: int) -> None:
        """Both slower or faster."""
        for view in self.views:
            view.faster(by)
