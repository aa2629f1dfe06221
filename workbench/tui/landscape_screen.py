"""Survival or return around an agent of the Interpolate pane, or over the plane through three, as it is played."""

from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from workbench.analyses import find, landscape
from workbench.errors import WorkbenchError
from workbench.service import Job, JobState, ModelService
from workbench.storage import write_text
from workbench.tui.commands import command_line
from workbench.tui.full_screen import SavingScreen
from workbench.tui.interpolating import CAPS, InterpolateState
from workbench.tui.sampling import following
from workbench.tui.widgets.pair import HeatMapChart

GRIDS = (20, 40, 80)
AROUND, LEAST = 11, 20
"""Lines that are no cells; points that make a picture."""
SPANS = (0.25, 0.5, 1.0, 2.0, 4.0)
FIGURE = ".svg"


class LandscapeScreen(SavingScreen[None]):
    """Survival or return as a landscape; closing it leaves the job alone."""

    AUTO_FOCUS = ""  # keys are for the screen, until something is asked
    NAME = HEADING = "landscape"
    FOLLOWED, FIRST = 5, 4
    SUFFIXES = (FIGURE,)
    WRITTEN = "figure written to"
    KEYS = (
        ("p", "slice, plane"),
        ("w", "weights, latent"),
        ("[ ]", "nearer, farther"),
        ("escape", "back"),
        ("s", "directions"),
        ("c", "cap"),
        ("n", "grid"),
        ("x", "save"),
        ("=", "the same as a command"),
        ("y", "copy the command"),
        ("C", "cancel"),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("p", "plane", show=False),
        Binding("w", "space", show=False),
        Binding("left_square_bracket", "span(-1)", show=False),
        Binding("right_square_bracket", "span(1)", show=False),
        Binding("s", "seed", show=False),
        Binding("c", "cap", show=False),
        Binding("n", "grid", show=False),
        Binding("r", "play", show=False),
        Binding("C", "stop", show=False),
        Binding("L", "close", show=False),
    ]
    DEFAULT_CSS = """
    LandscapeScreen HeatMapChart { margin: 0 1; }
    """

    def __init__(self, service: ModelService, state: InterpolateState) -> None:
        super().__init__()
        self.service, self.state = service, state
        p, before = state.params, state.surroundings
        agents = {"first": p.first, "second": -1, "third": -1}
        asked = landscape.Params(
            p.first, generator=p.generator, group=p.group, seed=p.seed, cap=p.cap,
            episodes=min(p.episodes, landscape.Params.episodes),
        )  # fmt: skip
        # As it was left, around the agent one walks from now.
        self.params = replace(before.params, **agents) if before is not None else asked
        if before is not None and before.params.third != -1 and self._third() is not None:
            self.params = replace(self.params, second=p.second, third=self._third())

    def picture(self) -> ComposeResult:
        """The landscape."""
        yield HeatMapChart(id="landscape")

    def begin(self) -> None:
        """Play."""
        if self.job is None:
            # A line of the screen for each row, or for two.
            lines = max(5, self.app.size.height - AROUND)
            self.params = replace(self.params, grid=min(lines * -(-LEAST // lines), GRIDS[-1]))
        self.action_play()

    @property
    def job(self) -> Any:
        """What is shown."""
        return self.state.surroundings

    @property
    def told(self) -> str:
        """What was played, or why nothing was."""
        if self._failed:
            return f"landscape failed: {self.job.error}"
        return landscape.about(self.job.frame) if self.job is not None and self.job.frame else ""

    @property
    def warns(self) -> bool:
        """A failure, too, wants to be seen."""
        return super().warns or self._failed

    @property
    def _failed(self) -> bool:
        return self.job is not None and self.job.state is JobState.FAILED

    def look(self, job: Job) -> None:
        """Show what there is, and how far it is."""
        frame = job.frame
        if frame is not None and frame is not self.frame:
            self.frame = frame
            panel = landscape.panel(frame)
            self.say("title", panel.title)
            self.query_one(HeatMapChart).show(replace(panel, title=""))
            self.say("told", landscape.sentence(frame))
        self.retell()
        running = "stops" if job.cancelling else job.progress or "starts"
        done = {JobState.DONE: "", JobState.CANCELLED: "cancelled, not complete", JobState.FAILED: ""}
        self.say("progress", done.get(job.state, running))

    def action_play(self) -> None:
        """Play what is chosen; the picture before stays until there is something new."""
        self.tell("")
        try:
            self.state.around(self.service, self.params)
        except WorkbenchError as error:
            self.tell(str(error))
        self.follow()

    def _change(self, **changes: Any) -> None:
        self.params = replace(self.params, **changes)
        self.action_play()

    def _third(self) -> int | None:
        """A marked network besides A and B."""
        p = self.state.params
        return next((int(row) for row in self.state.marks if row not in (p.first, p.second)), None)

    def action_plane(self) -> None:
        """The plane through A, B and a third that is marked, or a slice around A."""
        third = self._third()
        if self.params.third != -1:
            self._change(second=-1, third=-1)
        elif third is None:
            self.tell("a plane goes through A, B and a third network: mark one in the Dataset pane (m)")
        else:
            self._change(second=self.state.params.second, third=third)

    def action_space(self) -> None:
        """In weights, or in latent space."""
        if self.params.space == "latent" or self.state.generator is not None:
            self._change(space=following(landscape.SPACES, self.params.space))
        else:
            self.tell("no trained generator for these networks, and so no latent space")

    def action_span(self, by: int) -> None:
        """Nearer or farther around one agent."""
        if self.params.third != -1:
            self.tell("a plane is as large as its three agents are apart")
            return
        near = min(range(len(SPANS)), key=lambda k: abs(SPANS[k] - self.params.span))
        self._change(span=SPANS[max(0, min(near + by, len(SPANS) - 1))])

    def action_seed(self) -> None:
        """Other directions, and other episodes."""
        self._change(seed=self.params.seed + 1)

    def action_cap(self) -> None:
        """Longer episodes."""
        self._change(cap=following(CAPS, self.params.cap))

    def action_grid(self) -> None:
        """More points."""
        self._change(grid=following(GRIDS, self.params.grid))

    def action_stop(self) -> None:
        """Ask it to stop; what there is stays."""
        if self.job is not None:
            self.job.cancel()
        self.follow()

    @property
    def command(self) -> str:
        """The command that plays the same."""
        return command_line(find("landscape"), self.params, self.state.view.population)

    @property
    def file_name(self) -> str:
        """The agents."""
        return f"landscape-{'-'.join(name.lstrip('#') for name in self.frame.names)}{FIGURE}"

    def write(self, path: Path) -> None:
        """The figure."""
        write_text(path, landscape.svg(self.frame))

    def keys_back(self) -> None:
        """Keys are for the screen."""
        self.set_focus(None)
