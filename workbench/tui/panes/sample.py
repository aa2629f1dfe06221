"""The Sample pane: new networks from a generator, held against networks that it has not seen."""

import asyncio
import os
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Container, Horizontal
from textual.timer import Timer
from textual.widgets import Static

from workbench import generators
from workbench.analyses import dial, find, policy, sample, train
from workbench.analysis import Selection
from workbench.errors import WorkbenchError
from workbench.service import Job, JobState, ModelService
from workbench.text import clean, duration
from workbench.tui.panes.base import Pane
from workbench.tui.sampling import (
    SELECTORS, WITHOUT, SampleState, Shown, can_be_shown, command_line, following, trained, watched,
)  # fmt: skip
from workbench.tui.view import View
from workbench.tui.widgets.choices import ChoicesPanel
from workbench.tui.widgets.latent import MapPanel
from workbench.tui.widgets.prompt import Prompt
from workbench.tui.widgets.sample import SampleInspector, origin
from workbench.tui.widgets.scatter import LatentMap
from workbench.tui.widgets.score import ScorePanel

SLOT = "inspect"
FOLLOWED = 4
"""Looks at a running job a second."""
PATIENCE = 0.15
"""Seconds that the last network's figures stay while the next one's are measured."""
ROOM_FOR_SIDE, ROOM_FOR_ALL, ROOM_BESIDE = 108, 150, 66
"""Columns from which the map stands beside the figures, the choices too, and the sample beside the map."""
TALL = 36
"""Lines from which there is room to say what the figures are."""
LISTS = {"source": sample.SOURCES, "selector": SELECTORS, "without": WITHOUT}
ASKED = {
    "count": ("networks to sample", "200"),
    "seed": ("seed", "0"),
    "target": ("steps that policies shall survive", "120"),
    "save": ("save to", "samples.safetensors"),
}


class SamplePane(Pane):
    """Sample networks, see how they score, watch them."""

    TITLE = "Sample"
    KEYS = (
        ("r", "sample"),
        ("g", "group"),
        ("s S", "seed"),
        ("space", "play"),
        ("x", "save"),
        ("d", "dial"),
        ("t", "train"),
        ("i", "map, sample"),
        ("o", "choices"),
        ("G", "generator"),
        ("p", "source: prior, posterior"),
        ("c", "selector of candidates"),
        ("a", "without an attribute"),
        ("n", "how many to sample"),
        ("w", "other columns"),
        ("=", "the same as a command"),
        ("C", "cancel what runs"),
        ("m", "mark the sample"),
        ("M", "clear marks"),
        ("v", "move along an attribute"),
        ("↑ ↓ ← → h j k l", "next sample in a direction"),
        ("[ ]", "previous, next sample"),
        ("home end", "first, last sample"),
        ("tab", "map, figures, sample"),
        (", .", "step back, on"),
        ("- +", "slower, faster"),
        ("e E", "next, previous episode"),
        ("escape", "close input or side panel"),
    )

    BINDINGS: ClassVar = [
        Binding("r", "run"),
        Binding("g", "group"),
        Binding("G", "generator"),
        Binding("p", "next('source')"),
        Binding("c", "next('selector')"),
        Binding("a", "next('without')"),
        Binding("n", "ask('count')"),
        Binding("s", "seed"),
        Binding("S", "ask('seed')"),
        Binding("d", "ask('target')"),
        Binding("x", "ask('save')"),
        Binding("t", "form('train')"),
        Binding("v", "form('attributes')"),
        Binding("C", "stop"),
        Binding("w", "columns"),
        Binding("equals_sign", "command"),
        Binding("m", "mark"),
        Binding("M", "clear_marks"),
        Binding("i", "side('side')"),
        Binding("o", "side('choices')"),
        Binding("space", "play"),
        Binding("full_stop", "step(1)"),
        Binding("comma", "step(-1)"),
        Binding("plus", "speed(1)"),
        Binding("minus", "speed(-1)"),
        Binding("e", "episode(1)"),
        Binding("E", "episode(-1)"),
        Binding("escape", "back"),
    ]

    SCOPED_CSS = False  # the rules ask how wide the pane is
    DEFAULT_CSS = """
    SamplePane { layout: vertical; }
    SamplePane #panels { height: 1fr; }
    SamplePane #choices { width: 29; display: none; }
    SamplePane #middle { width: 1fr; }
    SamplePane #side { width: 46; layout: vertical; }
    SamplePane MapPanel, SamplePane SampleInspector { height: 1fr; }
    SamplePane #panels > *, SamplePane MapPanel, SamplePane SampleInspector {
        border: round $panel-lighten-2; border-title-color: $text; border-subtitle-color: $text-muted; }
    SamplePane #side { border: none; }
    SamplePane ScorePanel:focus-within, SamplePane MapPanel:focus-within, SamplePane SampleInspector:focus {
        border: round $accent; border-title-style: bold; }
    SamplePane SampleInspector { scrollbar-size-vertical: 1; }
    SamplePane #line { height: auto; max-height: 4; min-height: 1; padding: 0 1; color: $text-muted; }
    SamplePane #line.said { color: $warning; }
    SamplePane.-all #choices, SamplePane.show-choices #choices { display: block; }
    SamplePane.-all #side { width: 31%; max-width: 70; }
    SamplePane.-tight #side { display: none; }
    SamplePane.-tight.show-side #side { display: block; width: 1fr; }
    SamplePane.-beside.-tight.show-side #side { layout: horizontal; }
    SamplePane.-beside.-tight SampleInspector { width: 40; height: 100%; }
    SamplePane.-beside.-tight MapPanel { width: 1fr; height: 100%; }
    SamplePane.-tight.show-side #middle { display: none; }
    SamplePane.hide-side #side, SamplePane.hide-choices #choices { display: none; }
    """

    def __init__(self, service: ModelService, view: View) -> None:
        super().__init__(service, view)
        self.state = SampleState.of(view)
        self._episode = 0
        self._inspecting: Job | None = None
        self._mapped: Any = None
        self._timer: Timer | None = None
        self._said = ""

    def compose(self) -> ComposeResult:
        """Choices, figures, and the map over the sample."""
        with Horizontal(id="panels"):
            yield ChoicesPanel(id="choices")
            yield ScorePanel(id="middle")
            with Container(id="side"):
                yield MapPanel(id="map-box")
                yield SampleInspector(id="inspector")
        yield Static(id="line", markup=False)
        yield Prompt(id="prompt")

    @property
    def score(self) -> ScorePanel:
        """Figures of what is shown."""
        return self.query_one(ScorePanel)

    @property
    def places(self) -> MapPanel:
        """Where it lies in latent space."""
        return self.query_one(MapPanel)

    @property
    def inspector(self) -> SampleInspector:
        """The network under the cursor."""
        return self.query_one(SampleInspector)

    def on_mount(self) -> None:
        """Show what was shown before, and look for generators."""
        self.query_one("#choices").border_title = "choices"
        self._timer = self.set_interval(1 / FOLLOWED, self._follow, pause=True)
        self._fit(self.app.size.width, self.app.size.height)
        self._look()
        self.call_after_refresh(self._redraw)

    def on_resize(self, event: events.Resize) -> None:
        """Panels fold away, and draw for their width."""
        self._fit(event.size.width, event.size.height)
        self.call_after_refresh(self._redraw)

    def _fit(self, width: int, height: int) -> None:
        self.set_class(width < ROOM_FOR_SIDE, "-tight")
        self.set_class(width >= ROOM_BESIDE, "-beside")
        self.set_class(width >= ROOM_FOR_ALL, "-all")
        self.score.set_class(height >= TALL, "-tall")

    def _redraw(self) -> None:
        if not self.is_mounted:
            return
        self._show()
        self._embed()
        self._inspect()
        self._follow()
        if self.screen is self.app.screen and (self.screen.focused is None or not self.screen.focused.display):
            self._focus()

    def _focus(self) -> None:
        (self.places.map if self.places.map.region else self.score.table).focus()

    # What runs.

    def watches(self, job: Job) -> bool:
        """Its own jobs are told here."""
        return job is self.state.job or job is self.state.embedding

    def job_changed(self, job: Job) -> None:
        """A run, the map, the network under the cursor, or a training that has made a generator."""
        if job is self._inspecting and job.state.final:
            self._show_inspected()
        elif self.watches(job):
            self._follow()
        elif job.analysis.name == "train" and job.state is JobState.DONE:
            self._look(Path(job.frame.path))

    def _look(self, wanted: Path | None = None) -> None:
        async def look() -> None:
            try:
                found = await asyncio.to_thread(trained, self.view.population)
            except (WorkbenchError, OSError) as error:
                self.say(str(error))
                return
            self.state.take(found, wanted)
            if self.is_mounted:
                self._show()

        self.run_worker(look(), group="look", exclusive=True)

    def _follow(self) -> None:
        """Show what is new; stop looking when nothing runs."""
        state = self.state
        state.keep()
        job, embedding = state.job, state.embedding
        if job is not None and can_be_shown(job.frame) and (state.shown is None or state.shown.frame is not job.frame):
            self.run_worker(self._adopt(job, job.frame), group="adopt", exclusive=True)
        if embedding is not None and embedding.frame is not self._mapped:
            self._show_map()
        elif embedding is not None and not embedding.state.final:
            self.places.tell(state)
        self._tell()
        if self._timer is not None:
            (self._timer.resume if state.working else self._timer.pause)()

    async def _adopt(self, job: Job, frame: Any) -> None:
        """Take a frame to the screen; its networks are made a population once a run, in a thread."""
        before = self.state.shown
        same = before is not None and before.job is job
        networks = before.watched if before is not None and same else await asyncio.to_thread(watched, frame)
        if job is not self.state.job:
            return
        if not same:
            self.state.cursor, self._episode = 0, 0
            self.state.marks.clear()
        self.state.shown = Shown(job, frame, networks)
        if self.is_mounted:
            self.score.show(self.state)
            self._tell()
            if same:
                self._show_inspected()
            else:
                self._embed()
                self._show_map()
                self._inspect()

    def _start(self, analysis: Any, params: Any) -> None:
        self.say("")
        try:
            self.state.start(self.service, self.view.population, analysis, params)
        except WorkbenchError as error:
            self.say(str(error))
        self.score.show(self.state)
        self._follow()

    def _embed(self) -> None:
        if self.query_one("#side").display:
            try:
                self.state.embed(self.service, self.view.population)
            except WorkbenchError as error:
                self.say(str(error))
            self._follow()

    def action_run(self) -> None:
        """Sample with the choices as they are."""
        if self.state.generator is not None:
            self._start(find("sample"), self.state.params)

    def action_stop(self) -> None:
        """Ask what runs to stop; what there is stays."""
        for job in self.state.working[:1]:
            job.cancel()
        self._tell()

    # Choices.

    def _choose(self, **changes: Any) -> None:
        self.say("")
        self.state.change(**changes)
        if self.state.fast:
            self._start(find("sample"), self.state.params)
        self.query_one(ChoicesPanel).show(self.state)
        self._tell()

    def action_group(self) -> None:
        """The next survival group that the generator has a model of."""
        self._choose(group=following(self.state.groups or (self.state.params.group,), self.state.params.group))

    def action_generator(self) -> None:
        """The next trained generator."""
        found = [t.asked for t in self.state.trained or ()]
        if len(found) > 1:
            self._choose(generator=following(found, self.state.params.generator))
        else:
            self.say("no other trained generator for these networks; t trains one")

    def action_next(self, name: str) -> None:
        """The next of a list of choices."""
        self._choose(**{name: following(LISTS[name], getattr(self.state.params, name))})

    def action_seed(self) -> None:
        """The next seed."""
        self._choose(seed=self.state.params.seed + 1)

    def suggested(self) -> dict[str, str]:
        """The choices, and the network of the population under the cursor."""
        params = self.state.params
        names = ("generator", "group", "count", "source", "selector", "without", "seed")
        row = self._network(self.state.cursor)
        given = {name: str(getattr(params, name)) for name in names}
        return given if row is None else {**given, "network": str(row)}

    def action_form(self, name: str) -> None:
        """The form of another analysis, filled in."""
        from workbench.tui.run_screen import RunScreen

        given = self.suggested()
        if name == "train":
            given = training_form(self.view.population, self.state.generator)
        self.app.push_screen(RunScreen(self.service, self.view, find(name), given))

    def action_ask(self, what: str) -> None:
        """Open the prompt."""
        params = self.state.params
        label, placeholder = ASKED[what]
        value = {"count": str(params.count), "seed": str(params.seed)}.get(what, "")
        if what == "save" and (problem := self._unsaved()):
            self.say(problem)
            return
        if what == "save":
            value = f"samples-{params.group}-{params.seed}.safetensors"
        self.say("")
        self.query_one(Prompt).ask(what, label, value, placeholder)
