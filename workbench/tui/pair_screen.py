"""Two networks of the Converge pane closely: units, measures, where they decide differently, and both at work."""

from dataclasses import replace
from functools import partial
from typing import Any, ClassVar

import numpy as np
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal, Vertical
from textual.widgets import Static

from workbench.analyses import find, pair, policy
from workbench.analysis import Selection
from workbench.errors import WorkbenchError
from workbench.service import Job, JobState, ModelService
from workbench.text import clean
from workbench.tui.arranged import Networks
from workbench.tui.converging import SAVED, pair_command
from workbench.tui.full_screen import FullScreen
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


class PairScreen(FullScreen[tuple[int, int]]):
    """A pair of networks among those that are shown; closes with where one has come to."""

    NAME, HEADING, TOLD = "pair", "two networks", "told"
    KEYS = (
        ("tab", "part"),
        ("space", "play"),
        ("↑ ↓ ← →", "pairs"),
        ("=", "command"),
        ("y", "copy"),
        ("escape", "back"),
        *WATCHING_KEYS,
        ("1 2 3 4", "units, measures, actions, rollouts"),
        ("h j k l", "other pairs, too"),
        ("[ ]", "previous, next second network"),
    )
    FIRST = 6
    ONE_AT_A_TIME = ("tab", "1 2 3 4")
    """Keys that do nothing where all parts are in sight."""
    BINDINGS: ClassVar[list[BindingType]] = [
        *WATCHING,
        *(Binding(str(k), f"part({k - 1})", show=False) for k in range(1, len(PARTS) + 1)),
        Binding("tab", "turn(1)", show=False),
        Binding("shift+tab", "turn(-1)", show=False),
        Binding("left,h,left_square_bracket", "go(0, -1)", show=False),
        Binding("right,l,right_square_bracket", "go(0, 1)", show=False),
        Binding("up,k", "go(-1, 0)", show=False),
        Binding("down,j", "go(1, 0)", show=False),
    ]
    SCOPED_CSS = False  # the rules ask how large the screen is
    DEFAULT_CSS = """
    PairScreen #pair-tabs { width: auto; height: 1; padding: 0 1; }
    PairScreen #pair-told { height: auto; min-height: 1; max-height: 3; padding: 0 1; text-style: bold; }
    PairScreen #pair-told.said { color: $warning; }
    PairScreen #pair-told.fault { color: $error; }
    PairScreen #pair-parts { height: 1fr; layout: vertical; }
    PairScreen #pair-rest { width: 1fr; height: 1fr; layout: vertical; }
    PairScreen .part { display: none; width: 1fr; height: 1fr; padding: 0 1; border-title-color: $text; }
    PairScreen .part.chosen { display: block; }
    PairScreen #measures-left { height: auto; }
    PairScreen #measures-table { height: 9; }
    PairScreen #pair-notes { height: auto; color: $text-muted; }
    PairScreen #pair-outputs { height: auto; text-style: bold; }
    PairScreen.-units #pair-rest { display: none; }
    PairScreen.-all #pair-parts { layout: horizontal; }
    PairScreen.-all #pair-rest, PairScreen.-all .part { display: block; }
    PairScreen.-all .part { border: round $panel-lighten-2; }
    PairScreen.-all #units { width: 84; }
    PairScreen.-all #measures { layout: horizontal; height: 14; }
    PairScreen.-all #measures-left { width: 1fr; }
    PairScreen.-all #rollouts { height: 11; }
    """

    def __init__(self, service: ModelService, networks: Networks, asked: pair.Params, at: tuple[int, int]) -> None:
        super().__init__()
        self.service, self.networks, self.asked, self.at = service, networks, asked, at
        self.part = 0
        self.job: Job | None = None
        self.watching: list[Job | None] = [None, None]
        self.frame: Any = None
        self._episode = 0
        """Of both networks."""
        self._found = self._fault = ""
        """What the comparison comes to, or why there is none."""

    def compose(self) -> ComposeResult:
        """Two names and a sentence over the parts."""
        with Horizontal(classes="head"):
            yield Static(id="pair-title", classes="title", markup=False)
            yield Static(id="pair-tabs", markup=False)
        yield Static(id="pair-told", markup=False)
        with Container(id="pair-parts"):
            yield HeatMapChart(id="units", classes="part")
            with Vertical(id="pair-rest"):
                with Container(id="measures", classes="part"):
                    with Vertical(id="measures-left"):
                        yield Picture(id="measures-table")
                        yield Static(id="pair-notes", markup=False)
                    with Vertical(id="measures-right"):
                        yield Static(id="pair-outputs", markup=False)
                        yield HeatMapChart(id="outputs")
                yield HeatMapChart(id="actions", classes="part")
                yield Together(id="rollouts", classes="part")
        yield Static(id="pair-keys", classes="keys")

    @property
    def places(self) -> tuple[int, int]:
        """The places of the two: a network of another population is the second."""
        return self.networks.own_first(*self.at)

    @property
    def command(self) -> str:
        """The command that compares the same two."""
        population, params = self.networks.asked(self.asked, *self.places)
        return pair_command(params, population)

    @property
    def aside(self) -> str:
        """Samples are in no file."""
        population, _ = self.networks.asked(self.asked, *self.places)
        return (
            "" if population.path is not None else f"   ({SAVED} is what x in the Sample pane saves with none marked)"
        )

    @property
    def answer(self) -> tuple[int, int]:
        """The pair one has come to."""
        return self.at

    @property
    def bar(self) -> tuple[tuple[str, str], ...]:
        """Without the keys that go from part to part, where all are in sight."""
        away = self.ONE_AT_A_TIME if self.has_class("-all") else ()
        return tuple(key for key in self.KEYS if key[0] not in away)

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
        self._said = ""
        try:
            population, params = self.networks.asked(self.asked, *self.places)
            self.job = self.service.ask(SLOT, find("pair"), Selection(population), params)
            self._watch()
        except WorkbenchError as error:
            self._report(str(error), fault=True)
            return
        # Compared in a moment, as a rule: what is shown stays until then, and nothing flickers.
        self.set_timer(PATIENCE, partial(self._still_comparing, self.job))
        self._head()

    def _watch(self) -> None:
        for k, slot in enumerate(ROLLOUT_SLOTS):
            at = self.places[k]
            population = self.networks.population(at)
            params = policy.Params(int(self.networks.rows[at]), cap=population.cap, episode=self._episode)
            self.watching[k] = self.service.ask(slot, find("policy"), Selection(population), params)

    def _still_comparing(self, job: Job) -> None:
        if job is self.job and not job.state.final and self.is_mounted:
            self._report("comparing…")

    def job_changed(self, job: Job) -> None:
        """The pair is compared, or an episode of one is there."""
        if not job.state.final or not self.is_mounted:
            return
        if job is self.job:
            if job.state is JobState.FAILED:
                self._report(str(job.error), fault=True)
            elif job.frame is not None:
                self.frame = job.frame
                self._show()
        elif job in self.watching and job.frame is not None:
            k = self.watching.index(job)
            self.together.show(k, self.networks.population(self.places[k]).spec, job.frame)

    # What is shown.

    def _show(self) -> None:
        """Draw everything for the size as it is."""
        frame = self.frame
        if frame is None or not self.is_mounted:
            return
        self._head()
        self._report(frame.where[:1].upper() + frame.where[1:])
        maps = {panel.title.split(":")[0]: panel for panel in pair.heat_maps(frame)}
        for name, title in PANELS.items():
            panel, chart = maps.get(title), self.query_one(f"#{name}", HeatMapChart)
            if panel is not None:
                # Lines are for the matrix; of units it has 30, or half as many.
                sides = f"{panel.x_label} across, {panel.y_label} down"
                if name == "outputs":
                    self.say("outputs", f"{panel.title}; {sides}")
                    panel = replace(panel, x_label="", y_label="")
                else:
                    chart.border_title = panel.title
                panel = replace(panel, title="")
                if name == "units":
                    panel = replace(panel, x_label=sides, y_label="")
            chart.show(panel, MISSING[name])
        table = self.query_one("#measures-table", Picture)
        table.draw(measure_lines(frame, table.size.width))
        self.say("notes", "\n".join(notes(frame)))

    def _head(self) -> None:
        """Who is compared, the parts, and the keys."""
        first, second = (clean(self.networks.names[k], 24) for k in self.places)
        lasted, population = "", self.networks.populations[0]
        if population.measured:
            steps = (self.networks.lasted(k) for k in self.places)
            both = ", ".join("-" if np.isnan(s) else f"{s:.1f}" for s in steps)
            lasted = f"   {both}{population.measure.unit or ' return'}"
        everything, width = self.has_class("-all"), self.app.size.width
        tabs = ["▸" * (k == self.part) + f"{k + 1} {name}" for k, name in enumerate(PARTS)]
        few = [tab if tab.startswith("▸") else tab.split()[0] for tab in tabs]
        names = f"{first} × {second}"
        title = f"{names}{lasted}"
        fitting = [(title, "  ".join(tabs)), (names, "  ".join(tabs)), (names, " ".join(few))]
        told = next(((t, w) for t, w in fitting if len(t) + len(w) + 4 <= width), fitting[-1])
        self.say("title", title if everything else told[0])
        self.say("tabs", "" if everything else told[1])
        self.show_keys()

    def _report(self, words: str, fault: bool = False) -> None:
        """What the comparison comes to, unless something was said after it was asked for."""
        self._found, self._fault = ("", words) if fault else (words, "")
        self.retell()
        self.box("told").set_class(fault, "fault")

    @property
    def told(self) -> str:
        """Where the two differ, or why that is not known."""
        return self._fault or self._found

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
        last = len(self.networks.rows) - 1
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
