"""Two networks of the Converge pane closely: units, measures, where they decide differently, and both at work."""

from dataclasses import replace
from functools import partial
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal, Vertical
from textual.widgets import Static

from workbench.analyses import find, pair, policy
from workbench.analysis import Selection
from workbench.errors import WorkbenchError
from workbench.population import Population
from workbench.service import Job, JobState, ModelService
from workbench.text import clean
from workbench.tui.help_screen import HelpScreen
from workbench.tui.over import OverScreen
from workbench.tui.panes.watching import PATIENCE, WATCHING, WATCHING_KEYS
from workbench.tui.widgets.drawing import Picture
from workbench.tui.widgets.pair import HeatMapChart, measure_lines, notes
from workbench.tui.widgets.together import Together

SLOT = "pair"
ROLLOUT_SLOTS = ("pair-first", "pair-second")
PARTS = ("units", "measures", "actions", "rollouts")
TITLES = {
    "units": "hidden units", "measures": "measures and outputs", "actions": "actions",
    "rollouts": "both from the same start",
}  # fmt: skip
PANELS = {"units": "hidden units", "outputs": "outputs", "actions": "where they act differently"}
MISSING = {"units": "no hidden units", "outputs": "no outputs", "actions": "their actions are not discrete"}
ROOM_FOR_ALL = 140, 40


class PairScreen(OverScreen[tuple[int, int]]):
    """A pair of networks among those that are shown; closes with where one has come to."""

    KEYS = (
        ("tab", "part"),
        ("space", "play both"),
        ("↑ ↓ ← →", "other networks"),
        ("escape", "back"),
        ("1 2 3 4", "units, measures, actions, rollouts"),
        ("h j k l", "other networks, too"),
        ("[ ]", "previous, next second network"),
        *WATCHING_KEYS,
    )
    SHOWN = 4
    """Of them, in the line below."""
    BINDINGS: ClassVar[list[BindingType]] = [
        *WATCHING,
        *(Binding(str(k), f"part({k - 1})", show=False) for k in range(1, len(PARTS) + 1)),
        Binding("tab", "turn(1)", show=False),
        Binding("shift+tab", "turn(-1)", show=False),
        Binding("left,h,left_square_bracket", "go(0, -1)", show=False),
        Binding("right,l,right_square_bracket", "go(0, 1)", show=False),
        Binding("up,k", "go(-1, 0)", show=False),
        Binding("down,j", "go(1, 0)", show=False),
        Binding("question_mark", "help", show=False),
        Binding("escape,q", "close", show=False),
    ]
    SCOPED_CSS = False  # the rules ask how large the screen is
    DEFAULT_CSS = """
    PairScreen { layout: vertical; background: $background; }
    PairScreen #pair-head { height: 1; background: $panel; }
    PairScreen #pair-title { width: 1fr; height: 1; padding: 0 1; text-style: bold; }
    PairScreen #pair-tabs { width: auto; height: 1; padding: 0 1; }
    PairScreen #pair-told { height: auto; min-height: 1; max-height: 3; padding: 0 1; text-style: bold; }
    PairScreen #pair-told.fault { color: $error; }
    PairScreen #pair-parts { height: 1fr; layout: vertical; }
    PairScreen #pair-rest { width: 1fr; height: 1fr; layout: vertical; }
    PairScreen .part { display: none; width: 1fr; height: 1fr; padding: 0 1; border-title-color: $text; }
    PairScreen .part.chosen { display: block; }
    PairScreen #measures-left { height: auto; }
    PairScreen #measures-table { height: 9; }
    PairScreen #measures-notes { height: auto; color: $text-muted; }
    PairScreen #outputs-told { height: auto; text-style: bold; }
    PairScreen #pair-keys { height: 1; background: $panel; padding: 0 1; }
    PairScreen.-units #pair-rest { display: none; }
    PairScreen.-all #pair-parts { layout: horizontal; }
    PairScreen.-all #pair-rest, PairScreen.-all .part { display: block; }
    PairScreen.-all .part { border: round $panel-lighten-2; }
    PairScreen.-all #units { width: 84; }
    PairScreen.-all #measures { layout: horizontal; height: 14; }
    PairScreen.-all #measures-left { width: 1fr; }
    PairScreen.-all #rollouts { height: 11; }
    """

    def __init__(
        self, service: ModelService, population: Population, rows: NDArray[np.int64], asked: pair.Params,
        at: tuple[int, int],
    ) -> None:  # fmt: skip
        super().__init__()
        self.service, self.population, self.rows, self.asked, self.at = service, population, rows, asked, at
        self.part = 0
        self.job: Job | None = None
        self.watching: list[Job | None] = [None, None]
        self.frame: Any = None
        self._episode = 0
        """Of both networks."""

    def compose(self) -> ComposeResult:
        """Two names and a sentence over the parts."""
        with Horizontal(id="pair-head"):
            yield Static(id="pair-title", markup=False)
            yield Static(id="pair-tabs", markup=False)
        yield Static(id="pair-told", markup=False)
        with Container(id="pair-parts"):
            yield HeatMapChart(id="units", classes="part")
            with Vertical(id="pair-rest"):
                with Container(id="measures", classes="part"):
                    with Vertical(id="measures-left"):
                        yield Picture(id="measures-table")
                        yield Static(id="measures-notes", markup=False)
                    with Vertical(id="measures-right"):
                        yield Static(id="outputs-told", markup=False)
                        yield HeatMapChart(id="outputs")
                yield HeatMapChart(id="actions", classes="part")
                yield Together(id="rollouts", classes="part")
        yield Static(id="pair-keys")

    @property
    def together(self) -> Together:
        """Both at work."""
        return self.query_one(Together)

    def on_mount(self) -> None:
        """Compare the two."""
        for part in PARTS:
            self.query_one(f"#{part}").border_title = TITLES[part]
        self._fit(self.app.size.width, self.app.size.height)
        self.compare()

    def on_resize(self, event: events.Resize) -> None:
        """All parts where there is room, else one."""
        self._fit(event.size.width, event.size.height)
        self.call_after_refresh(self._show)

    def _fit(self, width: int, height: int) -> None:
        self.set_class(width >= ROOM_FOR_ALL[0] and height >= ROOM_FOR_ALL[1], "-all")
        self.set_class(PARTS[self.part] == "units", "-units")
        for part in PARTS:
            self.query_one(f"#{part}").set_class(part == PARTS[self.part], "chosen")
        self._head()

    # What runs.

    def compare(self) -> None:
        """Ask for the pair one has come to, and for an episode of both."""
        first, second = (int(self.rows[k]) for k in self.at)
        try:
            params = replace(self.asked, first=first, second=second)
            self.job = self.service.ask(SLOT, find("pair"), Selection(self.population), params)
            self._watch()
        except WorkbenchError as error:
            self._tell(str(error), fault=True)
            return
        # Compared in a moment, as a rule: what is shown stays until then, and nothing flickers.
        self.set_timer(PATIENCE, partial(self._still_comparing, self.job))
        self._head()

    def _watch(self) -> None:
        for k, slot in enumerate(ROLLOUT_SLOTS):
            params = policy.Params(int(self.rows[self.at[k]]), cap=self.population.cap, episode=self._episode)
            self.watching[k] = self.service.ask(slot, find("policy"), Selection(self.population), params)

    def _still_comparing(self, job: Job) -> None:
        if job is self.job and not job.state.final and self.is_mounted:
            self._tell("comparing…")

    def job_changed(self, job: Job) -> None:
        """The pair is compared, or an episode of one is there."""
        if not job.state.final or not self.is_mounted:
            return
        if job is self.job:
            if job.state is JobState.FAILED:
                self._tell(str(job.error), fault=True)
            elif job.frame is not None:
                self.frame = job.frame
                self._show()
        elif job in self.watching and job.frame is not None:
            self.together.show(self.watching.index(job), self.population.spec, job.frame)

    # What is shown.

    def _show(self) -> None:
        """Draw everything for the size as it is."""
        frame = self.frame
        if frame is None or not self.is_mounted:
            return
        self._head()
        self._tell(frame.where[:1].upper() + frame.where[1:])
        maps = {panel.title.split(":")[0]: panel for panel in pair.heat_maps(frame)}
        for name, title in PANELS.items():
            panel, chart = maps.get(title), self.query_one(f"#{name}", HeatMapChart)
            if panel is not None:
                # Lines are for the matrix; of units it has 30, or half as many.
                sides = f"{panel.x_label} across, {panel.y_label} down"
                if name == "outputs":
                    self._say("#outputs-told", f"{panel.title}; {sides}")
                    panel = replace(panel, x_label="", y_label="")
                else:
                    chart.border_title = panel.title
                panel = replace(panel, title="")
                if name == "units":
                    panel = replace(panel, x_label=sides, y_label="")
            chart.show(panel, MISSING[name])
        table = self.query_one("#measures-table", Picture)
        table.draw(measure_lines(frame, table.size.width))
        self._say("#measures-notes", "\n".join(notes(frame)))

    def _head(self) -> None:
        """Who is compared, the parts, and the keys."""
        first, second = (f"#{int(self.rows[k])}" for k in self.at)
        lasted = ""
        if self.population.measured:
            steps = (float(self.population.performance[self.rows[k]]) for k in self.at)
            both = ", ".join("-" if np.isnan(s) else f"{s:.1f}" for s in steps)
            lasted = f"   {both}{self.population.measure.unit or ' return'}"
        everything, width = self.has_class("-all"), self.app.size.width
        tabs = ["▸" * (k == self.part) + f"{k + 1} {name}" for k, name in enumerate(PARTS)]
        few = [tab if tab.startswith("▸") else tab.split()[0] for tab in tabs]
        names = f"{first} × {second}"
        title = f"{names}{lasted}"
        fitting = [(title, "  ".join(tabs)), (names, "  ".join(tabs)), (names, " ".join(few))]
        told = next(((t, w) for t, w in fitting if len(t) + len(w) + 4 <= width), fitting[-1])
        self._say("#pair-title", title if everything else told[0])
        self._say("#pair-tabs", "" if everything else told[1])
        keys = (*self.KEYS[everything : self.SHOWN], *WATCHING_KEYS, ("?", "help"))
        room, shown = width - 2, []
        for key, words in keys if width >= ROOM_FOR_ALL[0] else (*self.KEYS[: self.SHOWN], keys[-1]):
            room -= len(key) + len(words) + 3
            if room >= 0:
                shown.append(f"[b]{key}[/] {words}")
        self._say("#pair-keys", "  ".join(shown), markup=True)

    def _tell(self, words: str, fault: bool = False) -> None:
        self._say("#pair-told", words)
        self.query_one("#pair-told").set_class(fault, "fault")

    def _say(self, where: str, words: str, markup: bool = False) -> None:
        box = self.query_one(where, Static)
        words = words if markup else "\n".join(clean(line, 1000) for line in words.split("\n"))
        if box.content != words:
            box.update(words)

    def action_part(self, part: int) -> None:
        """Another part, where one is shown at a time."""
        self.part = part
        self._fit(self.app.size.width, self.app.size.height)
        self.call_after_refresh(self._show)

    def action_turn(self, step: int) -> None:
        """The next or the previous part."""
        self.action_part((self.part + step) % len(PARTS))

    def action_go(self, down: int, across: int) -> None:
        """Another network in place of the first or the second."""
        last = len(self.rows) - 1
        before = self.at
        self.at = max(0, min(self.at[0] + down, last)), max(0, min(self.at[1] + across, last))
        if self.at != before:
            self.compare()

    # Both at work.

    def action_play(self) -> None:
        """Play both, or pause both, in sight."""
        self.together.toggle()
        if self.together.playing and not self.has_class("-all"):
            self.action_part(PARTS.index("rollouts"))

    def action_step(self, steps: int) -> None:
        """One step of both."""
        self.together.step(steps)

    def action_speed(self, by: int) -> None:
        """Both slower or faster."""
        self.together.faster(by)

    def action_episode(self, by: int) -> None:
        """Another start of both."""
        self._episode = (self._episode + by) % policy.Params.episodes
        self._watch()

    def action_help(self) -> None:
        """The keys of this screen."""
        self.app.push_screen(HelpScreen("two networks", self.KEYS))

    def action_close(self) -> None:
        """Back to the matrix, at this pair."""
        self.dismiss(self.at)
