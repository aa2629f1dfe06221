"""Survival or return around an agent of the Interpolate pane, or over the plane through three, as it is played."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.timer import Timer
from textual.widgets import Static

from workbench.analyses import find, landscape
from workbench.errors import WorkbenchError
from workbench.service import JobState, ModelService
from workbench.storage import check_new, write_text
from workbench.text import clean
from workbench.tui.commands import command_line
from workbench.tui.help_screen import HelpScreen, key_bar
from workbench.tui.interpolating import CAPS, InterpolateState
from workbench.tui.over import OverScreen
from workbench.tui.sampling import following
from workbench.tui.widgets.pair import HeatMapChart
from workbench.tui.widgets.prompt import Prompt

FOLLOWED = 5
"""Looks at a running job a second."""
GRIDS = (20, 40, 80)
AROUND, LEAST = 11, 20
"""Lines that are no cells; points that make a picture."""
SPANS = (0.25, 0.5, 1.0, 2.0, 4.0)
FIGURE = ".svg"


class LandscapeScreen(OverScreen[None]):
    """Survival or return as a landscape; closing it leaves the job alone."""

    AUTO_FOCUS = ""  # keys are for the screen, until something is asked
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
        Binding("x", "save", show=False),
        Binding("equals_sign", "command", show=False),
        Binding("C", "stop", show=False),
        Binding("question_mark", "help", show=False),
        Binding("escape,q,L", "close", show=False),
    ]
    DEFAULT_CSS = """
    LandscapeScreen { layout: vertical; background: $background; }
    LandscapeScreen #landscape-head { height: 1; background: $panel; }
    LandscapeScreen #landscape-title { width: 1fr; padding: 0 1; text-style: bold; }
    LandscapeScreen #landscape-progress { width: auto; padding: 0 1; color: $text-muted; }
    LandscapeScreen HeatMapChart { margin: 0 1; }
    LandscapeScreen #landscape-told { height: 2; padding: 0 1; text-style: bold; }
    LandscapeScreen #landscape-about { height: 2; padding: 0 1; color: $text-muted; }
    LandscapeScreen #landscape-about.said { color: $warning; }
    LandscapeScreen #landscape-keys { height: 1; background: $panel; padding: 0 1; }
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
        self._said = ""
        self._timer: Timer | None = None
        self._frame: Any = None

    def compose(self) -> ComposeResult:
        """The picture between what it is of and what it comes to."""
        with Horizontal(id="landscape-head"):
            yield Static(id="landscape-title", markup=False)
            yield Static(id="landscape-progress", markup=False)
        yield HeatMapChart(id="landscape")
        yield Static(id="landscape-told", markup=False)
        yield Static(id="landscape-about", markup=False)
        yield Prompt(id="landscape-prompt")
        yield Static(id="landscape-keys")

    def on_mount(self) -> None:
        """Play."""
        self._timer = self.set_interval(1 / FOLLOWED, self.follow, pause=True)
        if self.job is None:
            # A line of the screen for each row, or for two.
            lines = max(5, self.app.size.height - AROUND)
            self.params = replace(self.params, grid=min(lines * -(-LEAST // lines), GRIDS[-1]))
        self.action_play()
        self._keys()

    def on_resize(self, _event: events.Resize) -> None:
        """The key bar shows what fits; the picture draws itself."""
        self._keys()

    def _keys(self) -> None:
        bar = key_bar((*self.KEYS, ("?", "help")), self.app.size.width)
        self.query_one("#landscape-keys", Static).update(bar)

    @property
    def job(self) -> Any:
        """What is shown."""
        return self.state.surroundings

    def follow(self) -> None:
        """Show how far it is; stop looking when it is over."""
        job = self.job
        if job is None or not self.is_mounted:
            return
        frame = job.frame
        if frame is not None and frame is not self._frame:
            self._frame = frame
            panel = landscape.panel(frame)
            self._say("title", panel.title)
            self.query_one(HeatMapChart).show(replace(panel, title=""))
            self._say("told", landscape.sentence(frame))
        if not self._said:
            failed = job.state is JobState.FAILED
            self._say("about", f"landscape failed: {job.error}" if failed else landscape.about(frame) if frame else "")
            self.query_one("#landscape-about").set_class(failed, "said")
        running = "stops" if job.cancelling else job.progress or "starts"
        done = {JobState.DONE: "", JobState.CANCELLED: "cancelled, not complete", JobState.FAILED: ""}
        self._say("progress", done.get(job.state, running))
        if self._timer is not None:
            (self._timer.pause if job.state.final else self._timer.resume)()

    def _say(self, where: str, words: str) -> None:
        box = self.query_one(f"#landscape-{where}", Static)
        if box.content != clean(words, 1000):
            box.update(clean(words, 1000))

    def _tell(self, words: str) -> None:
        self._said = words
        self._say("about", words)
        self.query_one("#landscape-about").set_class(bool(words), "said")

    def action_play(self) -> None:
        """Play what is chosen; the picture before stays until there is something new."""
        self._tell("")
        try:
            self.state.around(self.service, self.params)
        except WorkbenchError as error:
            self._tell(str(error))
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
            self._tell("a plane goes through A, B and a third network: mark one in the Dataset pane (m)")
        else:
            self._change(second=self.state.params.second, third=third)

    def action_space(self) -> None:
        """In weights, or in latent space."""
        if self.params.space == "latent" or self.state.generator is not None:
            self._change(space=following(landscape.SPACES, self.params.space))
        else:
            self._tell("no trained generator for these networks, and so no latent space")

    def action_span(self, by: int) -> None:
        """Nearer or farther around one agent."""
        if self.params.third != -1:
            self._tell("a plane is as large as its three agents are apart")
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

    def action_command(self) -> None:
        """Say which command gives the same."""
        self._tell(command_line(find("landscape"), self.params, self.state.view.population))

    def action_save(self) -> None:
        """Ask for a file."""
        if self._frame is None:
            self._tell("nothing to save yet")
        else:
            name = "-".join(name.lstrip("#") for name in self._frame.names)
            self.query_one(Prompt).ask("save", "save to", f"landscape-{name}{FIGURE}", f"a new {FIGURE}")

    async def on_prompt_answered(self, message: Prompt.Answered) -> None:
        """Write the figure."""
        path = Path(message.text).expanduser()
        if not message.text:
            return
        try:
            check_new(path, (FIGURE,))
            await asyncio.to_thread(write_text, path, landscape.svg(self._frame))
            self.app.copy_to_clipboard(str(path.resolve()))
            self._tell(f"figure written to {path.resolve()} (copied)")
        except (WorkbenchError, OSError) as error:
            self._tell(str(error))

    def on_prompt_closed(self) -> None:
        """Keys are for the screen again."""
        self.set_focus(None)

    def action_help(self) -> None:
        """The keys of this screen."""
        self.app.push_screen(HelpScreen("landscape", self.KEYS))

    def action_close(self) -> None:
        """Back to the walk; of prompt and words, those first."""
        prompt = self.query_one(Prompt)
        if prompt.is_open:
            prompt.action_close()
        elif self._said:
            self._tell("")
            self.follow()
        else:
            self.dismiss()
