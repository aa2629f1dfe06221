"""The Interpolate pane: what lies between two agents, and beyond, as a picture with an agent at every point."""

from functools import partial
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal, Vertical
from textual.widgets import Static

from workbench.errors import WorkbenchError
from workbench.service import Job, JobState
from workbench.text import clean
from workbench.tui.interpolating import PATIENCE
from workbench.tui.landscape_screen import LandscapeScreen
from workbench.tui.panes.meeting import WATCHED, MeetingPane
from workbench.tui.panes.watching import WATCHING_KEYS
from workbench.tui.widgets.prompt import Prompt
from workbench.tui.widgets.rollouts import RolloutRow
from workbench.tui.widgets.walk import (
    AgentFigures,
    WalkChart,
    WalkChoices,
    WalkWords,
    picture,
    title,
    words_height,
)

SLOT = "sweep"
FOLLOWED = 20
"""Looks at a running walk a second."""
ROOM_FOR_CHOICES, ROOM_FOR_AGENT, ROOM_FOR_ROW = 150, 140, 76
"""Columns from which choices have a place, the agent stands beside the episodes, and these in a row."""
TALL = 32
"""Lines from which there is room for everything."""


ROOM_BESIDE_WORDS = 6
"""Lines of the pane that are not the words'."""


class InterpolatePane(MeetingPane):
    """Walk between two agents, and watch whom one meets."""

    TITLE = "Interpolate"
    KEYS = (
        ("← →", "along alpha"),
        ("p", "path"),
        ("space", "play"),
        ("a b", "A, B"),
        ("v", "swap"),
        ("c", "cap"),
        ("i", "episodes"),
        ("o", "choices"),
        ("W", "many pairs"),
        ("L", "landscape"),
        ("x", "save"),
        ("[ ]", "end of alpha nearer, farther"),
        ("s S", "seed"),
        ("G", "generator"),
        ("g", "group"),
        ("P", "which paths"),
        ("A B", "A, B by number"),
        ("R", "range of alpha"),
        ("n", "how many points"),
        ("r", "walk again"),
        ("z", "whole, close axis"),
        ("=", "the same as a command"),
        ("C", "cancel what runs"),
        ("h l", "along alpha, too"),
        ("↑ ↓ j k", "other paths"),
        ("home end", "first, last alpha"),
        ("pageup pagedown", "a tenth of the way"),
        *WATCHING_KEYS,
        ("escape", "close input or side panel"),
    )

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("z", "zoom"),
        Binding("i", "side('rollouts')"),
        Binding("o", "side('choices')"),
        Binding("W", "many"),
        Binding("L", "landscape"),
        Binding("C", "stop"),
        Binding("escape", "back"),
    ]

    SCOPED_CSS = False  # the rules ask how large the pane is
    DEFAULT_CSS = """
    InterpolatePane { layout: vertical; }
    InterpolatePane #panels { height: 1fr; }
    InterpolatePane #choices { width: 31; height: 100%; display: none; padding: 0 1;
        border-right: solid $panel-lighten-2; }
    InterpolatePane #walk { width: 1fr; height: 100%; padding: 0 1; }
    InterpolatePane WalkWords { padding: 0 1; }
    InterpolatePane #watched { height: auto; layout: vertical; }
    InterpolatePane AgentFigures { height: 2; padding: 0 1; }
    InterpolatePane RolloutRow { height: 8; display: none; padding: 0 1; }
    InterpolatePane #empty { height: 1fr; content-align: center middle; text-align: center; color: $text-muted;
        display: none; }
    InterpolatePane.empty #empty { display: block; }
    InterpolatePane.empty WalkChart { height: 1; }
    InterpolatePane.empty #watched, InterpolatePane.empty WalkWords { display: none; }
    InterpolatePane #line { height: auto; max-height: 4; min-height: 1; padding: 0 1; color: $text-muted; }
    InterpolatePane #line.said { color: $warning; }
    InterpolatePane.-all #choices, InterpolatePane.show-choices #choices { display: block; }
    InterpolatePane.-tall RolloutRow, InterpolatePane.show-rollouts RolloutRow { display: block; }
    InterpolatePane.hide-choices #choices, InterpolatePane.hide-rollouts RolloutRow { display: none; }
    InterpolatePane.show-rollouts WalkWords { display: none; }
    InterpolatePane.-tall WalkWords { display: block; }
    InterpolatePane.-tall #walk, InterpolatePane.-tall #choices, InterpolatePane.-tall RolloutRow,
    InterpolatePane.-tall.-beside AgentFigures {
        border: round $panel-lighten-2; border-title-color: $text; }
    InterpolatePane.-tall #walk:focus-within, InterpolatePane.-tall RolloutRow:focus {
        border: round $accent; border-title-style: bold; }
    InterpolatePane.-tall RolloutRow { height: 12; }
    InterpolatePane.-tall.-beside #watched { layout: horizontal; height: 12; }
    InterpolatePane.-tall.-beside AgentFigures { width: 38; height: 100%; }
    InterpolatePane.-tall.-beside.hide-rollouts #watched { height: auto; }
    InterpolatePane.-tall.-beside.hide-rollouts AgentFigures { width: 100%; height: 2; border: none; }
    InterpolatePane.-square.show-rollouts #panels { display: none; }
    InterpolatePane.-square.show-rollouts #watched, InterpolatePane.-square.show-rollouts RolloutRow { height: 1fr; }
    """

    def compose(self) -> ComposeResult:
        """The picture, what it comes to, and the agents."""
        with Horizontal(id="panels"):
            yield WalkChoices(id="choices")
            with Vertical(id="walk"):
                yield WalkChart(id="chart")
                yield Static(id="empty", markup=False)
        yield WalkWords(id="words")
        with Container(id="watched"):
            yield AgentFigures(id="agent")
            yield RolloutRow(WATCHED, id="rollouts")
        yield Static(id="line", markup=False)
        yield Prompt(id="prompt")

    def on_mount(self) -> None:
        """Show what was shown before; walk anew where ends, generators or nothing have come."""
        for name, words_ in (("choices", "choices"), ("agent", "agent"), ("rollouts", "from the same start")):
            self.query_one(f"#{name}").border_title = words_
        self._timer = self.set_interval(1 / FOLLOWED, self._follow, pause=True)
        before = self.state.params
        self.state.look()
        self._fit(self.app.size.width, self.app.size.height - 2)
        if self.state.frame is None or self.state.params != before:
            # Paths through the weights first: a generator takes seconds to load.
            self.walk()
        self.look()
        self.call_after_refresh(self._redraw)

    def _fit(self, width: int, height: int) -> None:
        self.set_class(width >= ROOM_FOR_CHOICES, "-all")
        self.set_class(width >= ROOM_FOR_AGENT, "-beside")
        self.set_class(width < ROOM_FOR_ROW, "-square")
        self.set_class(height >= TALL, "-tall")
        self.rollouts.set_columns(2 if width < ROOM_FOR_ROW else WATCHED)
        high, box = words_height(self.state.frame, width - 2) + 2 * (height >= TALL), self.query_one(WalkWords)
        # In a low pane the words are cut, so that the chart, the agent and the line have theirs.
        high = max(1, min(high, height - ROOM_BESIDE_WORDS))
        if box.styles.height is None or box.styles.height.value != high:
            box.styles.height = high

    def _redraw(self) -> None:
        if not self.is_mounted:
            return
        self._show()
        self.watch_all()
        self._follow()
        if self.screen is self.app.screen and (self.screen.focused is None or not self.screen.focused.region):
            self._focus()

    def _focus(self) -> None:
        (self.chart if self.query_one("#panels").display else self.rollouts).focus()

    # What runs.

    def walk(self) -> None:
        """Walk with the choices as they are; what is shown stays until there is something new."""
        self.state.check()
        if not self.state.fault:
            try:
                job = self.state.ask(self.service, SLOT)
                self.set_timer(PATIENCE, partial(self._still_walking, job))
            except WorkbenchError as error:
                self.say(str(error))
        self.choices_changed()

    def choices_changed(self) -> None:
        """Show the choices."""
        self.query_one(WalkChoices).show(self.state)
        self._follow()

    def _still_walking(self, job: Job) -> None:
        if job is self.state.job and not job.state.final and self._timer is not None:
            self._timer.resume()

    def job_changed(self, job: Job) -> None:
        """A walk has come to something, or an episode is there."""
        super().job_changed(job)
        if job.analysis.name == SLOT and job.selection is not None:
            if job.selection.population is self.view.population and job not in self.service.jobs:
                self._adopt(job)
        elif job in (self.state.walks, self.state.surroundings):
            self._follow()
            for screen in self.app.screen_stack:
                if isinstance(screen, LandscapeScreen):
                    screen.follow()

    def _adopt(self, job: Job) -> None:
        """Take what a walk has come to to the screen."""
        before = self.state.frame
        if self.state.adopt(job):
            if before is None or len(before.paths) != len(job.frame.paths):
                self._fit(self.size.width, self.size.height)
                self.call_after_refresh(self._redraw)
            self.show_walk()
            if job.state.final or job.seconds > PATIENCE:
                self.stand()
        elif job.state is JobState.DONE and job is self.state.shown:
            self.stand()
        self._tell()

    def _follow(self) -> None:
        """Show what is new; stop looking when nothing runs."""
        job = self.state.job
        if job is not None:
            self._adopt(job)
        self._tell()
        if self._timer is not None:
            slow = job is not None and not job.state.final and job.seconds > PATIENCE
            (self._timer.resume if slow or self.state.working else self._timer.pause)()

    # What is shown.

    def _show(self) -> None:
        """Draw everything for the size as it is."""
        self.query_one(WalkChoices).show(self.state)
        self.show_walk()
        self.stand(watch=False)
        self._tell()

    def show_walk(self) -> None:
        """Draw the walk, with the place on it, and what it comes to."""
        state, frame = self.state, self.state.frame
        self.set_class(frame is None, "empty")
        if frame is None:
            self._say("#empty", state.fault or "walking…\n\nthe first time takes some seconds: kernels are loaded")
            self.chart.show_walk(None, None)
            return
        name, box = clean(title(frame), 100), self.query_one("#walk")
        if box.border_title != name:
            box.border_title = name
        panel = picture(frame, state.here, state.close, "" if self.has_class("-tall") else name)
        self.chart.show_walk(panel, state.place[1])
        self.query_one(WalkWords).show(frame)

    def _tell(self) -> None:
        """What was said last, or what is walked."""
        self._say("#line", self._said or self.state.status)
        self.query_one("#line").set_class(bool(self._said or self.state.fault), "said")
        if self.state.frame is None:
            self._say("#empty", self.state.fault or self.query_one("#empty", Static).content)

    def _say(self, where: str, words: Any) -> None:
        box = self.query_one(where, Static)
        text = "\n".join(clean(line, 1000) for line in str(words).split("\n"))
        if box.content != text:
            box.update(text)

    def action_zoom(self) -> None:
        """An axis of survival or return up to the cap, or of what there is."""
        self.state.close = not self.state.close
        self.show_walk()

    def show_rollouts(self) -> None:
        """Bring the episodes to the screen."""
        self.action_side("rollouts")

    # Long jobs.

    def action_many(self) -> None:
        """Walk between many pairs, and show what that comes to."""
        from workbench.tui.run_screen import result_screen

        self._open(lambda: result_screen(self.state.many(self.service)))

    def action_landscape(self) -> None:
        """Look around A, or at the plane through three."""
        if self.state.fault:
            self.say(self.state.fault)
        else:
            self._open(lambda: LandscapeScreen(self.service, self.state))

    def _open(self, screen: Any) -> None:
        self.say("")
        try:
            self.app.push_screen(screen())
        except WorkbenchError as error:
            self.say(str(error))
        self._follow()

    def action_stop(self) -> None:
        """Ask what runs to stop; what there is stays."""
        for job in self.state.working[:1]:
            job.cancel()
        self._tell()

    # Panels.

    def action_side(self, panel: str) -> None:
        """Show or hide the choices or the episodes."""
        shown = self.query_one(f"#{panel}").display
        self.set_class(not shown, f"show-{panel}")
        self.set_class(shown, f"hide-{panel}")
        self.call_after_refresh(self._redraw)
        self.call_after_refresh(self._focus)

    def suggested(self) -> dict[str, str]:
        """The choices."""
        p = self.state.params
        names = ("first", "second", "generator", "group", "points", "low", "high", "seed", "cap")
        return {name: str(getattr(p, name)) for name in names} | {"path": " ".join(p.path), "network": str(p.first)}

    def action_back(self) -> None:
        """Close the innermost thing: the prompt, what was said, a side panel."""
        prompt = self.query_one(Prompt)
        if prompt.is_open:
            prompt.action_close()
        elif self._said:
            self.say("")
        elif self.has_class("show-rollouts") and not self.has_class("-tall"):
            self.action_side("rollouts")
        elif self.has_class("show-choices") and not self.has_class("-all"):
            self.action_side("choices")


PANE = InterpolatePane
